#include "module.h"

void bind_vectors(nanobind::module_&) {}

#include "module.h"

void bind_static(nanobind::module_&) {}

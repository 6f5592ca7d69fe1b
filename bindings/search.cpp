#include "module.h"

void bind_search(nanobind::module_&) {}

#include "module.h"

void bind_text(nanobind::module_&) {}

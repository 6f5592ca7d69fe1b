#include "module.h"

namespace nb = nanobind;
using namespace nb::literals;

void bind_tokens(nb::module_& m) { (void)m; }

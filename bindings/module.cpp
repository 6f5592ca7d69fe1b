// qianru._core: what Python sees of core/. Each file here translates arguments for one core folder and decides nothing.
#include "module.h"

#include "base/cpu.h"
#include "base/peak_kernel.h"

#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

namespace nb = nanobind;
using namespace nb::literals;

static void bind_base(nb::module_& m) {
  m.def(
      "available_isas",
      [] {
        std::vector<std::string> names;
        for (qianru::Isa isa : qianru::available_isas()) names.emplace_back(qianru::isa_name(isa));
        return names;
      },
      "Instruction sets compiled in that this processor has, slowest first.");
  m.def("current_isa", [] { return std::string(qianru::isa_name(qianru::current_isa())); }, "The instruction set in use.");
  m.def("set_isa", [](const std::string& name) { qianru::set_isa(qianru::isa_from_name(name)); }, "name"_a,
        "Use another instruction set from available_isas(); for tests and benchmarks.");
  m.def("measure_fma_peak", &qianru::measure_fma_peak, "threads"_a, nb::call_guard<nb::gil_scoped_release>(),
        "GFLOP/s of fused multiply-adds on registers with so many threads; takes half a second.");
}

NB_MODULE(_core, m) {
  bind_base(m);
  bind_text(m);
  bind_segmenter(m);
  bind_static(m);
  bind_counts(m);
  bind_fasttext(m);
  bind_classifier(m);
  bind_vectors(m);
  bind_search(m);
  bind_tokens(m);
  bind_token_pieces(m);
}

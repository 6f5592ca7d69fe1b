#include "base/cpu.h"

#include <atomic>
#include <stdexcept>

namespace qianru {

namespace {

Isa best() { return available_isas().back(); }

// Relaxed is enough: it changes between jobs, never during one.
std::atomic<Isa>& chosen() {
  static std::atomic<Isa> isa{best()};
  return isa;
}

}  // namespace

std::vector<Isa> available_isas() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  std::vector<Isa> isas{Isa::v2};
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2")) isas.push_back(Isa::v3);
#if defined(QIANRU_V4_ON_AVX2)
  const bool has_v4 = true;
#else
  const bool has_v4 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                      __builtin_cpu_supports("avx512cd");
#endif
  if (isas.size() == 2 && has_v4) isas.push_back(Isa::v4);
  return isas;
#else
  return {Isa::neon};
#endif
}

Isa current_isa() { return chosen().load(std::memory_order_relaxed); }

void set_isa(Isa isa) {
  for (Isa available : available_isas()) {
    if (available == isa) {
      chosen().store(isa, std::memory_order_relaxed);
      return;
    }
  }
  throw std::invalid_argument(std::string("this processor cannot run kernels for ") + isa_name(isa));
}

const char* isa_name(Isa isa) {
  switch (isa) {
    case Isa::v2: return "v2";
    case Isa::v3: return "v3";
    case Isa::v4: return "v4";
    case Isa::neon: return "neon";
  }
  return "?";
}

Isa isa_from_name(const std::string& name) {
  for (Isa isa : {Isa::v2, Isa::v3, Isa::v4, Isa::neon})
    if (name == isa_name(isa)) return isa;
  throw std::invalid_argument("instruction set must be v2, v3, v4 or neon, got \"" + name + "\"");
}

}  // namespace qianru

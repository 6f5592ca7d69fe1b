// Which instruction set the kernels run on, chosen once at run time.
//
// A kernel file (core/*/X_kernel.cpp) is compiled once per instruction set with QIANRU_ISA set to v2, v3, v4 or neon, and puts
// its code in namespace qianru::QIANRU_ISA. Inside such a file only raw pointers and static functions are used: an inline
// function of the standard library compiled there for AVX-512 could be the copy that the linker keeps for everybody.
#pragma once

#include <string>
#include <vector>

namespace qianru {

enum class Isa { v2, v3, v4, neon };

// The instruction sets that were compiled in and that this processor has, slowest first.
std::vector<Isa> available_isas();

// The one in use: the fastest available unless set_isa chose another.
Isa current_isa();

// For tests and benchmarks. Throws std::invalid_argument if this processor does not have it.
void set_isa(Isa isa);

const char* isa_name(Isa isa);
Isa isa_from_name(const std::string& name);

}  // namespace qianru

// Declares `const TYPE& NAME()` in each instruction set's namespace, and defines `const TYPE& NAME()` that picks the current
// one. TYPE is a struct of function pointers.
#if defined(__x86_64__)
#define QIANRU_DISPATCH(TYPE, NAME)                  \
  namespace v2 { const TYPE& NAME(); }               \
  namespace v3 { const TYPE& NAME(); }               \
  namespace v4 { const TYPE& NAME(); }               \
  inline const TYPE& NAME() {                        \
    switch (current_isa()) {                         \
      case Isa::v4: return v4::NAME();               \
      case Isa::v3: return v3::NAME();               \
      default: return v2::NAME();                    \
    }                                                \
  }
#else
#define QIANRU_DISPATCH(TYPE, NAME)     \
  namespace neon { const TYPE& NAME(); } \
  inline const TYPE& NAME() { return neon::NAME(); }
#endif

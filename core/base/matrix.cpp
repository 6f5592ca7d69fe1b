#include "base/matrix.h"

#include <limits>
#include <new>

#include <sys/mman.h>

namespace qianru {

Matrix::Matrix(std::size_t n_rows, std::size_t dim)
    : n_rows_(n_rows), dim_(dim), stride_((dim + 15) / 16 * 16), n_bytes_(0), data_(nullptr) {
  constexpr std::size_t kHugePage = std::size_t{2} << 20;
  if (stride_ > 0 && n_rows > (std::numeric_limits<std::size_t>::max() - 2 * kHugePage) / (stride_ * sizeof(float))) throw std::bad_alloc();
  n_bytes_ = (n_rows * stride_ * sizeof(float) + kHugePage - 1) / kHugePage * kHugePage;
  if (n_bytes_ == 0) return;
  void* memory = mmap(nullptr, n_bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
#if defined(MADV_HUGEPAGE)
  madvise(memory, n_bytes_, MADV_HUGEPAGE);  // before the first touch, or it comes too late; no harm where it is refused
#endif
  data_ = static_cast<float*>(memory);
}

Matrix::~Matrix() { release(); }

void Matrix::release() {
  if (data_ != nullptr) munmap(data_, n_bytes_);
  data_ = nullptr;
}

}  // namespace qianru

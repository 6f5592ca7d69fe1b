// Memory straight from the system, given back to it the moment it is no longer needed: a corpus's id blocks are freed one by
// one while they are copied, which an allocator that keeps freed memory for later would turn into twice the peak.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <new>
#include <utility>

namespace qianru {

class Pages {
 public:
  Pages() = default;
  // Zeroed memory. Throws std::bad_alloc.
  explicit Pages(std::size_t n_bytes) : n_bytes_(n_bytes) {
    if (n_bytes_ == 0) return;
    data_ = mmap(nullptr, n_bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data_ == MAP_FAILED) {
      data_ = nullptr;
      throw std::bad_alloc();
    }
#ifdef MADV_HUGEPAGE
    // A hash table is random access: with 4 KiB pages most lookups would miss the TLB as well as the cache.
    if (n_bytes_ >= std::size_t{4} << 20) madvise(data_, n_bytes_, MADV_HUGEPAGE);
#endif
  }
  Pages(Pages&& other) noexcept { swap(other); }
  Pages& operator=(Pages&& other) noexcept {
    Pages taken(std::move(other));
    swap(taken);
    return *this;
  }
  ~Pages() {
    if (data_) munmap(data_, n_bytes_);
  }

  void* data() const { return data_; }
  std::size_t n_bytes() const { return n_bytes_; }

 private:
  void swap(Pages& other) {
    std::swap(data_, other.data_);
    std::swap(n_bytes_, other.n_bytes_);
  }

  void* data_ = nullptr;
  std::size_t n_bytes_ = 0;
};

}  // namespace qianru

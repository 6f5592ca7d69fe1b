#include "base/peak_kernel.h"

#include <algorithm>
#include <chrono>
#include <numeric>
#include <thread>
#include <vector>

namespace qianru {

double measure_fma_peak(int threads) {
  const auto n_threads = static_cast<std::size_t>(std::max(1, threads));
  std::vector<double> rates(n_threads);
  std::vector<std::thread> pool;
  for (double& rate : rates) {
    pool.emplace_back([&rate] {
      const auto started = std::chrono::steady_clock::now();
      double flops = 0, seconds = 0;
      float sink = 0;
      while (seconds < 0.5) {
        flops += peak_kernels().multiply_add(1'000'000, &sink);
        seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
      }
      rate = flops / seconds / 1e9;
    });
  }
  for (std::thread& thread : pool) thread.join();
  return std::accumulate(rates.begin(), rates.end(), 0.0);
}

}  // namespace qianru

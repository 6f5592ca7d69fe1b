// Exact nearest rows: every row is scored, the k best are kept. Threads take runs of rows from a common counter; each keeps a
// bounded heap per result, merged at the end. The answer does not depend on the number of threads: equal scores go to the lower
// row. Results of three queries share them: a query's products with a run of rows are taken once, however many results name it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace qianru {

enum class ScanScore {
  cosine,   // one query a result: query · row / |row|; the cosine where the query has length 1
  cos_add,  // three queries a, b, c a result: cosine to b - cosine to a + cosine to c (3CosAdd, not divided by |b - a + c|)
  cos_mul,  // the same three: the 3CosMul of their cosines (Levy & Goldberg 2014, eq. 4)
};

struct ScanRequest {
  const float* matrix;         // [n_rows, dim], contiguous
  std::size_t n_rows, dim;
  const float* inverse_norms;  // [n_rows]: 1 / |row|, 0 for a zero row
  const float* queries;        // [n_queries, dim]
  std::size_t n_queries;
  const std::uint32_t* triples;  // [n_results, 3]: the queries a, b, c of each result; with cosine unused: they come in order
  std::size_t n_results;
  ScanScore score;
  const std::uint32_t* among;  // rows to consider, rising; nullptr: all of them
  std::size_t n_among;
  const std::int64_t* exclude; // [n_results, n_exclude]: rows never returned for that result; -1 fills up
  std::size_t n_exclude;
  std::size_t k;
  std::size_t n_threads;       // 0: as many as the processor has
};

// Writes rows [n_results, k] and scores [n_results, k], best first. A row whose score is NaN or -infinity is never returned;
// where fewer than k are left, the rest is row -1 with score 0.
void scan(const ScanRequest& request, std::int64_t* rows, float* scores);

// out[r] = 1 / |row r|, or 0 where one of the two is no finite number of float32 or |row r| is zero.
void inverse_norms(const float* matrix, std::size_t n_rows, std::size_t dim, float* out, std::size_t n_threads);

// The first row that holds a NaN or an infinity, or -1.
std::int64_t first_row_not_finite(const float* matrix, std::size_t n_rows, std::size_t dim, std::size_t n_threads);

}  // namespace qianru

#include "bench/peers/openblas.h"

#include <cblas.h>

#include "core/error.h"

namespace talweg::bench {

void openblas_matmul(int64_t m, int64_t n, int64_t k, const float* a, bool transpose_a,
                     const float* b, bool transpose_b, float* c) {
  const auto op = [](bool transpose) { return transpose ? CblasTrans : CblasNoTrans; };
  const auto size = [](int64_t s) { return static_cast<blasint>(s); };
  cblas_sgemm(CblasRowMajor, op(transpose_a), op(transpose_b), size(m), size(n), size(k), 1.0f, a,
              size(transpose_a ? m : k), b, size(transpose_b ? k : n), 0.0f, c, size(n));
}

void set_openblas_threads(int threads) { openblas_set_num_threads(threads); }

std::string openblas_version() {
  constexpr int kOpenMp = 2;
  const std::string config = openblas_get_config();  // "OpenBLAS 0.3.21 NO_LAPACKE ..."
  const std::string version = config.substr(0, config.find(' ', config.find(' ') + 1));
  return message(version, ", ", openblas_get_corename(), " kernels, ",
                 openblas_get_parallel() == kOpenMp
                     ? "OpenMP threads"
                     : "threads of its own (they disturb other rows)");
}

std::string openblas_isa() {
  const std::string core = openblas_get_corename();
  if (core == "SkylakeX" || core == "Cooperlake" || core == "SapphireRapids") return "avx512";
  if (core == "Haswell" || core == "Zen") return "avx2";
  return core == "Nehalem" || core == "Prescott" || core == "Core2" ? "portable" : "";
}

}  // namespace talweg::bench

#include "core/kernels/fma_peak.h"

#include <omp.h>

#include <algorithm>
#include <cstdint>
#include <limits>

namespace talweg::kernels {
namespace {

constexpr int64_t kLoops = 100'000;  // about 0.2 ms, so that the barriers do not count
constexpr int kSamples = 300;

#if defined(__x86_64__)
// Twelve independent chains: more than the 4 cycles x 2 pipes of latency that must be hidden.
#define TALWEG_TWELVE(ins) \
  ins(0) ins(1) ins(2) ins(3) ins(4) ins(5) ins(6) ins(7) ins(8) ins(9) ins(10) ins(11)
#define TALWEG_FMA512(r) "vfmadd231ps %%zmm15, %%zmm15, %%zmm" #r "\n\t"
#define TALWEG_FMA256(r) "vfmadd231ps %%ymm15, %%ymm15, %%ymm" #r "\n\t"
#define TALWEG_ZERO(r) "vxorps %%xmm" #r ", %%xmm" #r ", %%xmm" #r "\n\t"
#define TALWEG_SSE_ZERO(r) "xorps %%xmm" #r ", %%xmm" #r "\n\t"
// Without fused operations a multiply and an add are two instructions on two registers.
#define TALWEG_SSE_PAIRS                                                        \
  "mulps %%xmm15, %%xmm0\n\taddps %%xmm15, %%xmm1\n\tmulps %%xmm15, %%xmm2\n\t" \
  "addps %%xmm15, %%xmm3\n\tmulps %%xmm15, %%xmm4\n\taddps %%xmm15, %%xmm5\n\t" \
  "mulps %%xmm15, %%xmm6\n\taddps %%xmm15, %%xmm7\n\tmulps %%xmm15, %%xmm8\n\t" \
  "addps %%xmm15, %%xmm9\n\tmulps %%xmm15, %%xmm10\n\taddps %%xmm15, %%xmm11\n\t"

void run_chains(const std::string& isa) {
  int64_t loops = kLoops;
  if (isa == "avx512") {
    asm volatile(TALWEG_TWELVE(TALWEG_ZERO) TALWEG_ZERO(15) "1:\n\t" TALWEG_TWELVE(
                     TALWEG_FMA512) "dec %0\n\tjnz 1b\n\tvzeroupper"
                 : "+r"(loops)::"xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",
                   "xmm8", "xmm9", "xmm10", "xmm11", "xmm15", "cc");
  } else if (isa == "avx2") {
    asm volatile(TALWEG_TWELVE(TALWEG_ZERO) TALWEG_ZERO(15) "1:\n\t" TALWEG_TWELVE(
                     TALWEG_FMA256) "dec %0\n\tjnz 1b\n\tvzeroupper"
                 : "+r"(loops)::"xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",
                   "xmm8", "xmm9", "xmm10", "xmm11", "xmm15", "cc");
  } else {
    asm volatile(TALWEG_TWELVE(TALWEG_SSE_ZERO) TALWEG_SSE_ZERO(15) "1:\n\t" TALWEG_SSE_PAIRS
                                                                    "dec %0\n\tjnz 1b"
                 : "+r"(loops)::"xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",
                   "xmm8", "xmm9", "xmm10", "xmm11", "xmm15", "cc");
  }
}

/// FLOP of one instruction of the chain.
double flops_per_instruction(const std::string& isa) {
  if (isa == "avx512") return 16 * 2;
  return isa == "avx2" ? 8 * 2 : 4;
}
#endif

#if defined(__x86_64__)
constexpr int64_t kAdditionLoops = 5'000;

/// kAdditionLoops times 200 additions, each of the sum before. Of a register: some processors do
/// those of a constant without any cycle at all.
void run_additions() {
  int64_t loops = kAdditionLoops, sum = 0, one = 1;
  asm volatile("1:\n\t.rept 200\n\tadd %2, %1\n\t.endr\n\tdec %0\n\tjnz 1b"
               : "+r"(loops), "+r"(sum)
               : "r"(one)
               : "cc");
}
#endif

}  // namespace

double effective_ghz() {
#if defined(__x86_64__)
  double best = std::numeric_limits<double>::max();
  for (int sample = 0; sample < kSamples; ++sample) {
    const double begin = omp_get_wtime();
    run_additions();
    best = std::min(best, omp_get_wtime() - begin);
  }
  return 200.0 * double(kAdditionLoops) / best * 1e-9;
#else
  return 0;
#endif
}

double fma_peak_gflops([[maybe_unused]] const std::string& isa, [[maybe_unused]] int threads) {
#if defined(__x86_64__)
  double best = std::numeric_limits<double>::max();
#pragma omp parallel num_threads(threads)
  for (int sample = 0; sample < kSamples; ++sample) {
#pragma omp barrier
    const double begin = omp_get_wtime();
    run_chains(isa);
#pragma omp barrier
    if (omp_get_thread_num() == 0) best = std::min(best, omp_get_wtime() - begin);
  }
  return 12.0 * kLoops * flops_per_instruction(isa) * threads / best * 1e-9;
#else
  return 0;
#endif
}

}  // namespace talweg::kernels

#include "bench/bandwidth.h"

#include <omp.h>
#include <unistd.h>

#include <algorithm>
#include <limits>

#include "bench/buffer.h"
#include "core/error.h"

namespace talweg::bench {
namespace {

struct Passes {
  void (*read)(int64_t n, const float* a, float* out);
  void (*copy)(int64_t n, const float* a, float* b);
  void (*triad)(int64_t n, const float* b, const float* c, float* a);
};

namespace narrow {
#define TALWEG_LANE_BYTES 16
#include "bench/bandwidth_passes.inl"
#undef TALWEG_LANE_BYTES
}  // namespace narrow

#if defined(__x86_64__) && !defined(__clang__)
#pragma GCC push_options
#pragma GCC target("avx2")
namespace avx2 {
#define TALWEG_LANE_BYTES 32
#include "bench/bandwidth_passes.inl"
#undef TALWEG_LANE_BYTES
}  // namespace avx2
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx512f")
namespace avx512 {
#define TALWEG_LANE_BYTES 64
#include "bench/bandwidth_passes.inl"
#undef TALWEG_LANE_BYTES
}  // namespace avx512
#pragma GCC pop_options
#endif

/// The widest that this processor runs.
const Passes& passes() {
#if defined(__x86_64__) && !defined(__clang__)
  if (__builtin_cpu_supports("avx512f")) return avx512::kPasses;
  if (__builtin_cpu_supports("avx2")) return avx2::kPasses;
#endif
  return narrow::kPasses;
}

/// GB/s of pass(thread), which moves so many bytes: the fastest of `samples`, all threads at once.
template <class Pass>
double fastest(int threads, int samples, int repeats, double bytes, const Pass& pass) {
  double best = std::numeric_limits<double>::max();
#pragma omp parallel num_threads(threads)
  for (int sample = 0; sample < samples; ++sample) {
#pragma omp barrier
    const double begin = omp_get_wtime();
    for (int i = 0; i < repeats; ++i) pass(omp_get_thread_num());
#pragma omp barrier
    if (omp_get_thread_num() == 0) best = std::min(best, omp_get_wtime() - begin);
  }
  return bytes * threads * repeats / best * 1e-9;
}

/// Each thread on three arrays of its own that fill `footprint` bytes.
Bandwidth measure_level(int threads, const std::string& level, size_t footprint, size_t limit) {
  const int64_t n = std::max<int64_t>(64, int64_t(footprint / sizeof(float) / 3 / 64 * 64));
  std::vector<Buffer> arrays;
  for (int i = 0; i < 3 * threads; ++i) arrays.emplace_back(n);
  const auto array = [&](int thread, int i) {
    const int index = 3 * thread + i;
    return arrays[size_t(index)].data();
  };
  const double bytes = double(sizeof(float)) * double(n);
  // About 0.3 ms a sample, so that the barriers do not count; more samples where they are short.
  const int repeats = int(std::clamp(1e7 / bytes, 1.0, 1e6));
  const int samples = 20;
  Bandwidth b = {.level = level, .bytes_per_thread = limit};
  b.read = fastest(threads, samples, repeats, bytes,
                   [&](int t) { passes().read(n, array(t, 0), array(t, 1)); });
  b.copy = fastest(threads, samples, repeats, 2 * bytes,
                   [&](int t) { passes().copy(n, array(t, 0), array(t, 1)); });
  b.triad = fastest(threads, samples, repeats, 3 * bytes,
                    [&](int t) { passes().triad(n, array(t, 0), array(t, 1), array(t, 2)); });
  return b;
}

size_t cache_size(int name, size_t otherwise) {
  const long size = sysconf(name);
  return size > 0 ? size_t(size) : otherwise;
}

}  // namespace

double Bandwidth::best() const { return std::max({read, copy, triad}); }

Caches read_caches() {
#if defined(_SC_LEVEL1_DCACHE_SIZE)
  return {cache_size(_SC_LEVEL1_DCACHE_SIZE, 32 << 10), cache_size(_SC_LEVEL2_CACHE_SIZE, 1 << 20),
          cache_size(_SC_LEVEL3_CACHE_SIZE, 0)};
#else
  return {32 << 10, 1 << 20, 0};
#endif
}

std::vector<Bandwidth> measure_bandwidth(int threads) {
  // Virtual machines state the L3 of the whole host, so that no size of ours is derived from it.
  const Caches caches = read_caches();
  constexpr size_t kMemory = size_t(144) << 20;
  std::vector<Bandwidth> levels;
  levels.push_back(measure_level(threads, "L1", caches.l1 * 3 / 4, caches.l1));
  levels.push_back(measure_level(threads, "L2", caches.l2 / 2, caches.l2));
  levels.push_back(measure_level(threads, "L3", caches.l2 * 6, caches.l2 * 8));
  levels.push_back(measure_level(threads, "memory", kMemory / size_t(threads),
                                 std::numeric_limits<size_t>::max()));
  return levels;
}

const Bandwidth& level_for(const std::vector<Bandwidth>& levels, double bytes_per_thread) {
  expect(!levels.empty(), "[bench] no bandwidth was measured");
  for (const Bandwidth& b : levels) {
    if (bytes_per_thread <= double(b.bytes_per_thread)) return b;
  }
  return levels.back();
}

}  // namespace talweg::bench

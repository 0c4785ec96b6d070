// conv2d's three faces on the layers of the word recognizer and some larger ones, for every
// instruction set of this machine: GFLOP/s and the share of the multiply-add peak measured in the
// same run.
//
//   talweg_bench --benchmark_filter='avx512/forward'
//
// Rows are named isa/face/shape. Padding taps count as work, as is the custom, although the kernels
// skip window rows outside the image: a row can exceed its share of the peak a little. A row whose
// result differs from the plain loops prints an error and no number. Set OMP_NUM_THREADS=1 to
// compare with one core; the peak is that of one core times the threads.
#include <benchmark/benchmark.h>
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <map>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "bench/fma_peak.h"
#include "core/error.h"
#include "core/kernels/kernels.h"
#include "core/rng.h"

namespace talweg::bench {
namespace {

using kernels::Conv2dFace;
using kernels::Conv2dShape;
using kernels::KernelTable;

struct Layer {
  const char* name;
  Conv2dShape shape;
};

const Layer kLayers[] = {
    {"word_1to16",
     {.n = 32, .h = 32, .w = 72, .c = 1, .k = 16, .kh = 3, .kw = 3, .pad_h = 1, .pad_w = 1}},
    {"word_16to32",
     {.n = 32, .h = 16, .w = 36, .c = 16, .k = 32, .kh = 3, .kw = 3, .pad_h = 1, .pad_w = 1}},
    {"word_32to64",
     {.n = 32, .h = 8, .w = 18, .c = 32, .k = 64, .kh = 3, .kw = 3, .pad_h = 1, .pad_w = 1}},
    {"word_64to96",
     {.n = 32, .h = 4, .w = 18, .c = 64, .k = 96, .kh = 3, .kw = 3, .pad_h = 1, .pad_w = 1}},
    {"word_96to128", {.n = 32, .h = 4, .w = 18, .c = 96, .k = 128, .kh = 4, .kw = 3, .pad_w = 1}},
    {"word_128to27", {.n = 32, .h = 1, .w = 18, .c = 128, .k = 27}},
    {"line_64to128",
     {.n = 8, .h = 8, .w = 128, .c = 64, .k = 128, .kh = 3, .kw = 3, .pad_h = 1, .pad_w = 1}},
    {"line_32to64_stride2",
     {.n = 8,
      .h = 16,
      .w = 128,
      .c = 32,
      .k = 64,
      .kh = 3,
      .kw = 3,
      .stride_h = 2,
      .stride_w = 2,
      .pad_h = 1,
      .pad_w = 1}},
};

const std::map<Conv2dFace, std::string> kFaceNames = {
    {Conv2dFace::forward, "forward"},
    {Conv2dFace::backward_data, "backward_data"},
    {Conv2dFace::backward_weights, "backward_weights"},
};

/// 64-byte aligned floats.
class Buffer {
 public:
  explicit Buffer(int64_t size) : size_(size), data_(allocate(size)) {}
  float* data() const { return data_.get(); }
  int64_t size() const { return size_; }

 private:
  struct Free {
    void operator()(float* p) const { ::operator delete(p, std::align_val_t(64)); }
  };
  static float* allocate(int64_t size) {
    return static_cast<float*>(
        ::operator new(sizeof(float) * static_cast<size_t>(size + 1), std::align_val_t(64)));
  }
  int64_t size_;
  std::unique_ptr<float, Free> data_;
};

Buffer random_buffer(int64_t size, uint64_t seed) {
  Buffer out(size);
  Rng rng(seed);
  for (int64_t i = 0; i < size; ++i) out.data()[i] = static_cast<float>(rng.normal());
  return out;
}

int64_t output_size(const Conv2dShape& s, Conv2dFace face) {
  if (face == Conv2dFace::forward) return s.y_size();
  return face == Conv2dFace::backward_data ? s.x_size() : s.w_size();
}

struct Problem {
  Conv2dShape s;
  Conv2dFace face;
  Buffer x, w, g;
  Problem(const Conv2dShape& shape, Conv2dFace open)
      : s(shape),
        face(open),
        x(random_buffer(s.x_size(), 1)),
        w(random_buffer(s.w_size(), 2)),
        g(random_buffer(s.y_size(), 3)) {}

  void run(const KernelTable<float>& k, const Buffer& out, const Buffer& scratch) const {
    const auto algo = kernels::Conv2dAlgo::direct;
    const Buffer packed(face == Conv2dFace::backward_weights ? 0
                                                             : k.conv2d_packed_size(s, algo, face));
    if (face != Conv2dFace::backward_weights) k.conv2d_pack(s, algo, face, w.data(), packed.data());
    if (face == Conv2dFace::forward) {
      k.conv2d(s, algo, x.data(), packed.data(), {}, out.data(), scratch.data());
    } else if (face == Conv2dFace::backward_data) {
      k.conv2d_backward_data(s, algo, packed.data(), g.data(), out.data(), scratch.data());
    } else {
      k.conv2d_backward_weights(s, algo, x.data(), g.data(), out.data(), scratch.data());
    }
  }
};

/// Relative L2 distance to the plain loops (which sum in double).
double error_of(const Problem& problem, const Buffer& out) {
  const Buffer expected(out.size()), none(0);
  problem.run(kernels::reference<float>(), expected, none);
  double difference = 0, norm = 0;
  for (int64_t i = 0; i < out.size(); ++i) {
    const double d = double(out.data()[i]) - double(expected.data()[i]);
    difference += d * d;
    norm += double(expected.data()[i]) * double(expected.data()[i]);
  }
  return std::sqrt(difference / norm);
}

void bench_conv2d(benchmark::State& state, const std::string& isa, const Layer& layer,
                  Conv2dFace face, double peak) {
  const kernels::ScopedIsa scope(isa);
  const KernelTable<float>& table = kernels::table<float>();
  const Problem problem(layer.shape, face);
  const Buffer out(output_size(layer.shape, face));
  const Buffer scratch(table.conv2d_scratch(layer.shape, kernels::Conv2dAlgo::direct, face));
  problem.run(table, out, scratch);
  const double error = error_of(problem, out);
  if (!(error < 1e-5)) {
    state.SkipWithError(message("result differs from the plain loops by ", error).c_str());
    return;
  }
  // The fastest of many runs: what the kernel can do when nothing else uses the core.
  double best = HUGE_VAL;
  for (auto _ : state) {
    const double begin = omp_get_wtime();
    problem.run(table, out, scratch);
    const double seconds = omp_get_wtime() - begin;
    state.SetIterationTime(seconds);
    best = std::min(best, seconds);
  }
  const double gflops = layer.shape.flops() / best * 1e-9;
  state.counters["best_us"] = best * 1e6;
  state.counters["GFLOP/s"] = gflops;
  if (peak > 0) state.counters["%peak"] = 100 * gflops / (peak * omp_get_max_threads());
}

std::string cpu_name() {
  std::ifstream in("/proc/cpuinfo");
  for (std::string line; std::getline(in, line);) {
    const size_t colon = line.find(": ");
    if (line.rfind("model name", 0) == 0 && colon != std::string::npos)
      return line.substr(colon + 2);
  }
  return "unknown";
}

void register_all() {
  benchmark::AddCustomContext("cpu", cpu_name());
  benchmark::AddCustomContext("threads", std::to_string(omp_get_max_threads()));
  for (const std::string& isa : kernels::available_isas()) {
    const double peak = fma_peak_gflops(isa);
    benchmark::AddCustomContext(isa + " peak GFLOP/s per core", message(peak));
    for (const auto& [face, face_name] : kFaceNames) {
      for (const Layer& layer : kLayers) {
        const std::string name = message(isa, "/", face_name, "/", layer.name);
        benchmark::RegisterBenchmark(name.c_str(),
                                     [=, face = face](benchmark::State& state) {
                                       bench_conv2d(state, isa, layer, face, peak);
                                     })
            ->UseManualTime()
            ->MinTime(0.1)
            ->Unit(benchmark::kMicrosecond);
      }
    }
  }
}

}  // namespace
}  // namespace talweg::bench

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  try {
    talweg::bench::register_all();
  } catch (const std::exception& e) {
    std::fprintf(stderr, "talweg_bench: %s\n", e.what());
    return 1;
  }
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}

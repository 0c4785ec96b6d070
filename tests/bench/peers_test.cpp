// The peers, where they are built: what comes back from them in our layouts is the convolution, or
// the product, that we asked for.
#ifdef TALWEG_PEERS
#include <doctest/doctest.h>

#include <map>

#include "bench/conv_problem.h"
#include "bench/matmul_problem.h"
#include "bench/peers/environment.h"
#include "bench/peers/onednn.h"
#include "bench/peers/openblas.h"
#include "core/error.h"

namespace talweg::bench {
namespace {

constexpr Conv2dFace kFaces[] = {Conv2dFace::forward, Conv2dFace::backward_data,
                                 Conv2dFace::backward_weights};

// Rounding of Winograd's F(4x4, 3x3) is many times that of a sum of products.
double bound_of(OneDnnAlgo algo) { return algo == OneDnnAlgo::winograd ? 1e-4 : 1e-5; }

void check_both_runs(const ConvProblem& problem, const OneDnnConfig& config) {
  const Buffer& first = problem.face() == Conv2dFace::backward_data ? problem.w() : problem.x();
  const Buffer& second = problem.face() == Conv2dFace::forward ? problem.w() : problem.g();
  OneDnnConv2d conv(config);
  CAPTURE(conv.description());
  Buffer out(problem.output_size());
  conv.load(first.data(), second.data());
  conv.run();
  conv.read(out.data());
  CHECK(problem.error(out.data()) < bound_of(config.algo));
  conv.run_with_reorders();
  conv.read(out.data());
  CHECK(problem.error(out.data()) < bound_of(config.algo));
}

TEST_CASE("oneDNN's results come back in our layouts") {
  // Blocks of 16 and tails, one channel, strides that leave a rest, dilation, unequal padding.
  const char* shapes[] = {"2x32x8x12-48x3x3p1", "2x1x9x7-3x3x2s2x3p1x0", "1x5x7x5-17x3x3p1",
                          "2x3x9x11-8x3x3d2x1p2x1", "3x1x6x10-1x4x8"};
  int prepared = 0;
  for (const char* text : shapes) {
    const ConvShape shape = parse_shape(text);
    for (const Conv2dFace face : kFaces) {
      const ConvProblem problem(shape, face);
      for (const OneDnnAlgo algo : {OneDnnAlgo::direct, OneDnnAlgo::winograd}) {
        for (const OneDnnInside inside : {OneDnnInside::chosen, OneDnnInside::nhwc}) {
          for (const OneDnnCaller caller : {OneDnnCaller::nchw, OneDnnCaller::nhwc}) {
            CAPTURE(text);
            CAPTURE(face_name(face));
            CAPTURE(static_cast<int>(algo));
            CAPTURE(static_cast<int>(inside));
            const OneDnnConfig config = {shape.s, face, algo, inside, caller};
            // Direct convolution it must have for every shape; the rest depends on the processor.
            if (algo == OneDnnAlgo::direct) CHECK_FALSE(onednn_lacks(config));
            if (onednn_lacks(config)) continue;
            ++prepared;
            check_both_runs(problem, config);
          }
        }
      }
    }
  }
  CHECK(prepared >= 60);
}

TEST_CASE("what oneDNN lacks it says in words") {
  const OneDnnConfig strided = {.shape = parse_shape("1x16x8x8-16x3x3s2p1").s,
                                .algo = OneDnnAlgo::winograd};
  REQUIRE(onednn_lacks(strided));
  CHECK(onednn_lacks(strided)->find("no winograd implementation") == 0);
  CHECK_THROWS_WITH_AS(OneDnnConv2d{strided}, doctest::Contains("no winograd implementation"),
                       Error);
}

TEST_CASE("OpenBLAS's products are ours") {
  for (const bool transpose_a : {false, true}) {
    for (const bool transpose_b : {false, true}) {
      const MatmulProblem problem(
          {.m = 13, .n = 34, .k = 21, .transpose_a = transpose_a, .transpose_b = transpose_b});
      Buffer out(problem.output_size());
      openblas_matmul(13, 34, 21, problem.a().data(), transpose_a, problem.b().data(), transpose_b,
                      out.data());
      CHECK(problem.error(out.data()) < 1e-6);
    }
  }
  CHECK(openblas_version().find("OpenBLAS") == 0);
}

TEST_CASE("the peers are held to the instruction set that our rows are held to") {
  const auto wanted = [](const std::vector<std::string>& isas) {
    std::map<std::string, std::string> by_name;
    for (const auto& [name, value] : peer_variables(isas)) by_name[name] = value;
    return by_name;
  };
  CHECK(wanted(kernels::available_isas()).at("ONEDNN_MAX_CPU_ISA").empty());
  CHECK(wanted({}).at("OPENBLAS_CORETYPE").empty());
  CHECK(wanted({}).at("OPENBLAS_L2_SIZE").empty());
  if (kernels::available_isas().front() == "avx512") {
    CHECK(wanted({"avx2"}).at("ONEDNN_MAX_CPU_ISA") == "AVX2");
    CHECK(wanted({"avx2", "portable"}).at("OPENBLAS_CORETYPE") == "Haswell");
    CHECK(wanted({"portable"}).at("ONEDNN_MAX_CPU_ISA") == "SSE41");
    CHECK(wanted({"avx512", "avx2"}).at("ONEDNN_MAX_CPU_ISA").empty());
  }
}

}  // namespace
}  // namespace talweg::bench
#endif  // TALWEG_PEERS

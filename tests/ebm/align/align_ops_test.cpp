#include "ebm/align/align_ops.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>

#include "core/gradcheck.h"
#include "tests/ebm/align/brute_force.h"

namespace talweg::ebm {
namespace {

using Symbols = std::vector<int32_t>;
constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

LabelList list(std::initializer_list<Symbols> words) {
  LabelList labels;
  for (const Symbols& word : words) labels.add(word);
  return labels;
}

template <class T>
Tensor<T> draw(const Shape& shape, int seed) {
  std::mt19937 random(seed);
  const auto e = brute_force::draw_energies<T>(shape.size(), brute_force::Kind::normal, random);
  return Tensor<T>(shape, std::span<const T>(e));
}

/// d<cotangent, F>/de, unrecorded.
template <class T>
Tensor<T> gradient(Tape<T>& tape, Var<T> f, Var<T> e, std::vector<T> cotangent) {
  const Tensor<T> u(f.shape(), std::span<const T>(cotangent));
  return tape.grad(f, std::span<const Var<T>>(&e, 1), false, tape.constant(u))[0].to_tensor();
}

TEST_CASE("free_energy is the aligner's F and its gradient the path's indicator times dF") {
  const Tensor<float> energies = draw<float>({2, 6, 3}, 1);
  const LabelList labels = list({{0, 2, 1, 2}, {1, 2}});
  Tape<float> tape;
  const Var<float> e = tape.variable(energies);
  BatchAlignment out;
  const Var<float> f = free_energy(e, std::vector<int64_t>{6, 4}, labels.view(), out);
  const Tensor<float> de = gradient(tape, f, e, {2.0f, -3.0f});
  for (int64_t b = 0; b < 2; ++b) {
    const int64_t frames = b == 0 ? 6 : 4;
    const Alignment alone = viterbi(energies.data() + b * 18, frames, 3, labels.view()[b]);
    CHECK(f.data()[b] == static_cast<float>(alone.energy));
    for (int64_t i = 0; i < 6; ++i) {
      for (int64_t a = 0; a < 3; ++a) {
        const bool on_path = i < frames && labels.view()[b][alone.path[i]] == a;
        CHECK(de[(b * 6 + i) * 3 + a] == (on_path ? (b == 0 ? 2.0f : -3.0f) : 0.0f));
      }
    }
  }
}

TEST_CASE("pairs without a path have F = +inf, no gradient at all, and leave their mates alone") {
  Tensor<double> energies = draw<double>({4, 4, 3}, 2);
  energies[3 * 12 + 5] = kNan;  // sample 3, frame 1, symbol 2
  const LabelList labels = list({{0, 1, 2, 0, 1}, {0, 2}, {}, {1, 2, 0}});
  Tape<double> tape;
  const Var<double> e = tape.variable(energies);
  BatchAlignment out;
  const Var<double> f = free_energy(e, std::vector<int64_t>{4, 4, 4, 4}, labels.view(), out);
  CHECK(f.data()[0] == kInf);
  CHECK(std::isfinite(f.data()[1]));
  CHECK(f.data()[2] == kInf);
  CHECK(std::isnan(f.data()[3]));
  CHECK(out.results[0].status == AlignStatus::too_short);
  CHECK(out.results[2].status == AlignStatus::empty);
  CHECK(out.results[3].status == AlignStatus::non_finite);
  CHECK(out.feasible() == 1);
  // Even an infinite or NaN gradient from above stays out.
  const Tensor<double> de = gradient(tape, f, e, {kInf, 1.0, kNan, kNan});
  double on_mate = 0;
  for (int64_t k = 0; k < de.size(); ++k) {
    if (k / 12 == 1) {
      on_mate += de[k];
    } else {
      CHECK(de[k] == 0.0);
    }
  }
  CHECK(on_mate == 4);  // one cell a frame
}

TEST_CASE("free_energy gives padded frames a gradient of zero and never reads them") {
  Tensor<double> energies = draw<double>({1, 5, 3}, 3);
  for (int k = 9; k < 15; ++k) energies[k] = kNan;
  Tape<double> tape;
  const Var<double> e = tape.variable(energies);
  BatchAlignment out;
  const Var<double> f = free_energy(e, std::vector<int64_t>{3}, list({{0, 2}}).view(), out);
  CHECK(std::isfinite(f.item()));
  const Tensor<double> de = gradient(tape, f, e, {1.0});
  for (int k = 9; k < 15; ++k) CHECK(de[k] == 0.0);
}

TEST_CASE("on a tie the gradient is that of the returned path") {
  Tape<double> tape;
  const Var<double> e = tape.variable(Tensor<double>({1, 3, 2}, 1.0));
  BatchAlignment out;
  const Var<double> f = free_energy(e, std::vector<int64_t>{3}, list({{0, 1}}).view(), out);
  const Tensor<double> de = gradient(tape, f, e, {1.0});
  CHECK(std::vector<double>(de.values().begin(), de.values().end()) ==
        std::vector<double>{1, 0, 0, 1, 0, 1});
}

TEST_CASE("the second derivative of free_energy is zero, and recorded as such") {
  Tape<double> tape;
  const Var<double> e = tape.variable(draw<double>({1, 5, 3}, 4));
  const Var<double> u = tape.variable(Tensor<double>({1}, 2.0));
  BatchAlignment out;
  const Var<double> f = free_energy(e, std::vector<int64_t>{5}, list({{0, 2, 1}}).view(), out);
  const Var<double> de = tape.grad(f, std::span<const Var<double>>(&e, 1), true, u)[0];
  const std::vector<Var<double>> both{e, u};
  const auto second = tape.grad(de, both, false, tape.full(de.shape(), 1.0));
  for (double h : second[0].values()) CHECK(h == 0.0);
  CHECK(second[1].item() == 5);  // the indicator's sum: one cell a frame
}

TEST_CASE("free_energy passes the gradient and second gradient checks") {
  const auto f = [](std::span<const Var<double>> x) {
    BatchAlignment out;
    return free_energy(x[0], std::vector<int64_t>{6, 4, 2},
                       list({{0, 2, 1, 2}, {1, 2}, {1, 2}}).view(), out);
  };
  const GradcheckResult first = gradcheck(f, {draw<double>({3, 6, 3}, 5)});
  CHECK_MESSAGE(first.ok, first.worst);
  const GradcheckResult second = gradgradcheck(f, {draw<double>({3, 6, 3}, 6)});
  CHECK_MESSAGE(second.ok, second.worst);
}

TEST_CASE("free_energy refuses energies and labels that do not fit") {
  Tape<double> tape;
  BatchAlignment out;
  const LabelList labels = list({{0}, {1}});
  const std::vector<int64_t> frames{4, 4};
  CHECK_THROWS_WITH_AS(free_energy(tape.full({4, 3}, 0.0), frames, labels.view(), out),
                       "[free_energy] energies must be [B,L,A], found [4,3]", Error);
  CHECK_THROWS_WITH_AS(
      free_energy(tape.full({3, 4, 3}, 0.0), frames, labels.view(), out),
      "[free_energy] energies [3,4,3] hold 3 samples, there are 2 labels; give one a sample",
      Error);
}

}  // namespace
}  // namespace talweg::ebm

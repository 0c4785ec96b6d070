#include "ebm/align/align_ops.h"
#include "ebm/align/ops.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>
#include <string>

#include "core/gradcheck.h"
#include "core/op_check.h"
#include "tests/ebm/align/brute_force.h"
#include "tests/ebm/align/op_helpers.h"

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

/// The loss's definition, with plain loops over plain numbers.
double expected_loss(const Tensor<double>& e, const std::vector<int64_t>& sample_frames,
                     const RaggedLabels& labels) {
  const int64_t frames = e.shape()[1], alphabet = e.shape()[2];
  double total = 0;
  int feasible = 0;
  for (int64_t b = 0; b < labels.size(); ++b) {
    const double* l = e.data() + b * frames * alphabet;
    const Alignment a = viterbi(l, sample_frames[b], alphabet, labels[b]);
    if (a.status != AlignStatus::ok) continue;
    ++feasible;
    double sum = 0;
    for (int64_t i = 0; i < sample_frames[b]; ++i) {
      double z = 0;
      for (int64_t s = 0; s < alphabet; ++s) z += std::exp(-l[i * alphabet + s]);
      sum += l[i * alphabet + labels[b][a.path[i]]] + std::log(z);
    }
    total += sum / sample_frames[b];
  }
  return total / feasible;
}

TEST_CASE("path_cross_entropy is its formula over the feasible pairs, and counts the others") {
  Tensor<double> energies = draw<double>({3, 6, 4}, 7);
  for (int64_t k = 4 * 4; k < 6 * 4; ++k) energies[24 + k] = kNan;  // sample 1's padding
  for (int64_t k = 0; k < 24; ++k) energies[48 + k] = kNan;         // sample 2 cannot fit anyway
  const LabelList labels = list({{0, 3, 1, 3}, {2, 3}, {0, 1, 2, 3, 0, 1, 2}});
  const std::vector<int64_t> frames{6, 4, 6};
  Tape<double> tape;
  const Var<double> e = tape.variable(energies);
  BatchAlignment out;
  const PathLoss<double> r = path_cross_entropy(e, frames, labels.view(), out);
  CHECK(r.feasible == 2);
  CHECK(r.infeasible == 1);
  CHECK(out.results[2].status == AlignStatus::too_short);
  CHECK(r.loss.item() ==
        doctest::Approx(expected_loss(energies, frames, labels.view())).epsilon(1e-13));
  tape.backward(r.loss);
  const Tensor<double> de = e.grad();
  for (int64_t k = 0; k < 72; ++k) {
    const bool read = k < 24 || (k >= 24 && k < 24 + 16);
    CAPTURE(k);
    if (read) CHECK(std::isfinite(de[k]));
    if (!read) CHECK(de[k] == 0.0);
  }
  for (int64_t row = 0; row < 10; ++row) {  // each frame's forces balance
    CHECK(std::abs(de[row * 4] + de[row * 4 + 1] + de[row * 4 + 2] + de[row * 4 + 3]) < 1e-15);
  }
}

TEST_CASE("a batch without a feasible pair has loss zero and gradient zero") {
  Tape<float> tape;
  const Var<float> e = tape.variable(draw<float>({2, 2, 3}, 8));
  BatchAlignment out;
  const LabelList labels = list({{0, 1, 2}, {}});
  const PathLoss<float> r = path_cross_entropy(e, std::vector<int64_t>{2, 2}, labels.view(), out);
  CHECK(r.feasible == 0);
  CHECK(r.infeasible == 2);
  CHECK(r.loss.item() == 0.0f);
  tape.backward(r.loss);
  const Tensor<float> de = e.grad();
  for (float g : de.values()) CHECK(g == 0.0f);
}

TEST_CASE("a confident path has a cross-entropy of zero, never below") {
  for (float gap : {5.0f, 20.0f, 100.0f, 1e30f}) {
    Tensor<float> energies({1, 4, 3}, gap);
    for (int i = 0; i < 4; ++i) energies[i * 3 + (i < 2 ? 0 : 2)] = -0.7f;
    Tape<float> tape;
    BatchAlignment out;
    const auto r = path_cross_entropy(tape.variable(energies), std::vector<int64_t>{4},
                                      list({{0, 2}}).view(), out);
    CHECK(r.loss.item() >= 0.0f);
    CHECK(r.loss.item() < 0.02f);
  }
}

TEST_CASE("descending the path cross-entropy lowers it and settles on the label") {
  Tensor<double> energies = draw<double>({1, 8, 3}, 9);
  const LabelList labels = list({{0, 2, 1, 2}});
  BatchAlignment out;
  Tape<double> tape;
  double first = 0, last = 0;
  for (int step = 0; step < 200; ++step) {
    TapeScope<double> scope(tape);
    const Var<double> e = tape.borrow(energies, true);
    const auto r = path_cross_entropy(e, std::vector<int64_t>{8}, labels.view(), out);
    tape.backward(r.loss);
    const Tensor<double> de = e.grad();
    for (int64_t k = 0; k < 24; ++k) energies[k] -= 8 * de[k];
    (step == 0 ? first : last) = r.loss.item();
  }
  CHECK(first > 0.3);
  CHECK(last < 0.02);
}

TEST_CASE("every card of this folder passes its checks") {
  REQUIRE(!ops().empty());
  for (const OpCard& card : ops()) {
    CHECK_MESSAGE(!card.benches.empty(), card.name, " has no card.bench");
    const OpReport report = check_op(card);
    CAPTURE(card.name);
    CHECK(report.cases > 0);
    for (const std::string& failure : report.failures) FAIL_CHECK(failure);
  }
}

}  // namespace
}  // namespace talweg::ebm

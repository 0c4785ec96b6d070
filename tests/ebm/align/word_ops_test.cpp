#include "ebm/align/word_ops.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>

#include "tests/ebm/align/brute_words.h"
#include "tests/ebm/align/op_helpers.h"

namespace talweg::ebm {
namespace {

using Symbols = std::vector<int32_t>;
constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr Topology kTopologies[] = {Topology::classic, Topology::margins, Topology::ctc};

LabelList list(Topology topology, std::initializer_list<Symbols> words) {
  LabelList labels;
  for (const Symbols& word : words) labels.add(expand(word, 2, topology));
  return labels;
}

TEST_CASE("word_nll is minus the logarithm of the word's share in the enumeration") {
  for (Topology topology : kTopologies) {
    for (double beta : {0.4, 1.0, 2.5}) {
      const Grammar grammar{2, topology};
      const Tensor<double> energies = draw<double>({2, 6, 3}, 1);
      const std::vector<Symbols> words{{0, 1}, {1}};
      const std::vector<int64_t> frames{6, 4};
      double expected = 0;
      for (int64_t b = 0; b < 2; ++b) {
        const std::vector<double> own(energies.data() + b * 18,
                                      energies.data() + b * 18 + frames[b] * 3);
        const auto strings = brute_force::all_spellings(own, frames[b], 3, grammar);
        expected -= std::log(brute_force::word_probabilities(strings, beta)[words[b]]) / 2;
      }
      Tape<double> tape;
      WordGaps out;
      const auto nll = word_nll(tape.variable(energies), frames,
                                list(topology, {words[0], words[1]}).view(), grammar, beta, out);
      CAPTURE(to_string(topology));
      CHECK(nll.feasible == 2);
      CHECK(nll.loss.item() == doctest::Approx(expected).epsilon(1e-12));
      Tape<double> plain;  // without a gradient: the same number by the cheaper way
      CHECK(word_nll(plain.constant(energies), frames, list(topology, {words[0], words[1]}).view(),
                     grammar, beta, out)
                .loss.item() == nll.loss.item());
    }
  }
}

TEST_CASE("every window's forces balance, and padding feels none") {
  Tensor<double> energies = draw<double>({2, 6, 3}, 2);
  for (int k = 12; k < 18; ++k) energies[18 + k] = kNan;  // sample 1's padding
  for (Topology topology : kTopologies) {
    Tape<double> tape;
    WordGaps out;
    const Var<double> e = tape.variable(energies);
    const auto nll = word_nll(e, std::vector<int64_t>{6, 4}, list(topology, {{0, 1}, {1}}).view(),
                              {2, topology}, 1.0, out);
    tape.backward(nll.loss);
    const Tensor<double> de = e.grad();
    double most = 0;
    for (int64_t row = 0; row < 12; ++row) {
      CHECK(std::abs(de[row * 3] + de[row * 3 + 1] + de[row * 3 + 2]) < 1e-14);
      for (int a = 0; a < 3; ++a) {
        if (row >= 10) CHECK(de[row * 3 + a] == 0.0);
        most = std::max(most, std::abs(de[row * 3 + a]));
      }
    }
    CHECK(most > 0.05);
  }
}

TEST_CASE("words without a path stay out of the mean, the gradient and their mates' way") {
  Tensor<double> energies = draw<double>({4, 4, 3}, 3);
  for (int k = 0; k < 3; ++k) energies[2 * 12 + 3 + k] = kInf;  // sample 2: no string at all
  energies[3 * 12 + 4] = kNan;
  Tape<double> tape;
  WordGaps out;
  const Var<double> e = tape.variable(energies);
  const LabelList labels = list(Topology::classic, {{0, 1, 0}, {1}, {0}, {0}});
  const std::vector<int64_t> frames{4, 4, 4, 4};
  const Var<double> g = word_gap(e, frames, labels.view(), {2}, 1.0, out);
  CHECK(g.data()[0] == kInf);
  CHECK(g.data()[1] > 0);
  CHECK(g.data()[2] == kInf);
  CHECK(std::isnan(g.data()[3]));
  const auto nll = word_nll(e, frames, labels.view(), {2}, 1.0, out);
  CHECK(nll.feasible == 1);
  CHECK(nll.infeasible == 3);
  CHECK(nll.loss.item() == doctest::Approx(g.data()[1]).epsilon(1e-15));
  const std::vector<Var<double>> xs{e};
  const Tensor<double> from_above({4}, std::span<const double>(std::array{kInf, 1.0, kNan, kNan}));
  const Tensor<double> de = tape.grad(g, xs, false, tape.constant(from_above))[0].to_tensor();
  for (int64_t k = 0; k < 48; ++k) {
    if (k / 12 != 1) CHECK(de[k] == 0.0);
    if (k / 12 == 1) CHECK(std::isfinite(de[k]));
  }
}

TEST_CASE("a batch without a feasible pair has loss zero and gradient zero") {
  Tape<float> tape;
  WordGaps out;
  const Var<float> e = tape.variable(draw<float>({1, 2, 3}, 4));
  const auto nll = word_nll(e, std::vector<int64_t>{2}, list(Topology::ctc, {{0, 1, 0}}).view(),
                            {2, Topology::ctc}, 1.0, out);
  CHECK(nll.feasible == 0);
  CHECK(nll.loss.item() == 0.0f);
  tape.backward(nll.loss);
  const Tensor<float> de = e.grad();
  for (float d : de.values()) CHECK(d == 0.0f);
}

TEST_CASE("the gap is never below zero, at any scale, and zero for a word without a rival") {
  for (double scale : {1.0, 1e4, 1e30}) {
    Tensor<double> energies = draw<double>({1, 20, 3}, 5);
    for (double& x : energies.values()) x *= scale;
    const WordReading best = least_energy_word(energies.data(), 20, 3, {2});
    LabelList labels;
    labels.add(expand(best.word, 2));
    Tape<double> tape;
    WordGaps out;
    const Var<double> e = tape.variable(energies);
    const Var<double> g = word_gap(e, std::vector<int64_t>{20}, labels.view(), {2}, 1.0, out);
    CHECK(g.item() >= 0);
    if (scale > 1) CHECK(g.item() == 0);
  }
}

TEST_CASE("the gap cools into the perceptron's: the best word's distance to the least energy") {
  const Tensor<double> energies = draw<double>({1, 8, 3}, 6);
  const LabelList labels = list(Topology::margins, {{0, 1, 0}});
  const Grammar grammar{2, Topology::margins};
  const double least = least_energy_word(energies.data(), 8, 3, grammar).energy;
  const double own =
      viterbi(energies.data(), 8, 3, labels.view()[0], path_rule(Topology::margins)).energy;
  double before = -1;
  for (double beta : {10.0, 100.0, 1e4, kInf}) {
    Tape<double> tape;
    WordGaps out;
    const Var<double> g = word_gap(tape.variable(energies), std::vector<int64_t>{8}, labels.view(),
                                   grammar, beta, out);
    before = std::abs(g.item() - (own - least));
    CHECK(before <= 10 / beta + 1e-12);
  }
  CHECK(before == 0);
}

TEST_CASE("descending the word's negative log-likelihood makes it the likeliest word") {
  for (Topology topology : kTopologies) {
    const Grammar grammar{2, topology};
    const Symbols word{0, 1, 1};
    Tensor<double> energies = draw<double>({1, 8, 3}, 7);
    LabelList labels;
    labels.add(expand(word, 2, topology));
    WordGaps out;
    Tape<double> tape;
    double first = 0, last = 0;
    for (int step = 0; step < 150; ++step) {
      TapeScope<double> scope(tape);
      const Var<double> e = tape.borrow(energies, true);
      const auto nll = word_nll(e, std::vector<int64_t>{8}, labels.view(), grammar, 1.0, out);
      tape.backward(nll.loss);
      const Tensor<double> de = e.grad();
      for (int64_t k = 0; k < 24; ++k) energies[k] -= de[k];
      (step == 0 ? first : last) = nll.loss.item();
    }
    CHECK(first > 1);
    CHECK(last < 0.1);
    CHECK(least_energy_word(energies.data(), 8, 3, grammar).word == word);
  }
}

}  // namespace
}  // namespace talweg::ebm

#include "ebm/losses/word_losses.h"

#include <doctest/doctest.h>

#include <cmath>
#include <functional>

#include "core/gradcheck.h"
#include "ebm/align/wrong_words.h"
#include "tests/ebm/align/op_helpers.h"
#include "tests/ebm/align/word_energies.h"

namespace talweg::ebm {
namespace {

using brute_force::kTopologies;
using brute_force::Symbols;
constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr int64_t kFrames = 6, kAlphabet = 3;
constexpr int32_t kBetween = 2;

std::vector<double> energies_of_sample(const Tensor<double>& e, int64_t b, int64_t frames) {
  const double* first = e.data() + b * kFrames * kAlphabet;
  return {first, first + frames * kAlphabet};
}

/// The words but one, lowest first.
std::vector<std::pair<double, Symbols>> wrong_by_energy(const std::map<Symbols, double>& f,
                                                        const Symbols& right) {
  std::vector<std::pair<double, Symbols>> wrong;
  for (const auto& [word, energy] : f) {
    if (word != right) wrong.emplace_back(energy, word);
  }
  std::ranges::sort(wrong);
  return wrong;
}

TEST_CASE("wrong words are the lowest of all words but the right one, in order") {
  const std::vector<Symbols> words{{0, 1}, {1}, {1, 0}};
  const std::vector<int64_t> frames{6, 4, 6};
  for (int seed = 0; seed < 20; ++seed) {
    const Tensor<double> e = draw<double>({3, kFrames, kAlphabet}, seed);
    for (const Topology topology : kTopologies) {
      for (const int64_t count : {1, 3}) {
        CAPTURE(seed);
        CAPTURE(to_string(topology));
        CAPTURE(count);

        std::vector<LabelList> wrong;
        const EnergyBatch<double> batch{e.data(), kFrames, kAlphabet, frames};
        const Grammar grammar{kBetween, topology};
        wrong_words(batch, brute_force::list_of(words).view(), grammar, count, 10'000, wrong);
        REQUIRE(std::ssize(wrong) == count);
        for (int64_t b = 0; b < 3; ++b) {
          const auto expected =
              wrong_by_energy(brute_force::word_energies(energies_of_sample(e, b, frames[b]),
                                                         frames[b], kAlphabet, grammar, kInf),
                              words[b]);
          for (int64_t k = 0; k < count; ++k) {
            const auto label = expand(expected[k].second, kBetween, topology);
            CHECK(std::ranges::equal(wrong[k].view()[b], label));
          }
        }
      }
    }
  }
}

TEST_CASE("where there is no wrong word the label is one without a path") {
  // Two windows of one letter and BETWEEN: classic spells one word only.
  const std::vector<double> e{1, 2, 3, 4};
  const std::vector<int64_t> frames{2};
  std::vector<LabelList> wrong;
  wrong_words(EnergyBatch<double>{e.data(), 2, 2, frames},
              LabelList(std::vector<Symbols>{{0}}).view(), {1, Topology::classic}, 2, 100, wrong);
  CHECK(wrong[0].view()[0].empty());
  CHECK(wrong[1].view()[0].empty());
}

/// What a loss is of a sample's words: F of the right one, F of the others by their F_min, and of all.
using Formula = std::function<double(double right, const std::vector<double>& wrong, double all)>;

struct Case {
  WordLoss loss;
  double beta;
  Formula formula;
};

std::vector<Case> cases() {
  const auto positive = [](double u) { return std::max(u, 0.0); };
  const auto soft = [](double u) { return std::log1p(std::exp(u)); };
  return {
      {WordLoss::nll, 0.7, [](double f, auto&, double all) { return 0.7 * (f - all); }},
      {WordLoss::perceptron, kInf, [](double f, auto&, double all) { return f - all; }},
      {WordLoss::hinge, kInf, [=](double f, auto& w, double) { return positive(1.5 + f - w[0]); }},
      {WordLoss::hinge, 1.2, [=](double f, auto& w, double) { return positive(1.5 + f - w[0]); }},
      {WordLoss::log, 2.0, [=](double f, auto& w, double) { return soft(f - w[0]); }},
      {WordLoss::mce, kInf, [](double f, auto& w, double) { return 1 / (1 + std::exp(w[0] - f)); }},
      {WordLoss::square_square, kInf,
       [=](double f, auto& w, double) {
         return std::pow(positive(f), 2) + std::pow(positive(1.5 - w[0]), 2);
       }},
      {WordLoss::simple, kInf,
       [=](double f, auto& w, double) { return positive(f) + positive(1.5 - w[0]); }},
      {WordLoss::infonce, 1.0,
       [](double f, auto& w, double) {
         double sum = 1;
         for (int k = 0; k < 3; ++k) sum += std::exp(f - w[k]);
         return std::log(sum);
       }},
  };
}

WordLossOptions options_of(WordLoss loss) {
  return {.loss = loss, .margin = 1.5, .negatives = 3, .max_prefixes = 10'000};
}

TEST_CASE("each loss of words is its formula over the energies of all words") {
  const std::vector<Symbols> words{{0, 1}, {1}};
  const std::vector<int64_t> frames{6, 4};
  for (const auto& [loss, beta, formula] : cases()) {
    for (const Topology topology : kTopologies) {
      CAPTURE(to_string(loss));
      CAPTURE(to_string(topology));
      CAPTURE(beta);

      const Grammar grammar{kBetween, topology};
      const Tensor<double> e = draw<double>({2, kFrames, kAlphabet}, 11);
      double expected = 0;
      for (int64_t b = 0; b < 2; ++b) {
        const auto own = energies_of_sample(e, b, frames[b]);
        const auto hard = brute_force::word_energies(own, frames[b], kAlphabet, grammar, kInf);
        auto f = brute_force::word_energies(own, frames[b], kAlphabet, grammar, beta);
        std::vector<double> wrong;
        for (const auto& [energy, word] : wrong_by_energy(hard, words[b])) {
          wrong.push_back(f.at(word));
        }
        const auto all = brute_force::all_spellings(own, frames[b], kAlphabet, grammar);
        const double of_all = beta == kInf ? brute_force::sorted_values(hard)[0]
                                           : brute_force::free_energy_of(all, beta);
        expected += formula(f.at(words[b]), wrong, of_all) / 2;
      }
      WordObjective<double> objective(options_of(loss), grammar);
      Tape<double> tape;
      const auto got =
          objective(tape.variable(e), frames, brute_force::list_of(words).view(), beta);
      CHECK(got.feasible == 2);
      CHECK(got.infeasible == 0);
      CHECK(got.loss.item() == doctest::Approx(expected).epsilon(1e-11));
    }
  }
}

TEST_CASE("path-ce and forward-ce are the cross-entropies of paths") {
  const Tensor<double> e = draw<double>({1, kFrames, kAlphabet}, 12);
  const std::vector<int64_t> frames{kFrames};
  const LabelList word(std::vector<Symbols>{{0, 1}});
  const Grammar grammar{kBetween, Topology::margins};
  LabelList label;
  label.add(expand(Symbols{0, 1}, kBetween, Topology::margins));
  for (const auto& [loss, beta] : {std::pair{WordLoss::path_ce, kInf},
                                   {WordLoss::path_ce, 3.0},
                                   {WordLoss::forward_ce, 1.0}}) {
    Tape<double> tape;
    const Var<double> x = tape.variable(e);
    BatchAlignment out;
    const AlignOptions options{beta, path_rule(Topology::margins)};
    WordObjective<double> objective(options_of(loss), grammar);
    CHECK(objective(x, frames, word.view(), beta).loss.item() ==
          path_cross_entropy(x, frames, label.view(), options, out).loss.item());
  }
}

TEST_CASE("the gradient of each loss of words agrees with finite differences") {
  const std::vector<int64_t> frames{6, 4};
  const LabelList words(std::vector<Symbols>{{0, 1}, {1}});
  for (const auto& [loss, beta, formula] : cases()) {
    CAPTURE(to_string(loss));
    CAPTURE(beta);

    WordObjective<double> objective(options_of(loss), {kBetween, Topology::ctc});
    const GradcheckResult result = gradcheck(
        [&](std::span<const Var<double>> x) {
          return objective(x[0], frames, words.view(), beta).loss;
        },
        {draw<double>({2, kFrames, kAlphabet}, 13)});
    CHECK_MESSAGE(result.ok, result.worst);
  }
}

TEST_CASE("a pair without a path or a wrong word is left out, and its mates learn as if alone") {
  const std::vector<int64_t> frames{6, 1};
  const Tensor<double> both = draw<double>({2, kFrames, kAlphabet}, 14);
  for (const auto& [loss, beta, formula] : cases()) {
    CAPTURE(to_string(loss));
    CAPTURE(beta);

    const Grammar grammar{kBetween, Topology::classic};
    WordObjective<double> objective(options_of(loss), grammar);
    Tape<double> tape, alone;
    const Var<double> x = tape.variable(both);
    const auto of_both =
        objective(x, frames, LabelList(std::vector<Symbols>{{0, 1}, {0, 1}}).view(), beta);
    tape.backward(of_both.loss);
    const Tensor<double> first({1, kFrames, kAlphabet},
                               std::span<const double>(both.data(), kFrames * kAlphabet));
    const Var<double> y = alone.variable(first);
    const auto of_one =
        objective(y, std::vector<int64_t>{6}, LabelList(std::vector<Symbols>{{0, 1}}).view(), beta);
    alone.backward(of_one.loss);
    CHECK(of_both.infeasible == 1);
    CHECK(of_both.loss.item() == of_one.loss.item());
    const Tensor<double> gradient = x.grad(), expected = y.grad();
    for (int64_t i = 0; i < kFrames * kAlphabet; ++i) {
      CHECK(gradient[i] == expected[i]);
      CHECK(gradient[kFrames * kAlphabet + i] == 0);
    }
    // Nobody to learn from: a loss of 0 that can be differentiated.
    Tape<double> none;
    const Var<double> z = none.variable(first);
    const auto of_none =
        objective(z, std::vector<int64_t>{1}, LabelList(std::vector<Symbols>{{0, 1}}).view(), beta);
    none.backward(of_none.loss);
    CHECK(of_none.feasible == 0);
    CHECK(of_none.loss.item() == 0);
  }
}

TEST_CASE("a loss of words names itself, and what it can't use") {
  for (const std::string_view name : word_loss_names()) {
    CHECK(to_string(parse_word_loss(name)) == name);
  }
  CHECK_THROWS_WITH_AS(parse_word_loss("hing"), doctest::Contains("there is no loss 'hing'"),
                       Error);
  CHECK_THROWS_WITH_AS(check({.loss = WordLoss::nll}, kInf), doctest::Contains("finite beta"),
                       Error);
  CHECK_THROWS_WITH_AS(check({.loss = WordLoss::forward_ce}, 2), doctest::Contains("beta is 2"),
                       Error);
  CHECK_THROWS_WITH_AS(check({.loss = WordLoss::perceptron}, 1), doctest::Contains("take nll"),
                       Error);
  CHECK_THROWS_WITH_AS(check({.margin = 0}, 1), doctest::Contains("margin is 0"), Error);
  CHECK_THROWS_WITH_AS(check({.negatives = 0}, 1), doctest::Contains("at least one"), Error);
  CHECK_THROWS_WITH_AS(check({}, -1), doctest::Contains("beta is -1"), Error);
}

}  // namespace
}  // namespace talweg::ebm

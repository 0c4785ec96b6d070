#include "ebm/align/soft_ops.h"

#include <doctest/doctest.h>
#include <omp.h>

#include <cmath>
#include <random>

#include "tests/ebm/align/rule_paths.h"

namespace talweg::ebm {
namespace {

using brute_force::Kind;
using Symbols = std::vector<int32_t>;
constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// A ragged batch with NaN padding: ok, too short, empty, non-finite, impossible, ok.
struct Ragged {
  std::vector<int64_t> frames{6, 1, 5, 6, 6, 4};
  LabelList labels;
  Tensor<float> e{Shape{6, 6, 3}};

  Ragged() {
    std::mt19937 random(2);
    const auto drawn = brute_force::draw_energies<float>(e.size(), Kind::normal, random);
    std::ranges::copy(drawn, e.data());
    for (int64_t b = 0; b < 6; ++b) {
      for (int64_t k = frames[b] * 3; k < 18; ++k) e[b * 18 + k] = static_cast<float>(kNan);
    }
    labels.add(Symbols{0, 2, 1, 2});
    labels.add(Symbols{0, 2});
    labels.add(Symbols{});
    labels.add(Symbols{1, 2});
    labels.add(Symbols{1, 2});
    labels.add(Symbols{1, 2, 0, 2});
    e[3 * 18 + 1] = static_cast<float>(kNan);
    e[4 * 18 + 1] = static_cast<float>(kInf);
  }
};

TEST_CASE("samples without a path: typed status, gradient exactly 0, whatever flows in") {
  const Ragged r;
  for (const double beta : {1.0, kInf}) {
    Tape<float> tape;
    BatchAlignment out;
    const Var<float> e = tape.variable(r.e);
    const Var<float> f = free_energy(e, r.frames, r.labels.view(), AlignOptions{beta, {}}, out);
    CHECK(out.results[0].status == AlignStatus::ok);
    CHECK(out.results[1].status == AlignStatus::too_short);
    CHECK(out.results[2].status == AlignStatus::empty);
    CHECK(out.results[3].status == AlignStatus::non_finite);
    CHECK(out.results[4].status == AlignStatus::impossible);
    CHECK(out.results[5].status == AlignStatus::ok);
    tape.backward(sum(mul(f, f)));  // the gradients of F are 2F: +inf and NaN among them
    const Tensor<float> g = e.grad();
    for (int64_t k = 0; k < g.size(); ++k) {
      const int64_t b = k / 18;
      const bool padded = k % 18 >= r.frames[b] * 3;
      if (padded || (b != 0 && b != 5)) {
        REQUIRE(g[k] == 0.0f);
      } else {
        REQUIRE(std::isfinite(g[k]));
      }
    }
    for (const int64_t b : {0, 5}) {
      double total = 0;
      for (int64_t k = b * 18; k < (b + 1) * 18; ++k) total += double(g[k]);
      CHECK(total == doctest::Approx(2 * out.results[b].energy * double(r.frames[b])));
    }
  }
}

TEST_CASE("a batch has the bits of its samples alone, for any number of threads") {
  std::mt19937 random(5);
  constexpr int64_t kBatch = 40, kFrames = 60, kSymbols = 27;
  const auto e =
      brute_force::draw_energies<float>(kBatch * kFrames * kSymbols, Kind::normal, random);
  std::vector<int64_t> frames;
  LabelList labels;
  for (int64_t b = 0; b < kBatch; ++b) {
    frames.push_back(20 + random() % 41);
    labels.add(brute_force::draw_symbols(1 + random() % 24, kSymbols, random));
  }
  const int before = omp_get_max_threads();
  for (const double beta : {1.0, kInf}) {
    std::vector<float> first;
    for (const int threads : {1, 2, 3}) {
      omp_set_num_threads(threads);
      std::vector<float> p(e.size(), -1.0f);
      BatchAlignment out;
      free_energy_batch(e.data(), kFrames, kSymbols, frames, labels.view(), beta, PathRule{}, out,
                        p.data());
      if (threads == 1) first = p;
      CHECK(p == first);
      for (int64_t b = 0; b < kBatch; ++b) {
        AlignScratch scratch;
        std::vector<float> alone(frames[b] * kSymbols);
        const AlignResult r =
            free_energy_of(e.data() + b * kFrames * kSymbols, frames[b], kSymbols, labels.view()[b],
                           beta, PathRule{}, scratch, alone.data());
        REQUIRE(r.energy == out.results[b].energy);
        REQUIRE(std::equal(alone.begin(), alone.end(), p.begin() + b * kFrames * kSymbols));
      }
    }
  }
  omp_set_num_threads(before);
}

TEST_CASE("the loss cools into that of the best path and never falls below 0 from beta = 1 on") {
  std::mt19937 random(8);
  const std::vector<int64_t> frames{9, 7};
  LabelList labels;
  labels.add(Symbols{0, 3, 1, 3});
  labels.add(Symbols{2, 3});
  Tensor<double> e(Shape{2, 9, 4});
  std::ranges::copy(brute_force::draw_energies<double>(e.size(), Kind::normal, random), e.data());
  const auto loss = [&](double beta) {
    Tape<double> tape;
    BatchAlignment out;
    return path_cross_entropy(tape.variable(e), frames, labels.view(), AlignOptions{beta, {}}, out)
        .loss.item();
  };
  const double hard = loss(kInf);
  double before = -kInf;
  for (const double beta : {0.1, 1.0, 2.0, 10.0, 1000.0}) {
    CHECK(loss(beta) >= before);
    CHECK(loss(beta) <= hard + 1e-12);
    if (beta >= 1) CHECK(loss(beta) >= 0);
    before = loss(beta);
  }
  CHECK(loss(1e5) == doctest::Approx(hard).epsilon(1e-4));
}

TEST_CASE(
    "the loss is F and what the symbols of each frame weigh; a frame's level does not matter") {
  std::mt19937 random(9);
  constexpr int64_t kFrames = 9, kSymbols = 4;
  LabelList labels;
  labels.add(Symbols{0, 3, 1, 3});
  Tensor<double> e(Shape{1, kFrames, kSymbols});
  std::ranges::copy(brute_force::draw_energies<double>(e.size(), Kind::normal, random), e.data());
  Tensor<double> shifted = e;
  for (int64_t k = 0; k < e.size(); ++k) {
    const int64_t frame = k / kSymbols;
    shifted[k] += double(frame) - 4;
  }
  const auto loss = [&](const Tensor<double>& of, double beta) {
    Tape<double> tape;
    BatchAlignment out;
    return path_cross_entropy(tape.variable(of), std::vector<int64_t>{kFrames}, labels.view(),
                              AlignOptions{beta, {}}, out)
        .loss.item();
  };
  double weights = 0;
  for (int64_t i = 0; i < kFrames; ++i) {
    double z = 0;
    for (int64_t a = 0; a < kSymbols; ++a) z += std::exp(-e[i * kSymbols + a]);
    weights += std::log(z);
  }
  for (const double beta : {0.5, 1.0, 3.0, kInf}) {
    AlignScratch scratch;
    const double f = free_energy_of<double>(e.data(), kFrames, kSymbols, labels.view()[0], beta,
                                            PathRule{}, scratch)
                         .energy;
    CHECK(loss(e, beta) == doctest::Approx((f + weights) / kFrames).epsilon(1e-13));
    CHECK(loss(shifted, beta) == doctest::Approx(loss(e, beta)).epsilon(1e-12));
  }
  const double over = (loss(e, kInf) - loss(e, 1.0)) * kFrames;  // of C(8, 3) = 56 paths
  CHECK(over >= 0);
  CHECK(over <= std::log(56.0));
}

TEST_CASE("a confident soft loss is zero, never below") {
  for (const float gap : {5.0f, 20.0f, 100.0f, 1e30f}) {
    Tensor<float> energies({1, 4, 3}, gap);
    for (int64_t i = 0; i < 4; ++i) energies[i * 3 + (i < 2 ? 0 : 2)] = -0.7f;
    Tape<float> tape;
    BatchAlignment out;
    LabelList labels;
    labels.add(Symbols{0, 2});
    const auto r = path_cross_entropy(tape.variable(energies), std::vector<int64_t>{4},
                                      labels.view(), AlignOptions{1.0, {}}, out);
    CHECK(r.loss.item() >= 0.0f);
    CHECK(r.loss.item() < 0.02f);
  }
}

TEST_CASE("a free energy beyond the range of float is flagged, and its mates are not disturbed") {
  for (const float huge : {3e38f, -3e38f}) {
    for (const double beta : {1.0, kInf}) {
      Tensor<float> energies({2, 4, 3}, 1.0f);
      for (int64_t k = 0; k < 12; ++k) energies[k] = huge;
      LabelList labels;
      labels.add(Symbols{0, 2});
      labels.add(Symbols{0, 2});
      const std::vector<int64_t> frames{4, 4};
      Tape<float> tape;
      BatchAlignment out;
      const Var<float> e = tape.variable(energies);
      const AlignOptions options{beta, {}};
      const Var<float> f = free_energy(e, frames, labels.view(), options, out);
      CHECK(out.results[0].status ==
            (huge > 0 ? AlignStatus::impossible : AlignStatus::non_finite));
      CHECK(out.results[1].status == AlignStatus::ok);
      CHECK((huge > 0 ? f.data()[0] == float(kInf) : std::isnan(f.data()[0])));
      tape.backward(sum(f));
      const Tensor<float> de = e.grad();
      double total = 0;
      for (int64_t k = 0; k < 24; ++k) {
        if (k < 12) CHECK(de[k] == 0.0f);
        total += double(de[k]);
      }
      CHECK(total == doctest::Approx(4.0));

      Tape<float> again;
      const Var<float> x = again.variable(energies);
      const auto r = path_cross_entropy(x, frames, labels.view(), options, out);
      CHECK(std::isfinite(r.loss.item()));
      // In double the same energies are nothing special.
      Tensor<double> wide({1, 4, 3}, double(huge));
      Tape<double> doubles;
      const std::vector<int64_t> four{4};
      free_energy(doubles.variable(wide), four, LabelList({{0, 2}}).view(), options, out);
      CHECK(out.results[0].status == AlignStatus::ok);
    }
  }
}

TEST_CASE("a second backward pass adds to the gradient") {
  for (const double beta : {1.0, kInf}) {
    Tape<double> tape;
    const Var<double> e = tape.variable(Tensor<double>({1, 4, 2}, 1.0));
    LabelList labels;
    labels.add(Symbols{0, 1});
    const std::vector<int64_t> frames{4};
    for (int pass = 1; pass <= 2; ++pass) {
      BatchAlignment out;
      tape.backward(sum(free_energy(e, frames, labels.view(), AlignOptions{beta, {}}, out)));
      const Tensor<double> de = e.grad();
      double total = 0;
      for (int64_t k = 0; k < 8; ++k) total += de[k];
      CHECK(total == doctest::Approx(4.0 * pass));
    }
  }
}

TEST_CASE("in ctc a word needs a frame a letter, and one more between equal letters") {
  std::mt19937 random(10);
  const PathRule ctc = path_rule(Topology::ctc);
  for (int repeat = 0; repeat < 200; ++repeat) {
    const Symbols word = brute_force::draw_symbols(random() % 7, 2, random);
    int64_t needed = std::max<int64_t>(1, std::ssize(word));
    for (size_t k = 1; k < word.size(); ++k) needed += word[k] == word[k - 1];
    const Symbols label = expand(word, 2, Topology::ctc);
    AlignScratch scratch;
    for (const int64_t frames : {needed - 1, needed}) {
      const std::vector<double> e(frames * 3, 1.0);
      const auto r = free_energy_of<double>(e.data(), frames, 3, label, 1.0, ctc, scratch);
      CHECK(r.status == (frames < needed ? AlignStatus::too_short : AlignStatus::ok));
    }
  }
}

TEST_CASE("a third derivative is refused in a sentence") {
  Tape<double> tape;
  BatchAlignment out;
  LabelList labels;
  labels.add(Symbols{0, 1});
  Tensor<double> values(Shape{1, 4, 2});
  for (int64_t k = 0; k < 8; ++k) values[k] = double(k * 3 % 5);
  const Var<double> e = tape.variable(values);
  const std::vector<int64_t> frames{4};
  const Var<double> f = sum(free_energy(e, frames, labels.view(), AlignOptions{1.0, {}}, out));
  const std::array xs{e};
  const Var<double> g = tape.grad(f, xs, true)[0];
  const Var<double> h = tape.grad(sum(mul(g, g)), xs, true)[0];
  CHECK_THROWS_WITH_AS(tape.grad(sum(mul(h, h)), xs), doctest::Contains("twice, not three times"),
                       Error);
}

}  // namespace
}  // namespace talweg::ebm

// The sums over all words where energies are large, images long, instruction sets several.
#include "ebm/align/partition.h"

#include <doctest/doctest.h>

#include <cmath>
#include <random>

#include "core/kernels/kernels.h"
#include "tests/ebm/align/word_posteriors.h"

namespace talweg::ebm {
namespace {

using brute_force::Kind;
using brute_force::kTopologies;
using Energies = std::vector<double>;
using Symbols = std::vector<int32_t>;

constexpr double kInf = std::numeric_limits<double>::infinity();

TEST_CASE("any scale and length: rows sum to 1, F is within 1e-6 of long double, no NaN") {
  std::mt19937 random(6);
  constexpr int64_t kFrames = 2000, kAlphabet = 12;
  for (Topology topology : kTopologies) {
    for (double scale : {1e-3, 1.0, 30.0, 1e4, 1e30}) {
      auto e = brute_force::draw_energies<float>(kFrames * kAlphabet, Kind::normal, random);
      for (float& x : e) x = static_cast<float>(scale * x);
      const Grammar grammar{0, topology};
      WordPosterior p = posterior_of(e, kAlphabet, grammar, 1.0);
      REQUIRE(p.feasible());
      const Energies m = marginals(p, kAlphabet);
      for (int64_t i = 0; i < kFrames; ++i) {
        REQUIRE(row_sum(m, i, kAlphabet) == doctest::Approx(1).epsilon(1e-11));
      }
      // The same sums in long double, by the recursion's definition.
      std::vector<long double> f(kAlphabet, -kInf);
      const auto add = [](long double a, long double b) -> long double {
        const long double most = std::max(a, b);
        if (most == -kInf) return -kInf;
        return most + std::log1p(std::exp(std::min(a, b) - most));
      };
      for (int64_t i = 0; i < kFrames; ++i) {
        long double any = -kInf, letters = -kInf;
        for (int64_t a = 0; a < kAlphabet; ++a) any = add(any, f[a]);
        for (int64_t a = 1; a < kAlphabet; ++a) letters = add(letters, f[a]);
        const long double between = f[0];
        for (int64_t a = 0; a < kAlphabet; ++a) {
          long double from = a == 0 ? add(between, letters) : add(f[a], between);
          if (topology == Topology::ctc) from = any;
          if (i == 0) from = a == 0 && topology == Topology::classic ? -kInf : 0;
          f[a] = from - static_cast<long double>(e[i * kAlphabet + a]);
        }
      }
      long double z = f[0];
      for (int64_t a = 1; a < kAlphabet && topology != Topology::classic; ++a) z = add(z, f[a]);
      CAPTURE(to_string(topology));
      CAPTURE(scale);
      CHECK(std::abs(double(-z) - p.result().energy) <= 1e-12 * std::abs(double(z)));
    }
  }
}

TEST_CASE("every instruction set finds the same F, marginals and Hessian products") {
  std::mt19937 random(13);
  for (Topology topology : kTopologies) {
    for (const auto& sizes : {std::pair{2, 2}, {9, 5}, {40, 27}, {300, 17}}) {
      const int frames = sizes.first, alphabet = sizes.second;
      const Grammar grammar{alphabet / 2, topology};
      const auto e = brute_force::draw_energies<float>(frames * alphabet, Kind::normal, random);
      const Energies wide(e.begin(), e.end());
      const auto v = brute_force::draw_energies<double>(frames * alphabet, Kind::normal, random);
      Energies first_m, first_h;
      double first_f = 0;
      for (const std::string& isa : kernels::available_isas()) {
        const kernels::ScopedIsa scope(isa);
        CAPTURE(isa);
        CAPTURE(frames);
        WordPosterior p = posterior_of(wide, alphabet, grammar, 0.9);
        const Energies m = marginals(p, alphabet);
        Energies h(m.size());
        p.hessian_product(v.data(), h.data());
        if (first_m.empty()) {
          first_m = m;
          first_h = h;
          first_f = p.result().energy;
        }
        CHECK(p.result().energy == doctest::Approx(first_f).epsilon(1e-14));
        CHECK(largest_difference(m, first_m) < 1e-12);
        CHECK(largest_difference(h, first_h) < 1e-10);
        // From floats, and for F alone: the same numbers.
        CHECK(posterior_of(e, alphabet, grammar, 0.9).result().energy == p.result().energy);
        WordPosterior sum;
        CHECK(sum.sum(e.data(), frames, alphabet, grammar, 0.9).energy == p.result().energy);
        CHECK(!sum.feasible());
      }
    }
  }
}

TEST_CASE("the far cheaper of two futures takes back a past that looked impossible") {
  // Window 0 all but forbids letter 1, window 2 all but forbids everything else before it closes.
  constexpr double kFar = 1e5;
  const Energies e{0, kFar, 9, /**/ 0, 0, kFar * 2, /**/ kFar * 4, 0, kFar * 4, /**/ 9, 9, 0};
  WordPosterior p = posterior_of(e, 3, {2, Topology::classic}, 1.0);
  CHECK(p.result().energy == kFar);
  CHECK(marginals(p, 3) == Energies{0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 0, 1});
}

}  // namespace
}  // namespace talweg::ebm

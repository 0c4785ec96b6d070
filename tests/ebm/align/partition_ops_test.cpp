#include "ebm/align/partition_ops.h"

#include <doctest/doctest.h>
#include <omp.h>

#include <cmath>
#include <limits>
#include <random>

#include "core/gradcheck.h"
#include "core/ops/reduce.h"
#include "tests/ebm/align/brute_words.h"
#include "tests/ebm/align/op_helpers.h"

namespace talweg::ebm {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr Topology kTopologies[] = {Topology::classic, Topology::margins, Topology::ctc};

TEST_CASE("all_words_free_energy is F_all and its gradient the marginals times dF") {
  for (Topology topology : kTopologies) {
    const Tensor<double> energies = draw<double>({2, 6, 3}, 1);
    Tape<double> tape;
    const Var<double> e = tape.variable(energies);
    BatchPosterior out;
    const Grammar grammar{2, topology};
    const std::vector<int64_t> frames{6, 4};
    const Var<double> f = all_words_free_energy(e, frames, grammar, 0.8, out);
    const Tensor<double> de = gradient(tape, f, e, {2.0, -3.0});
    for (int64_t b = 0; b < 2; ++b) {
      const std::vector<double> own(energies.data() + b * 18,
                                    energies.data() + b * 18 + frames[b] * 3);
      const auto strings = brute_force::all_spellings(own, frames[b], 3, grammar);
      CHECK(f.data()[b] ==
            doctest::Approx(brute_force::free_energy_of(strings, 0.8)).epsilon(1e-13));
      const auto m = brute_force::marginals_of(strings, 0.8, frames[b], 3);
      for (int64_t k = 0; k < 18; ++k) {
        const double expected = k < std::ssize(m) ? (b == 0 ? 2.0 : -3.0) * m[k] : 0.0;
        CHECK(de[b * 18 + k] == doctest::Approx(expected).epsilon(1e-12));
        if (k >= std::ssize(m)) CHECK(de[b * 18 + k] == 0.0);
      }
    }
  }
}

TEST_CASE("samples without a string have no gradient at all and leave their mates alone") {
  Tensor<double> energies = draw<double>({4, 4, 3}, 2);
  for (int k = 0; k < 3; ++k) energies[2 * 12 + 3 + k] = kInf;  // sample 2, frame 1
  energies[3 * 12 + 4] = kNan;                                  // sample 3, frame 1
  Tape<double> tape;
  const Var<double> e = tape.variable(energies);
  BatchPosterior out;
  const Var<double> f = all_words_free_energy(e, std::vector<int64_t>{1, 4, 4, 4}, {2}, 1.0, out);
  CHECK(out.results[0].status == AlignStatus::too_short);
  CHECK(out.results[1].status == AlignStatus::ok);
  CHECK(out.results[2].status == AlignStatus::impossible);
  CHECK(out.results[3].status == AlignStatus::non_finite);
  CHECK(f.data()[0] == kInf);
  CHECK(std::isfinite(f.data()[1]));
  CHECK(f.data()[2] == kInf);
  CHECK(std::isnan(f.data()[3]));
  const Tensor<double> de = gradient(tape, f, e, {kInf, 1.0, kNan, kNan});
  double on_mate = 0;
  for (int64_t k = 0; k < de.size(); ++k) {
    if (k / 12 == 1) {
      on_mate += de[k];
    } else {
      CHECK(de[k] == 0.0);
    }
  }
  CHECK(on_mate == doctest::Approx(4));
}

TEST_CASE("padding is never read and receives zero, in the first and second derivative") {
  Tensor<double> energies = draw<double>({1, 5, 3}, 3);
  for (int k = 9; k < 15; ++k) energies[k] = kNan;
  Tape<double> tape;
  const Var<double> e = tape.variable(energies);
  BatchPosterior out;
  const Var<double> f = all_words_free_energy(e, std::vector<int64_t>{3}, {2}, 1.0, out);
  CHECK(std::isfinite(f.item()));
  const std::vector<Var<double>> xs{e};
  const Var<double> de = tape.grad(f, xs, true)[0];
  const Tensor<double> v = draw<double>({1, 5, 3}, 4);
  const Var<double> h = tape.grad(de, xs, false, tape.constant(v))[0];
  double most = 0;
  for (int k = 0; k < 9; ++k) most = std::max(most, std::abs(h.data()[k]));
  CHECK(most > 0.01);
  for (int k = 9; k < 15; ++k) {
    CHECK(de.data()[k] == 0.0);
    CHECK(h.data()[k] == 0.0);
  }
}

TEST_CASE("the second derivative is symmetric, the third refuses in a sentence") {
  Tape<double> tape;
  const Var<double> e = tape.variable(draw<double>({1, 6, 4}, 5));
  const Tensor<double> u = draw<double>({1, 6, 4}, 6), v = draw<double>({1, 6, 4}, 7);
  BatchPosterior out;
  const Var<double> f =
      all_words_free_energy(e, std::vector<int64_t>{6}, {3, Topology::margins}, 1.4, out);
  const std::vector<Var<double>> xs{e};
  const Var<double> de = tape.grad(f, xs, true)[0];
  const Var<double> hu = tape.grad(de, xs, true, tape.constant(u))[0];
  const Var<double> hv = tape.grad(de, xs, false, tape.constant(v))[0];
  double u_h_v = 0, v_h_u = 0;
  for (int64_t k = 0; k < u.size(); ++k) {
    u_h_v += u[k] * hv.data()[k];
    v_h_u += v[k] * hu.data()[k];
  }
  CHECK(u_h_v == doctest::Approx(v_h_u).epsilon(1e-12));
  CHECK_THROWS_WITH_AS(
      tape.grad(hu, xs, false, tape.constant(v)),
      "[word_covariance] has no derivative by the energies: the free energy of all words can be "
      "differentiated twice, not three times",
      Error);
}

TEST_CASE("a penalty on the gradient trains: its own gradient agrees with differences") {
  const auto penalty = [](std::span<const Var<double>> x) {
    BatchPosterior out;
    const Var<double> f =
        all_words_free_energy(x[0], std::vector<int64_t>{5, 3}, {0, Topology::classic}, 1.2, out);
    const Var<double> de =
        x[0].tape().grad(f, x, true, x[0].tape().constant(Tensor<double>({2}, 1.0)))[0];
    return sum(mul(de, de));
  };
  const GradcheckResult r = gradcheck(penalty, {draw<double>({2, 5, 3}, 8)});
  CHECK_MESSAGE(r.ok, r.worst);
}

TEST_CASE("a batch has the bits of its samples alone, on one thread and on two") {
  const Tensor<float> energies = draw<float>({9, 40, 30}, 9);
  const std::vector<int64_t> frames{40, 1, 2, 39, 17, 40, 25, 3, 40};
  const Tensor<float> v = draw<float>({9, 40, 30}, 10);
  const int threads_before = omp_get_max_threads();
  for (Topology topology : kTopologies) {
    const Grammar grammar{29, topology};
    const EnergyBatch<float> batch{energies.data(), 40, 30, frames};
    Tensor<float> marginals[2], products[2];
    std::vector<double> f[2];
    for (int threads : {1, 2}) {
      omp_set_num_threads(threads);
      BatchPosterior out;
      marginals[threads - 1] = Tensor<float>({9, 40, 30}, -1.0f);
      products[threads - 1] = Tensor<float>({9, 40, 30}, -1.0f);
      observe_batch(batch, grammar, 1.0, out, marginals[threads - 1].data());
      hessian_product_batch(batch, grammar, 1.0, v.data(), out, products[threads - 1].data());
      for (const AlignResult& r : out.results) f[threads - 1].push_back(r.energy);
    }
    omp_set_num_threads(threads_before);
    CHECK(f[0] == f[1]);
    for (int64_t k = 0; k < energies.size(); ++k) {
      REQUIRE(marginals[0][k] == marginals[1][k]);
      REQUIRE(products[0][k] == products[1][k]);
    }
    for (int64_t b = 0; b < 9; ++b) {
      WordPosterior alone;
      const float* own = energies.data() + b * 1200;
      CHECK(alone.observe(own, frames[b], 30, grammar, 1.0).energy == f[0][b]);
      std::vector<float> m(frames[b] * 30);
      alone.marginals(m.data());
      for (int64_t k = 0; k < std::ssize(m); ++k) REQUIRE(m[k] == marginals[0][b * 1200 + k]);
    }
  }
}

TEST_CASE("learning by the free energy of all words alone flattens nothing it should not") {
  // Descending F_all lowers it; every window's forces sum to 1, so a common drift is all there is.
  Tape<float> tape;
  const Var<float> e = tape.variable(draw<float>({1, 6, 5}, 11));
  BatchPosterior out;
  const Var<float> f =
      all_words_free_energy(e, std::vector<int64_t>{6}, {4, Topology::ctc}, 1.0, out);
  tape.backward(f);
  const Tensor<float> de = e.grad();
  for (int64_t i = 0; i < 6; ++i) {
    float total = 0;
    for (int64_t a = 0; a < 5; ++a) total += de[i * 5 + a];
    CHECK(total == doctest::Approx(1).epsilon(1e-6));
  }
}

TEST_CASE("the ops refuse energies that do not fit") {
  Tape<double> tape;
  BatchPosterior out;
  const std::vector<int64_t> frames{4, 4};
  CHECK_THROWS_WITH_AS(all_words_free_energy(tape.full({4, 3}, 0.0), frames, {2}, 1.0, out),
                       "[all_words_free_energy] energies must be [B,L,A], found [4,3]", Error);
  CHECK_THROWS_WITH_AS(
      all_words_free_energy(tape.full({3, 4, 3}, 0.0), frames, {2}, 1.0, out),
      "[all_words_free_energy] energies [3,4,3] hold 3 samples, there are 2 frame counts; give one "
      "a sample",
      Error);
  CHECK_THROWS_WITH_AS(all_words_free_energy(tape.full({2, 3, 3}, 0.0), frames, {2}, 1.0, out),
                       "[align] sample 0 has 4 frames, the energies hold 0 to 3", Error);
}

}  // namespace
}  // namespace talweg::ebm

// All words on the tape: the free energy of all of them, whose first derivative is the posterior of
// each symbol at each window, and whose second is its covariance.
//
// Shapes: e[B,L,A] energies, padded to L frames; sample b uses its first sample_frames[b].
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "core/error.h"
#include "core/ops/elementwise.h"
#include "core/ops/select.h"
#include "core/ops/shape_ops.h"
#include "ebm/align/partition_batch.h"

namespace talweg::ebm {

/// The values of e[B,L,A] as a batch, after a look at the shape.
template <class T>
EnergyBatch<T> energy_batch(const char* op, Var<T> e, std::span<const int64_t> sample_frames) {
  const Shape shape = e.shape();
  expect(shape.rank() == 3, "[", op, "] energies must be [B,L,A], found ", shape);
  expect(shape[0] == std::ssize(sample_frames), "[", op, "] energies ", shape, " hold ", shape[0],
         " samples, there are ", sample_frames.size(), " frame counts; give one a sample");
  return {e.data(), shape[1], shape[2], sample_frames};
}

// --- the covariance of windows ---

/// word_covariance(e[B,L,A], v[B,L,A]) = -beta Cov(n) v, n being the indicator of the symbol of
/// each window under the posterior over all words: the second derivative of all_words_free_energy
/// applied to v, in O(L A) a sample. It is linear and symmetric in v: dv = word_covariance(e, dy).
/// By e it would be the third derivative of the free energy, which this library does not have: a
/// backward pass that asks for it throws. Padding and samples without a string are zero.
template <class T>
Var<T> word_covariance(Var<T> e, Var<T> v, std::span<const int64_t> sample_frames,
                       const Grammar& grammar, double beta) {
  Tape<T>& tape = common_tape("word_covariance", e, v);
  const EnergyBatch<T> batch = energy_batch("word_covariance", e, sample_frames);
  expect(v.shape() == e.shape(), "[word_covariance] energies ", e.shape(), " and v ", v.shape(),
         " must have one shape");
  const std::span<const int64_t> kept = tape.keep(sample_frames);
  Var<T> y = tape.make("word_covariance", e.shape());
  BatchPosterior work;
  hessian_product_batch(batch, grammar, beta, static_cast<const T*>(v.data()), work, y.data());
  y.wrt(v, [=](Var<T> dy) { return word_covariance(e, dy, kept, grammar, beta); });
  y.wrt(e, [](Var<T>) -> Var<T> {
    throw Error(
        "[word_covariance] has no derivative by the energies: the free energy of all words can be "
        "differentiated twice, not three times");
  });
  return y;
}

TALWEG_OP_CARD(word_covariance) {
  card.formula("y_i[a] = -beta p(s_i = a) (E[V | s_i = a] - E[V]), V = sum_i v_i[s_i]");
  card.rule("dv = word_covariance(e, dy); de would be a third derivative and is refused");
  card.shapes("e[B,L,A], v[B,L,A] -> [B,L,A]").source("ebm/align/partition.h");
  const auto f = [](Topology topology, const std::vector<int64_t>& frames) {
    return [=]<class T>(std::span<const Var<T>> x) {
      Tensor<T> e(x[0].shape());
      for (int64_t k = 0; k < e.size(); ++k) e[k] = T(k * 5 % 7) / T(4);
      return word_covariance(x[0].tape().constant(e), x[0], frames, {1, topology}, 0.75);
    };
  };
  card.check("classic", {{2, 5, 3}}, f(Topology::classic, {5, 4}));
  card.check("margins", {{2, 4, 3}}, f(Topology::margins, {3, 4}));
  card.check("ctc", {{1, 4, 3}}, f(Topology::ctc, {4}));
  card.rejects(
      {{1, 4, 3}, {1, 3, 4}},
      [](auto x) {
        return word_covariance(x[0], x[1], std::vector<int64_t>{4}, {1, Topology::ctc}, 1.0);
      },
      "must have one shape");
  card.bench({{32, 32, 53}}, f(Topology::classic, std::vector<int64_t>(32, 32)));
}

// --- the marginals ---

/// word_marginals(e[B,L,A]) -> p[B,L,A]: the probability of each symbol at each window, summed over
/// all words and paths; p_i[a] = dF_all/de_i[a]. Rows sum to 1; padding and samples without a
/// string are zero. de = word_covariance(e, dp), once more differentiable by dp alone.
/// `out` receives status and F_all of every sample.
template <class T>
Var<T> word_marginals(Var<T> e, std::span<const int64_t> sample_frames, const Grammar& grammar,
                      double beta, BatchPosterior& out) {
  Tape<T>& tape = e.tape();
  const EnergyBatch<T> batch = energy_batch("word_marginals", e, sample_frames);
  const std::span<const int64_t> kept = tape.keep(sample_frames);
  Var<T> p = tape.make("word_marginals", e.shape());
  observe_batch(batch, grammar, beta, out, p.data());
  p.wrt(e, [=](Var<T> dp) { return word_covariance(e, dp, kept, grammar, beta); });
  return p;
}

TALWEG_OP_CARD(word_marginals) {
  card.formula("p_i[a] = sum over strings with s_i = a of exp(-beta (E(s) - F_all))");
  card.rule("de = word_covariance(e, dp)").shapes("e[B,L,A] -> [B,L,A]");
  card.source("Rabiner 1989");
  card.no_second_text = "it would be the third derivative of the free energy of all words";
  const auto f = [](Topology topology, double beta, const std::vector<int64_t>& frames) {
    return [=](auto x) {
      BatchPosterior out;
      return word_marginals(x[0], frames, {2, topology}, beta, out);
    };
  };
  card.check("classic, one padded", {{2, 6, 3}}, f(Topology::classic, 1.5, {6, 4}));
  card.check("margins", {{1, 5, 3}}, f(Topology::margins, 0.5, {5}));
  card.check("ctc", {{1, 4, 4}}, f(Topology::ctc, 1.0, {4}));
  card.rejects({{6, 3}}, f(Topology::ctc, 1.0, {6}), "energies must be [B,L,A]");
  card.bench({{32, 32, 53}}, f(Topology::classic, 1.0, std::vector<int64_t>(32, 32)));
}

// --- the free energy of all words ---

/// all_words_free_energy(e[B,L,A]) -> F_all[B] = -(1/beta) log Z, where Z sums exp(-beta E) over
/// all words of the grammar and all their paths, so that a word's negative log-likelihood is
///   -log p(y|x) = beta (F_beta(x,y) - F_all(x)).
/// At beta = infinity it is the least energy of any word. First derivative: de = dF p, with p =
/// word_marginals; second: -beta Cov(n). A sample without a string has F_all = +inf (NaN for
/// non-finite energies) and a gradient of exactly zero, whatever flows in. `out` receives statuses
/// and lends its work space, so that a fixed batch shape allocates nothing.
/// Throws as observe_batch does. Source: partition.h.
template <class T>
Var<T> all_words_free_energy(Var<T> e, std::span<const int64_t> sample_frames,
                             const Grammar& grammar, double beta, BatchPosterior& out) {
  Tape<T>& tape = e.tape();
  const EnergyBatch<T> batch = energy_batch("all_words_free_energy", e, sample_frames);
  const bool learns = tape.recording() && e.needs_grad();
  Var<T> p;
  if (learns) {
    p = word_marginals(e, sample_frames, grammar, beta, out);
  } else {
    observe_batch(batch, grammar, beta, out, static_cast<T*>(nullptr));
  }
  Var<T> f = tape.make("all_words_free_energy", {batch.size()});
  put_energies(out.results, f.data());
  if (!learns) return f;
  // Samples without a string take no part: an infinite dF would turn their zeros into NaN.
  const std::span<int32_t> feasible = tape.template keep<int32_t>(out.feasible());
  int64_t m = 0;
  for (int64_t b = 0; b < batch.size(); ++b) {
    if (out.results[b].status == AlignStatus::ok) feasible[m++] = static_cast<int32_t>(b);
  }
  const KeptIndices with_string{feasible};
  const int64_t samples = batch.size();
  f.wrt(e, [=](Var<T> df) {
    const Var<T> passed = scatter_add(gather(df, with_string, {m}), with_string, {samples});
    return mul(p, reshape(passed, {samples, 1, 1}));
  });
  return f;
}

TALWEG_OP_CARD(all_words_free_energy) {
  card.formula("F[b] = -(1/beta) log sum over words, paths of exp(-beta E)");
  card.rule("de = dF word_marginals(e); second derivative -beta Cov of the windows' symbols");
  card.shapes("e[B,L,A] -> F[B]").source("Rabiner 1989");
  const auto f = [](Topology topology, double beta, const std::vector<int64_t>& frames) {
    return [=](auto x) {
      BatchPosterior out;
      return all_words_free_energy(x[0], frames, {2, topology}, beta, out);
    };
  };
  const double inf = std::numeric_limits<double>::infinity();
  card.check("classic, one padded", {{2, 6, 3}}, f(Topology::classic, 1.5, {6, 4}));
  card.check("classic, cold", {{1, 5, 4}}, f(Topology::classic, 8.0, {5}));
  card.check("margins", {{3, 5, 3}}, f(Topology::margins, 0.5, {5, 1, 2}));
  card.check("ctc", {{2, 4, 4}}, f(Topology::ctc, 1.0, {4, 3}));
  card.check("zero temperature", {{1, 5, 3}}, f(Topology::classic, inf, {5}));
  card.check("empty", {{0, 4, 3}}, f(Topology::classic, 1.0, {}));
  const auto two_frames = [](auto x) {
    BatchPosterior out;
    return all_words_free_energy(reshape(x[0], {1, 2, 2}), std::vector<int64_t>{2}, {1}, 1.0, out);
  };
  card.point("two windows, one string", {{1, 5, 7, 2}}, two_frames, {3}, {{1, 0, 0, 1}});
  card.point("no way around +inf", {{inf, 5, 7, 2}}, two_frames, {inf}, {{0, 0, 0, 0}});
  card.rejects({{6, 3}}, f(Topology::ctc, 1.0, {6}), "energies must be [B,L,A]");
  card.rejects({{3, 6, 3}}, f(Topology::ctc, 1.0, {6}), "give one a sample");
  card.rejects({{1, 6, 3}}, f(Topology::ctc, 1.0, {7}), "sample 0 has 7 frames");
  card.rejects({{1, 6, 2}}, f(Topology::ctc, 1.0, {6}), "outside the alphabet");
  card.rejects({{1, 6, 3}}, f(Topology::ctc, 0.0, {6}), "must be above 0");
  card.bench({{32, 32, 53}}, f(Topology::classic, 1.0, std::vector<int64_t>(32, 32)));
}

}  // namespace talweg::ebm

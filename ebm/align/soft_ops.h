// The soft aligner on the tape: F_beta, whose first derivative is the posterior of the paths and
// whose second is their covariance; and the loss that cools from all paths to the best one.
//
// Shapes as in align_ops.h: e[B,L,A] energies, padded to L frames; sample b uses its first
// sample_frames[b].
#pragma once

#include "core/ops/elementwise.h"
#include "core/ops/reduce.h"
#include "ebm/align/align_ops.h"

namespace talweg::ebm {

/// What the rules of a batch of pairs hold: a copy on the tape of everything but the energies.
struct KeptPairs {
  std::span<const int64_t> frames;
  RaggedLabels labels;
  double beta;
  PathRuleView rule;
};

template <class T>
KeptPairs keep_pairs(Tape<T>& tape, std::span<const int64_t> sample_frames,
                     const RaggedLabels& labels, double beta, const PathRuleView& rule) {
  return {
      tape.keep(sample_frames),
      {tape.keep(labels.symbols), tape.keep(labels.offsets)},
      beta,
      {tape.keep(rule.step), tape.keep(rule.duration), rule.first, rule.last, rule.skip_to_other}};
}

// --- the covariance of paths ---

/// path_covariance(e[B,L,A], v[B,L,A]) = -beta Cov(n) v, n being the indicator of the symbol that
/// each frame shows on a path drawn from exp(-beta E(z)): the Hessian of F_beta applied to v, in
/// O(L S) a sample. Linear and symmetric in v: dv = path_covariance(e, dy). By e it would be the
/// third derivative of the free energy, which this library does not have: a backward pass that asks
/// for it throws. Padding and pairs without a path are zero.
template <class T> Var<T> path_covariance(Var<T> e, Var<T> v, const KeptPairs& pairs) {
  Tape<T>& tape = common_tape("path_covariance", e, v);
  expect(v.shape() == e.shape(), "[path_covariance] energies ", e.shape(), " and v ", v.shape(),
         " must have one shape");
  Var<T> y = tape.make("path_covariance", e.shape());
  posterior_derivative_batch(static_cast<const T*>(e.data()), e.shape()[1], e.shape()[2],
                             pairs.frames, pairs.labels, pairs.beta, pairs.rule,
                             static_cast<const T*>(v.data()), y.data());
  y.wrt(v, [=](Var<T> dy) { return path_covariance(e, dy, pairs); });
  y.wrt(e, [](Var<T>) -> Var<T> {
    throw Error(
        "[path_covariance] has no derivative by the energies: the free energy of paths can be "
        "differentiated twice, not three times");
  });
  return y;
}

/// For the cards: pairs of a few words under a rule, kept on the tape of x.
template <class T>
KeptPairs some_pairs(Var<T> x, const std::vector<int64_t>& frames,
                     const std::vector<std::vector<int32_t>>& words, double beta,
                     const PathRule& rule) {
  const LabelList labels(words);
  return keep_pairs(x.tape(), frames, labels.view(), beta, rule);
}

/// For the cards: a rule with costs, long steps and bounded durations.
inline PathRule rule_with_costs() {
  PathRule rule;
  rule.step = {0.25, 0.5, 1.0};
  rule.duration = {0.5, 0.0, 0.25};
  rule.first = 2;
  return rule;
}

TALWEG_OP_CARD(path_covariance) {
  card.formula("y_i[a] = -beta p(z shows a at i) (E[V | it does] - E[V]), V = sum_i v_i[y(z(i))]");
  card.rule("dv = path_covariance(e, dy); de would be a third derivative and is refused");
  card.shapes("e[B,L,A], v[B,L,A] -> [B,L,A]").source("Li and Eisner 2009");
  const auto f = [](const PathRule& rule, double beta) {
    return [=]<class T>(std::span<const Var<T>> x) {
      Tensor<T> e(x[0].shape());
      for (int64_t k = 0; k < e.size(); ++k) e[k] = T(k * 5 % 7) / T(4);
      const KeptPairs pairs = some_pairs(x[0], {5, 4}, {{0, 2, 1}, {1, 2}}, beta, rule);
      return path_covariance(x[0].tape().constant(e), x[0], pairs);
    };
  };
  card.check("classic", {{2, 5, 3}}, f({}, 0.75));
  card.check("ctc", {{2, 5, 3}}, f(path_rule(Topology::ctc), 1.5));
  card.check("costs", {{2, 5, 3}}, f(rule_with_costs(), 1.0));
  card.bench({{32, 32, 53}, {32, 32, 53}}, [](auto x) {
    return path_covariance(x[0].detach(), x[1],
                           some_pairs(x[0], std::vector<int64_t>(32, 32),
                                      std::vector(32, some_indices(11, 53)), 1.0, {}));
  });
}

// --- the posterior of paths ---

/// path_posterior(e[B,L,A]) -> p[B,L,A]: the probability that a frame shows a symbol on a path drawn
/// from exp(-beta E(z)); p = dF_beta/de. Rows sum to 1; padding and pairs without a path are zero.
/// de = path_covariance(e, dp), once more differentiable by dp alone. `out` receives statuses and
/// F_beta.
template <class T> Var<T> path_posterior(Var<T> e, const KeptPairs& pairs, BatchAlignment& out) {
  Var<T> p = e.tape().make("path_posterior", e.shape());
  free_energy_batch(static_cast<const T*>(e.data()), e.shape()[1], e.shape()[2], pairs.frames,
                    pairs.labels, pairs.beta, pairs.rule, out, p.data());
  p.wrt(e, [=](Var<T> dp) { return path_covariance(e, dp, pairs); });
  return p;
}

TALWEG_OP_CARD(path_posterior) {
  card.formula("p_i[a] = sum over z with y(z(i)) = a of exp(-beta (E(z) - F_beta))");
  card.rule("de = path_covariance(e, dp)").shapes("e[B,L,A], B labels -> [B,L,A]");
  card.source("Rabiner 1989");
  card.no_second_text = "it would be the third derivative of the free energy of paths";
  const auto f = [](const PathRule& rule, double beta) {
    return [=](auto x) {
      BatchAlignment out;
      return path_posterior(x[0], some_pairs(x[0], {6, 4}, {{0, 2, 1, 2}, {1, 2}}, beta, rule),
                            out);
    };
  };
  card.check("classic, one padded", {{2, 6, 3}}, f({}, 0.75));
  card.check("margins", {{2, 6, 3}}, f(path_rule(Topology::margins), 2.0));
  card.check("costs", {{2, 6, 3}}, f(rule_with_costs(), 1.0));
  card.bench({{32, 32, 53}}, [](auto x) {
    BatchAlignment out;
    return path_posterior(x[0],
                          some_pairs(x[0], std::vector<int64_t>(32, 32),
                                     std::vector(32, some_indices(11, 53)), 1.0, {}),
                          out);
  });
}

// --- the free energy at any temperature ---

/// The samples that have a path, kept on the tape.
template <class T> KeptIndices feasible_samples(Tape<T>& tape, const BatchAlignment& out) {
  const std::span<int32_t> feasible = tape.template keep<int32_t>(out.feasible());
  int64_t m = 0;
  for (int64_t b = 0; b < std::ssize(out.results); ++b) {
    if (out.results[b].status == AlignStatus::ok) feasible[m++] = static_cast<int32_t>(b);
  }
  return {feasible};
}

/// F_beta and, where a gradient may be asked for, the posterior it is made of.
template <class T> struct SoftAlignment { Var<T> energy, posterior; };

template <class T>
SoftAlignment<T> soft_alignment(Var<T> e, std::span<const int64_t> sample_frames,
                                const RaggedLabels& labels, const AlignOptions& options,
                                BatchAlignment& out) {
  check_pairs("free_energy", e, labels);
  check_options(options.beta, options.paths);
  Tape<T>& tape = e.tape();
  const int64_t samples = e.shape()[0];
  const bool learns = tape.recording() && e.needs_grad();
  SoftAlignment<T> soft;
  if (learns) {
    const KeptPairs pairs = keep_pairs(tape, sample_frames, labels, options.beta, options.paths);
    soft.posterior = path_posterior(e, pairs, out);
  } else {
    free_energy_batch(static_cast<const T*>(e.data()), e.shape()[1], e.shape()[2], sample_frames,
                      labels, options.beta, options.paths, out, static_cast<T*>(nullptr));
  }
  soft.energy = tape.make("free_energy", {samples});
  put_energies(out.results, soft.energy.data());
  if (!learns) return soft;
  // Samples without a path take no part: an infinite dF would turn their zeros into NaN.
  const KeptIndices with_path = feasible_samples(tape, out);
  const int64_t m = std::ssize(with_path.at);
  const Var<T> p = soft.posterior;
  soft.energy.wrt(e, [=](Var<T> df) {
    const Var<T> passed = scatter_add(gather(df, with_path, {m}), with_path, {samples});
    return mul(p, reshape(passed, {samples, 1, 1}));
  });
  return soft;
}

/// free_energy(e[B,L,A], sample_frames, labels, {beta, rule}) -> F[B], at any beta and under any
/// rule. Finite beta: F = -(1/beta) log sum_z exp(-beta E(z)); de = dF p with p = path_posterior,
/// and the second derivative is -beta Cov(n), both exact. beta = infinity: the best path, as in
/// align_ops.h. A pair without a path has F = +inf (NaN for non-finite energies) and a gradient of
/// exactly zero, whatever flows in; its mates are untouched. Throws as free_energy_batch does, and
/// for options that cannot be used.
/// Source: alignment.h; LeCun et al. 2006, section 7.
template <class T>
Var<T> free_energy(Var<T> e, std::span<const int64_t> sample_frames, const RaggedLabels& labels,
                   const AlignOptions& options, BatchAlignment& out) {
  if (!options.is_hard()) return soft_alignment(e, sample_frames, labels, options, out).energy;
  check_options(options.beta, options.paths);
  return free_energy(e, sample_frames, labels, out, options.paths);
}

TALWEG_OP_CARD(soft_free_energy) {
  card.formula("F[b] = -(1/beta) log sum over paths z of exp(-beta E(z))");
  card.rule("de = dF p, p the posterior of paths; second derivative -beta Cov(n)");
  card.shapes("e[B,L,A], B labels of any length -> F[B]").source("LeCun et al. 2006, section 7");
  const auto f = [](const std::vector<int64_t>& frames,
                    const std::vector<std::vector<int32_t>>& words, double beta,
                    const PathRule& rule) {
    return [=](auto x) {
      const LabelList labels(words);
      BatchAlignment out;
      return free_energy(x[0], frames, labels.view(), AlignOptions{beta, rule}, out);
    };
  };
  const std::vector<std::vector<int32_t>> two = {{0, 2, 1, 2}, {1, 2}};
  card.check("two words, one padded", {{2, 6, 3}}, f({6, 4}, two, 1.0, {}));
  card.check("hot", {{2, 6, 3}}, f({6, 4}, two, 0.05, {}));
  card.check("cold", {{2, 6, 3}}, f({6, 4}, two, 4.0, {}));
  card.check("margins", {{2, 6, 3}}, f({6, 4}, two, 1.0, path_rule(Topology::margins)));
  card.check("ctc", {{2, 6, 3}}, f({6, 4}, two, 1.0, path_rule(Topology::ctc)));
  card.check("costs", {{2, 6, 3}}, f({6, 4}, two, 1.0, rule_with_costs()));
  card.check("one does not fit", {{2, 4, 3}}, [=](auto x) {
    // What does not fit has F = +inf; its mate alone is checked.
    return slice(f({4, 1}, two, 1.0, {})(x), 0, 0, 1);
  });
  card.check("empty", {{0, 4, 3}}, f({}, {}, 1.0, {}));
  const double inf = std::numeric_limits<double>::infinity();
  card.point("no way around", {{inf, 9, 2, 2, 9, 3}},
             [=](auto x) {
               return f({3}, {{0, 1}}, 1.0, {})(std::array{reshape(x[0], {1, 3, 2})});
             },
             {inf}, {{0, 0, 0, 0, 0, 0}});
  card.rejects({{6, 3}}, f({6, 4}, two, 1.0, {}), "energies must be [B,L,A]");
  card.rejects({{2, 6, 3}}, f({6, 4}, two, -1.0, {}), "beta is -1");
  card.bench({{32, 32, 53}},
             f(std::vector<int64_t>(32, 32), std::vector(32, some_indices(11, 53)), 1.0, {}));
}

// --- the loss at any temperature ---

/// The symbol of least energy at every used frame of the pairs that have a path, [B L]; elsewhere
/// kIgnoredLabel.
template <class T>
std::span<int32_t> least_symbols(Var<T> e, std::span<const int64_t> sample_frames,
                                 const BatchAlignment& out) {
  const int64_t frames = e.shape()[1], alphabet = e.shape()[2];
  const std::span<int32_t> least = e.tape().template keep<int32_t>(e.shape()[0] * frames);
  for (int64_t k = 0; k < std::ssize(least); ++k) {
    const int64_t b = k / frames;
    least[k] = kIgnoredLabel;
    if (out.results[b].status != AlignStatus::ok || k % frames >= sample_frames[b]) continue;
    const T* row = e.data() + k * alphabet;
    least[k] = static_cast<int32_t>(std::min_element(row, row + alphabet) - row);
  }
  return least;
}

/// path_cross_entropy(e, sample_frames, labels, {beta, rule}): with F_beta over the paths of the pair,
///   mean over feasible b of (1/L_b) [ F_beta(e_b, y_b) + sum_i log sum_a exp(-e_i[a]) ].
/// Gradient: (1/L_b) (p_i[a] - softmax(-e_i)[a]), p = path_posterior. At beta = 1 it is the negative
/// log-likelihood of the label summed over all its paths, frames being independent classifiers; as
/// beta grows it cools into the loss of the best path (align_ops.h), which it is at infinity. For
/// beta < 1 the paths count for more than probabilities do, and it may fall below 0.
/// `out` and the errors are those of free_energy.
template <class T>
PathLoss<T> path_cross_entropy(Var<T> e, std::span<const int64_t> sample_frames,
                               const RaggedLabels& labels, const AlignOptions& options,
                               BatchAlignment& out) {
  if (options.is_hard()) {
    check_options(options.beta, options.paths);
    return path_cross_entropy(e, sample_frames, labels, out, options.paths);
  }
  const Var<T> f = soft_alignment(e, sample_frames, labels, options, out).energy;
  Tape<T>& tape = e.tape();
  const int64_t batch = e.shape()[0], frames = e.shape()[1], alphabet = e.shape()[2];
  const KeptIndices with_path = feasible_samples(tape, out);
  const int64_t pairs = std::ssize(with_path.at);
  const PathLoss<T> counts{{}, pairs, batch - pairs};

  // The classifiers' part, as cross-entropy against the least symbol of each frame, and F measured
  // from the energies of those symbols: both parts are small where the model is right.
  const std::span<int32_t> least = least_symbols(e, sample_frames, out);
  const std::span<T> weights = tape.template keep<T>(batch * frames);
  const std::span<int32_t> cells =
      tape.template keep<int32_t>(std::ranges::count_if(least, [](int32_t a) { return a >= 0; }));
  const Var<T> pair_shares = tape.make("shares", {pairs});
  const Var<T> cell_shares = tape.make("shares", {std::ssize(cells)});
  int64_t m = 0;
  for (int64_t k = 0; k < batch * frames; ++k) {
    weights[k] = least[k] < 0 ? T(0) : T(1) / T(sample_frames[k / frames]);
    if (least[k] < 0) continue;
    cell_shares.data()[m] = weights[k] / T(pairs);
    cells[m++] = static_cast<int32_t>(k * alphabet + least[k]);
  }
  for (int64_t j = 0; j < pairs; ++j) {
    const int64_t used = sample_frames[with_path.at[j]];
    pair_shares.data()[j] = used > 0 ? T(1) / T(used * pairs) : T(0);
  }
  const Var<T> logits = scale(reshape(e, {batch * frames, alphabet}), T(-1));
  const Var<T> classifiers = cross_entropy(logits, least, weights);
  const Var<T> paths = sum(mul(gather(f, with_path, {pairs}), pair_shares));
  const Var<T> from = sum(mul(gather(e, KeptIndices{cells}, {m}), cell_shares));
  return {add(classifiers, sub(paths, from)), counts.feasible, counts.infeasible};
}

TALWEG_OP_CARD(soft_path_cross_entropy) {
  card.formula("mean over feasible b of (1/L_b) [F_beta(e_b, y_b) + sum_i logsumexp(-e_i)]");
  card.rule("de_i[a] = dy / (B' L_b) (p_i[a] - softmax(-e_i)[a]) over the B' feasible pairs");
  card.shapes("e[B,L,A], B labels of any length -> scalar").source("LeCun et al. 2006, section 7");
  const auto f = [](const std::vector<int64_t>& frames,
                    const std::vector<std::vector<int32_t>>& words, double beta,
                    const PathRule& rule) {
    return [=](auto x) {
      const LabelList labels(words);
      BatchAlignment out;
      const AlignOptions options{beta, rule};
      return path_cross_entropy(x[0], frames, labels.view(), options, out).loss;
    };
  };
  const std::vector<std::vector<int32_t>> two = {{0, 2, 1, 2}, {1, 2}};
  card.check("two words, one padded", {{2, 6, 3}}, f({6, 4}, two, 1.0, {}));
  card.check("cooler, ctc", {{2, 6, 3}}, f({6, 4}, two, 3.0, path_rule(Topology::ctc)));
  card.check("one word does not fit", {{2, 4, 3}}, f({4, 1}, two, 1.0, {}));
  card.check("empty", {{0, 4, 3}}, f({}, {}, 1.0, {}));
  card.rejects({{6, 3}}, f({6, 4}, two, 1.0, {}), "energies must be [B,L,A]");
  card.bench({{32, 32, 53}},
             f(std::vector<int64_t>(32, 32), std::vector(32, some_indices(11, 53)), 1.0, {}));
}

}  // namespace talweg::ebm

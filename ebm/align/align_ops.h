// The aligner on the tape: F(x,y) = min_z E(x,y,z) as a differentiable op, and the loss of the best
// path.
//
// Shapes: e[B,L,A] energies, padded to L frames; sample b uses its first sample_frames[b];
// M counts the frames of all samples that have a path.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "core/ops/select.h"
#include "core/ops/softmax.h"
#include "ebm/align/batch.h"

namespace talweg::ebm {

/// Throws unless e is [B,L,A] and there is a label for each of its B samples.
template <class T> void check_pairs(const char* op, Var<T> e, const RaggedLabels& labels) {
  const Shape shape = e.shape();
  expect(shape.rank() == 3, "[", op, "] energies must be [B,L,A], found ", shape);
  expect(shape[0] == labels.size(), "[", op, "] energies ", shape, " hold ", shape[0],
         " samples, there are ", labels.size(), " labels; give one a sample");
  check_indexable(op, shape);
}

/// Checks the shapes and runs viterbi_batch over the values of e[B,L,A], into `out`.
template <class T>
void align_values(const char* op, Var<T> e, std::span<const int64_t> sample_frames,
                  const RaggedLabels& labels, BatchAlignment& out, const PathRuleView& rule) {
  check_pairs(op, e, labels);
  viterbi_batch(static_cast<const T*>(e.data()), e.shape()[1], e.shape()[2], sample_frames, labels,
                out, rule);
}

/// The symbol y_{z(i)} of every frame [B L], kept on the tape; kIgnoredLabel on padding and where
/// there is no path.
template <class T>
std::span<const int32_t> path_symbols(Tape<T>& tape, int64_t frames, const RaggedLabels& labels,
                                      const BatchAlignment& alignment) {
  const std::span<int32_t> symbols = tape.template keep<int32_t>(std::ssize(alignment.paths));
  for (int64_t k = 0; k < std::ssize(symbols); ++k) {
    const int32_t position = alignment.paths[k];
    symbols[k] = position < 0 ? kIgnoredLabel : labels[k / frames][position];
  }
  return symbols;
}

/// The cells on the best paths, one a frame [M]: the sample of each, and its flat index in
/// e[B,L,A].
struct PathCells {
  KeptIndices sample, cell;
  int64_t count() const { return std::ssize(cell.at); }
};

template <class T>
PathCells path_cells(Tape<T>& tape, const Shape& shape, std::span<const int32_t> symbols) {
  const int64_t off_path = std::ranges::count(symbols, kIgnoredLabel);
  const auto sample = tape.template keep<int32_t>(std::ssize(symbols) - off_path);
  const auto cell = tape.template keep<int32_t>(std::ssize(sample));
  int64_t m = 0;
  for (int64_t k = 0; k < std::ssize(symbols); ++k) {
    if (symbols[k] == kIgnoredLabel) continue;
    sample[m] = static_cast<int32_t>(k / shape[1]);
    cell[m++] = static_cast<int32_t>(k * shape[2] + symbols[k]);
  }
  return {{sample}, {cell}};
}

// --- the free energy at zero temperature ---

/// free_energy(e[B,L,A], sample_frames, labels) -> F[B]: the least path energy of every pair.
/// Where the best path is unique, moving e a little does not change it, so F is the sum of the
/// cells on that path: de = dF_b on them, 0 elsewhere, a gather of dF and its scatter. F is
/// piecewise linear: the rule does not read e and the second derivative is zero, exactly. On a tie
/// the gradient is that of the path `viterbi` returns, one of the subgradients. F is the double
/// sum, rounded to T; one beyond T's range has no path (judge_range). A pair without a path has F = +inf (NaN for non-finite energies) and a
/// gradient of exactly zero, whatever flows in; its mates are untouched. `out` receives statuses
/// and paths and lends its work space, so that a fixed batch shape allocates nothing. Throws as
/// viterbi_batch does. Source: Viterbi 1967; Danskin 1966 for the gradient.
template <class T>
Var<T> free_energy(Var<T> e, std::span<const int64_t> sample_frames, const RaggedLabels& labels,
                   BatchAlignment& out, const PathRuleView& rule = AlignScratch::kClassic) {
  align_values("free_energy", e, sample_frames, labels, out, rule);
  const Shape shape = e.shape();
  Tape<T>& tape = e.tape();
  Var<T> f = tape.make("free_energy", {shape[0]});
  put_energies(out.results, f.data());
  for (int64_t b = 0; b < shape[0]; ++b) {
    if (out.results[b].status != AlignStatus::ok) {
      std::fill_n(out.paths.begin() + b * shape[1], shape[1], -1);
    }
  }
  const PathCells path = path_cells(tape, shape, path_symbols(tape, shape[1], labels, out));
  f.wrt(e, [=](Var<T> df) {
    return scatter_add(gather(df, path.sample, {path.count()}), path.cell, shape);
  });
  return f;
}

TALWEG_OP_CARD(free_energy) {
  card.formula("F[b] = min over paths z of sum_i e[b,i,y(z(i))]");
  card.rule(
      "de = dF on the cells of the best path, else 0; second derivative 0 (piecewise linear)");
  card.shapes("e[B,L,A], B labels of any length -> F[B]").source("Viterbi 1967; Danskin 1966");
  const auto f = [](const std::vector<int64_t>& frames,
                    const std::vector<std::vector<int32_t>>& words) {
    return [=](auto x) {
      const LabelList labels(words);
      BatchAlignment out;
      return free_energy(x[0], frames, labels.view(), out);
    };
  };
  const auto two = f({6, 4}, {{0, 2, 1, 2}, {1, 2}});
  card.check("two words, one padded", {{2, 6, 3}}, two);
  card.check("one cell", {{1, 1, 1}}, f({1}, {{0}})).check("empty", {{0, 4, 3}}, f({}, {}));
  const auto on_three_frames = [](auto x) {
    LabelList labels;
    labels.add(std::vector<int32_t>{0, 1});
    BatchAlignment out;
    return free_energy(reshape(x[0], {1, 3, 2}), std::vector<int64_t>{3}, labels.view(), out);
  };
  const double inf = std::numeric_limits<double>::infinity();
  card.point("on a tie, the path that advances first", {{1, 1, 1, 1, 1, 1}}, on_three_frames, {3},
             {{1, 0, 0, 1, 0, 1}});
  card.point("around a +inf cell", {{1, 9, 2, inf, 9, 3}}, on_three_frames, {6},
             {{1, 0, 1, 0, 0, 1}});
  card.point("no way around", {{inf, 9, 2, 2, 9, 3}}, on_three_frames, {inf}, {{0, 0, 0, 0, 0, 0}});
  card.rejects({{6, 3}}, two, "energies must be [B,L,A]");
  card.rejects({{3, 6, 3}}, two, "give one a sample");
  card.rejects({{2, 6, 2}}, two, "outside the alphabet");
  card.bench({{32, 32, 53}},
             f(std::vector<int64_t>(32, 32), std::vector(32, some_indices(11, 53))));
}

// --- the loss of the best path ---

/// The loss of a batch, and how many of its pairs took part.
template <class T> struct PathLoss {
  Var<T> loss;  ///< a scalar; 0 when no pair is feasible
  int64_t feasible = 0;
  int64_t infeasible = 0;  ///< left out of the mean: look in the statuses for the reasons
};

/// path_cross_entropy(e[B,L,A], sample_frames, labels): with z the best path, taken as constant,
///   mean over feasible b of (1/L_b) sum_i [ e_i[y_{z(i)}] + log sum_a exp(-e_i[a]) ].
/// Each frame is a classifier with logits -e_i that should answer the symbol the path gives it, so
/// no term is below 0. It lowers the energy of the path and raises the other *symbols* of the same
/// frames; of other words it knows nothing. Gradient: de_i[a] = (w / L_b) ([a = y_{z(i)}] -
/// softmax(-e_i)[a]), exactly zero on padded frames and infeasible pairs.
/// `out` and the errors are those of free_energy. Source: LeCun et al. 2006, section 7.
template <class T>
PathLoss<T> path_cross_entropy(Var<T> e, std::span<const int64_t> sample_frames,
                               const RaggedLabels& labels, BatchAlignment& out,
                               const PathRuleView& rule = AlignScratch::kClassic) {
  align_values("path_cross_entropy", e, sample_frames, labels, out, rule);
  const int64_t batch = e.shape()[0], frames = e.shape()[1], rows = batch * frames;
  Tape<T>& tape = e.tape();
  const std::span<T> weights = tape.template keep<T>(rows);
  for (int64_t k = 0; k < rows; ++k) {
    weights[k] = out.paths[k] < 0 ? T(0) : T(1) / T(sample_frames[k / frames]);
  }
  const Var<T> logits = scale(reshape(e, {rows, e.shape()[2]}), T(-1));
  const Var<T> loss = cross_entropy(logits, path_symbols(tape, frames, labels, out), weights);
  return {loss, out.feasible(), batch - out.feasible()};
}

TALWEG_OP_CARD(path_cross_entropy) {
  card.formula("mean over feasible b of (1/L_b) sum_i [e_i[y(z(i))] + logsumexp(-e_i)], z best");
  card.rule(
      "de_i[a] = dy / (B' L_b) ([a = y(z(i))] - softmax(-e_i)[a]) over the B' feasible pairs");
  card.shapes("e[B,L,A], B labels of any length -> scalar").source("LeCun et al. 2006, section 7");
  const auto f = [](const std::vector<int64_t>& frames,
                    const std::vector<std::vector<int32_t>>& words) {
    return [=](auto x) {
      const LabelList labels(words);
      BatchAlignment out;
      return path_cross_entropy(x[0], frames, labels.view(), out).loss;
    };
  };
  const auto two = f({6, 4}, {{0, 2, 1, 2}, {1, 2}});
  card.check("two words, one padded", {{2, 6, 3}}, two);
  card.check("one word does not fit", {{2, 4, 3}}, f({4, 1}, {{0, 2}, {1, 2}}));
  card.check("one cell", {{1, 1, 1}}, f({1}, {{0}})).check("empty", {{0, 4, 3}}, f({}, {}));
  card.rejects({{6, 3}}, two, "energies must be [B,L,A]");
  card.bench({{32, 32, 53}},
             f(std::vector<int64_t>(32, 32), std::vector(32, some_indices(11, 53))));
}

}  // namespace talweg::ebm

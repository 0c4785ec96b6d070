// The aligner on the tape: F(x,y) = min_z E(x,y,z) as a differentiable op, and the loss of the best
// path.
//
// Shapes: e[B,L,A] energies, padded to L frames; sample b uses its first sample_frames[b].
//
// Where the best path is unique, moving the energies a little does not change it, so F is the sum
// of the cells on that path and dF/de is the path's indicator. F is piecewise linear: its second
// derivative is zero, exactly, and the rule below gives it (it does not read e). On a tie the
// gradient is that of the path `viterbi` returns, one of the subgradients.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <vector>

#include "core/op_card.h"
#include "core/tape.h"
#include "ebm/align/batch.h"

namespace talweg::ebm {

/// The flat cells of e[B,L,A] on the paths of a batch: cell (b,i) or -1, kept on the tape for
/// rules.
template <class T>
std::span<const int64_t> path_cells(Tape<T>& tape, const Shape& energies,
                                    const RaggedLabels& labels, const BatchAlignment& alignment) {
  const int64_t frames = energies[1], alphabet = energies[2];
  const std::span<int64_t> cells = tape.template keep<int64_t>(energies[0] * frames);
  for (int64_t k = 0; k < static_cast<int64_t>(cells.size()); ++k) {
    const int32_t position = alignment.paths[k];
    cells[k] = position < 0 ? -1 : k * alphabet + labels[k / frames][position];
  }
  return cells;
}

template <class T>
Var<T> path_spread(Var<T> s, std::span<const int64_t> cells, const Shape& shape);

/// path_sum(e[B,L,A], cells[B·L]) -> s[B]: s_b = sum_i e[cells[b,i]], a cell of -1 adding nothing.
/// Linear in e, so de = path_spread(ds, cells): each cell on the path receives its sample's
/// gradient. `cells` must live as long as the result: take it from path_cells or Tape::keep. Sums
/// in double.
template <class T>
Var<T> path_sum(Var<T> e, std::span<const int64_t> cells) {
  const Shape shape = e.shape();
  expect(shape.rank() == 3 && std::ssize(cells) == shape.size_between(0, 2), "[path_sum] ",
         cells.size(), " cells for energies ", shape, "; there must be B x L of them");
  Var<T> s = e.tape().make("path_sum", {shape[0]});
  for (int64_t b = 0; b < shape[0]; ++b) {
    double sum = 0;
    for (int64_t cell : cells.subspan(b * shape[1], shape[1])) {
      if (cell >= 0) sum += static_cast<double>(e.data()[cell]);
    }
    s.data()[b] = static_cast<T>(sum);
  }
  s.wrt(e, [=](Var<T> ds) { return path_spread(ds, cells, shape); });
  return s;
}

/// path_spread(s[B], cells[B·L], [B,L,A]) -> e: e[cells[b,i]] = s_b, zero elsewhere. The adjoint of
/// path_sum, whose adjoint it is: ds = path_sum(de, cells). No two frames share a cell, so nothing
/// is added up. The samples without a path stay exactly zero, whatever s holds there (even NaN).
template <class T>
Var<T> path_spread(Var<T> s, std::span<const int64_t> cells, const Shape& shape) {
  expect(s.shape() == Shape({shape[0]}), "[path_spread] one number a sample is spread, found ",
         s.shape(), " for energies ", shape);
  expect(std::ssize(cells) == shape.size_between(0, 2), "[path_spread] ", cells.size(),
         " cells for energies ", shape, "; there must be B x L of them");
  Var<T> e = s.tape().make("path_spread", shape);
  std::fill_n(e.data(), e.size(), T(0));
  for (int64_t k = 0; k < std::ssize(cells); ++k) {
    if (cells[k] >= 0) e.data()[cells[k]] = s.data()[k / shape[1]];
  }
  e.wrt(s, [=](Var<T> de) { return path_sum(de, cells); });
  return e;
}

TALWEG_OP_CARD(path_sum) {
  card.formula("s[b] = sum_i e[cells[b,i]]").rule("de = path_spread(ds)");
  card.shapes("e[B,L,A], cells[B·L] -> [B]").source("linearity");
  const auto f = [](auto x) {
    const std::array<int64_t, 6> cells{0, 4, -1, 9, 12, 17};
    return path_sum(x[0], x[0].tape().keep(std::span<const int64_t>(cells)));
  };
  card.check("two samples, one short", {{2, 3, 3}}, f);
  card.check("empty", {{0, 3, 3}}, [](auto x) { return path_sum(x[0], {}); });
  card.rejects({{2, 2, 3}}, f, "there must be B x L of them");
}

TALWEG_OP_CARD(path_spread) {
  card.formula("e[cells[b,i]] = s[b], else 0").rule("ds = path_sum(de)");
  card.shapes("s[B], cells[B·L] -> [B,L,A]").source("the adjoint of path_sum");
  const auto f = [](auto x) {
    const std::array<int64_t, 6> cells{0, 4, -1, 9, 12, 17};
    return path_spread(x[0], x[0].tape().keep(std::span<const int64_t>(cells)), {2, 3, 3});
  };
  card.check("two samples, one short", {{2}}, f);
  card.check("empty", {{0}}, [](auto x) { return path_spread(x[0], {}, {0, 3, 3}); });
  card.rejects({{3}}, f, "one number a sample");
}

/// Throws unless e is [B,L,A] with one sample a label.
template <class T>
void check_energies(const char* op, Var<T> e, const RaggedLabels& labels) {
  expect(e.shape().rank() == 3, "[", op, "] energies must be [B,L,A], found ", e.shape());
  expect(e.shape()[0] == labels.size(), "[", op, "] energies ", e.shape(), " hold ", e.shape()[0],
         " samples, there are ", labels.size(), " labels; give one a sample");
}

/// free_energy(e[B,L,A], frames, labels) -> F[B]: the least path energy of every pair, F = min_z E.
/// Gradient: de = path_spread(dF), the indicator of the best path; second derivative zero (above).
/// F is the double sum, rounded to T. A pair without a path has F = +inf (NaN for non-finite
/// energies) and a gradient of exactly zero, whatever flows in; its mates are untouched. `out`
/// receives statuses and paths and lends its work space, so that a fixed batch shape allocates
/// nothing. Throws as viterbi_batch does.
template <class T>
Var<T> free_energy(Var<T> e, std::span<const int64_t> sample_frames, const RaggedLabels& labels,
                   BatchAlignment& out) {
  check_energies("free_energy", e, labels);
  const Shape shape = e.shape();
  viterbi_batch(static_cast<const T*>(e.data()), shape[1], shape[2], sample_frames, labels, out);
  Var<T> f = e.tape().make("free_energy", {shape[0]});
  for (int64_t b = 0; b < shape[0]; ++b) f.data()[b] = static_cast<T>(out.results[b].energy);
  const auto cells = path_cells(e.tape(), shape, labels, out);
  f.wrt(e, [=](Var<T> df) { return path_spread(df, cells, shape); });
  return f;
}

TALWEG_OP_CARD(free_energy) {
  card.formula("F[b] = min over paths z of sum_i e[b,i,y(z(i))]");
  card.rule(
      "de = dF on the cells of the best path, else 0; second derivative 0 (piecewise linear)");
  card.shapes("e[B,L,A], B labels of any length -> [B]").source("Viterbi 1967; envelope theorem");
  const auto align = [](auto e, std::initializer_list<int64_t> frames,
                        std::initializer_list<std::vector<int32_t>> words) {
    LabelList labels;
    for (const auto& word : words) labels.add(word);
    BatchAlignment out;
    return free_energy(e, std::vector<int64_t>(frames), labels.view(), out);
  };
  const auto two = [=](auto x) { return align(x[0], {6, 4}, {{0, 2, 1, 2}, {1, 2}}); };
  card.check("two words, one padded", {{2, 6, 3}}, two);
  card.check("one cell", {{1, 1, 1}}, [=](auto x) { return align(x[0], {1}, {{0}}); });
  card.check("empty batch", {{0, 4, 3}}, [=](auto x) { return align(x[0], {}, {}); });
  card.rejects({{6, 3}}, two, "energies must be [B,L,A]");
  card.rejects({{3, 6, 3}}, two, "give one a sample");
  card.rejects({{2, 6, 2}}, two, "outside the alphabet");
}

}  // namespace talweg::ebm

// The two ways to align one image and one word: weighted graphs on a tape (ebm/graph), as GTN does
// it, and the aligner written by hand (ebm/align). Forward and gradient, all that either needs done
// anew for a new image and label: for graphs the linear graph, the label graph, their composition,
// the score and the backward pass. The graph is the reference, so the last column of the other row
// says how many times slower the graph is.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "bench/buffer.h"
#include "bench/rows.h"
#include "core/error.h"
#include "ebm/align/alignment.h"
#include "ebm/graph/graph.h"

namespace talweg::bench {
namespace {

constexpr double kCold = std::numeric_limits<double>::infinity();

struct GraphCase {
  int64_t frames, length, alphabet;
  double beta;

  std::string problem() const {
    return message("graph/", frames, "x", length, "/", alphabet,
                   std::isinf(beta) ? "/viterbi" : "/soft");
  }
};

/// Energies of standard deviation 3, a label `c _ a _ t _` of random letters, and the gradient.
struct GraphProblem {
  explicit GraphProblem(const GraphCase& c)
      : shape(c), energies({c.frames, c.alphabet}), gradient({c.frames, c.alphabet}) {
    Rng rng(1);
    for (float& e : energies.values()) e = 3 * static_cast<float>(rng.normal());
    const auto between = static_cast<int32_t>(c.alphabet) - 1;
    for (int64_t j = 0; j < c.length; ++j) {
      label.push_back(j % 2 == 1 ? between : static_cast<int32_t>(rng.below(uint64_t(between))));
    }
  }

  /// dF/de by graphs, left in `to`.
  template <class T> void by_graph(Tape<T>& tape, const Tensor<T>& e, T* to) const {
    const TapeScope<T> scope(tape);
    const Var<T> leaf = tape.borrow(e, true);
    tape.backward(ebm::graph_free_energy<T>(leaf, label, shape.beta));
    std::ranges::copy(leaf.grad_view(), to);
  }

  /// Relative distance of `gradient` to that of graphs in double.
  double error() const {
    Tensor<double> exact(energies.shape());
    std::ranges::copy(energies.values(), exact.data());
    std::vector<double> expected(static_cast<size_t>(exact.size()));
    Tape<double> tape;
    by_graph(tape, exact, expected.data());
    return relative_error(gradient.data(), expected);
  }

  GraphCase shape;
  Tensor<float> energies, gradient;
  std::vector<int32_t> label;
};

Work graph_work(const GraphCase& c) {
  const auto p = std::make_shared<GraphProblem>(c);
  const auto tape = std::make_shared<Tape<float>>();
  Work work;
  work.run = [=] { p->by_graph(*tape, p->energies, p->gradient.data()); };
  work.error = [=] { return p->error(); };
  return work;
}

Work hand_work(const GraphCase& c) {
  const auto p = std::make_shared<GraphProblem>(c);
  const auto scratch = std::make_shared<ebm::AlignScratch>();
  Work work;
  work.run = [=] {
    ebm::free_energy_of(p->energies.values().data(), c.frames, c.alphabet, p->label, c.beta,
                        ebm::AlignScratch::kClassic, *scratch, p->gradient.data());
  };
  work.error = [=] { return p->error(); };
  return work;
}

Row graph_row(const Suite& suite, const GraphCase& c, const std::string& way, double bound) {
  Row row;
  row.problem = c.problem();
  row.way = way;
  row.isa = suite.options().isas.front();
  row.bytes = 2.0 * sizeof(float) * double(c.frames * c.alphabet);
  row.units = 1;
  row.unit = "alignment";
  row.error_bound = bound;
  row.groups = {"graph"};
  row.in_sum = false;
  row.by_default = false;
  row.in_smoke = c.frames == 16;
  return row;
}

}  // namespace

void add_graph_rows(Suite& suite) {
  for (const auto& [frames, length, alphabet] :
       {std::array<int64_t, 3>{16, 12, 27}, {64, 24, 27}, {256, 120, 96}}) {
    for (const double beta : {kCold, 1.0}) {
      const GraphCase c{frames, length, alphabet, beta};
      // In float, as GTN's, the graph's energies lose as many digits as a long path has before the
      // point; the aligner sums in double.
      Row graph = graph_row(suite, c, "talweg/graph", 1e-4);
      graph.reference_rank = 1;
      graph.make = [c] { return graph_work(c); };
      suite.add(std::move(graph));
      Row hand = graph_row(suite, c, "talweg/by-hand", 1e-6);
      hand.make = [c] { return hand_work(c); };
      suite.add(std::move(hand));
    }
  }
}

}  // namespace talweg::bench

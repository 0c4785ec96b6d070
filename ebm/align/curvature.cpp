#include "ebm/align/curvature.h"

#include <algorithm>
#include <cmath>

#include "ebm/align/semiring.h"

namespace talweg::ebm {
namespace {

/// Two rows of states, the one at hand and the one beside it.
struct Rows {
  double *now, *beside;
  Rows(double*& free, int64_t states) : now(free), beside(free + states) { free += 2 * states; }
  void turn() { std::swap(now, beside); }
};

/// [L,S] means and [L,S,steps] shares; [5,S] rows of states.
double* cell_room(const Chain& c, CurvatureScratch& scratch) {
  return room(scratch.cells, c.frames * c.states * (c.max_step + 2));
}
double* row_room(const Chain& c, CurvatureScratch& scratch) {
  return room(scratch.rows, 5 * c.states);
}

template <class T> class CurvatureSweep {
 public:
  CurvatureSweep(const ChainBuilder& builder, const Chain& chain, const T* energies, double beta,
                 const T* direction, CurvatureScratch& scratch)
      : builder_(builder),
        c_(chain),
        steps_(chain.max_step + 1),
        energies_(energies),
        direction_(direction),
        beta_(beta) {
    means_ = cell_room(chain, scratch);
    shares_ = means_ + chain.frames * chain.states;
    rows_ = row_room(chain, scratch);
  }

  void run(T* h) {
    sum_heads();
    flow_back(h);
  }

 private:
  double step_cost(int64_t s, int64_t d) const {
    return c_.step_costs == nullptr ? 0 : c_.step_costs[d * c_.stride + s];
  }
  double energy(int64_t i, int64_t s) const {
    return static_cast<double>(energies_[i * c_.alphabet + c_.symbols[s]]);
  }
  double moved(int64_t i, int64_t s) const {
    return static_cast<double>(direction_[i * c_.alphabet + c_.symbols[s]]);
  }
  /// [S] the probabilities of the last frame's states: where flow_back() begins.
  double* last() const { return rows_ + 4 * c_.states; }
  int64_t widest(int64_t s) const { return std::min(c_.max_step, s); }

  /// The union of sets of paths: set k has the least energy energy[k] and weighs exp(count[k]) times
  /// its best path. Writes the sets' shares of the union; returns its least energy, +inf for none.
  /// That two numbers are kept, not one free energy, counts tied paths among energies of 1e30 too.
  double unite(int64_t sets, const auto& energy, const auto& count, double* share,
               double* united) const {
    double least = kNoPath, top = -kNoPath, sum = 0;
    for (int64_t k = 0; k < sets; ++k) least = std::min(least, energy(k));
    if (!(least < kNoPath)) {
      std::fill(share, share + sets, 0.0);
      return kNoPath;
    }
    for (int64_t k = 0; k < sets; ++k) {
      const double e = energy(k);
      share[k] = e < kNoPath ? count(k) - beta_ * (e - least) : -kNoPath;
      top = std::max(top, share[k]);
    }
    for (int64_t k = 0; k < sets; ++k) {
      share[k] = std::exp(share[k] - top);
      sum += share[k];
    }
    for (int64_t k = 0; k < sets; ++k) share[k] /= sum;
    *united = top + std::log(sum);
    return least;
  }

  /// From the front: where the paths to each cell came from, and the mean of S over them.
  void sum_heads() {
    double* free = rows_;
    Rows least(free, c_.states), count(free, c_.states);
    for (int64_t i = 0; i < c_.frames; ++i) {
      for (int64_t s = 0; s < c_.states; ++s) {
        double* share = shares_ + (i * c_.states + s) * steps_;
        double& mean = means_[i * c_.states + s];
        mean = moved(i, s);
        if (i == 0) {
          least.now[s] = builder_.begins(s) ? energy(i, s) : kNoPath;
          count.now[s] = 0;
          continue;
        }
        const auto from = [&](int64_t d) { return least.beside[s - d] + step_cost(s, d); };
        const auto of = [&](int64_t d) { return count.beside[s - d]; };
        least.now[s] = unite(widest(s) + 1, from, of, share, &count.now[s]) + energy(i, s);
        for (int64_t d = 0; d <= widest(s); ++d) {
          if (share[d] > 0) mean += share[d] * means_[(i - 1) * c_.states + s - d];
        }
      }
      least.turn();
      count.turn();
    }
    const auto end = [&](int64_t s) {
      if (!builder_.ends(s)) return kNoPath;
      return least.beside[s] + (c_.end == nullptr ? 0 : c_.end[s]);
    };
    double all = 0;
    unite(
        c_.states, end, [&](int64_t s) { return count.beside[s]; }, last(), &all);
  }

  /// From the back: p, and p times the mean of S after the cell.
  void flow_back(T* h) {
    double* free = rows_;
    Rows p(free, c_.states), later(free, c_.states);
    std::copy(last(), last() + c_.states, p.now);
    std::fill(later.now, later.now + c_.states, 0.0);
    double all = 0;
    for (int64_t s = 0; s < c_.states; ++s) {
      if (p.now[s] > 0) all += p.now[s] * means_[(c_.frames - 1) * c_.states + s];
    }
    for (int64_t i = c_.frames - 1; i >= 0; --i) {
      std::fill(p.beside, p.beside + c_.states, 0.0);
      std::fill(later.beside, later.beside + c_.states, 0.0);
      for (int64_t s = 0; s < c_.states; ++s) {
        if (!(p.now[s] > 0)) continue;
        const int64_t cell = i * c_.states + s;
        const double turn = p.now[s] * (means_[cell] - all) + later.now[s];
        h[i * c_.alphabet + c_.symbols[s]] += static_cast<T>(-beta_ * turn);
        if (i == 0) continue;
        const double* share = shares_ + cell * steps_;
        const double with_own = later.now[s] + p.now[s] * moved(i, s);
        for (int64_t d = 0; d <= widest(s); ++d) {
          p.beside[s - d] += share[d] * p.now[s];
          later.beside[s - d] += share[d] * with_own;
        }
      }
      p.turn();
      later.turn();
    }
  }

  const ChainBuilder& builder_;
  const Chain& c_;
  int64_t steps_;
  const T *energies_, *direction_;
  double beta_;
  double *means_, *shares_, *rows_;  // [L,S], [L,S,steps], [5,S]
};

}  // namespace

void CurvatureScratch::reserve(int64_t frames, int64_t length, int64_t alphabet,
                               const PathRuleView& rule) {
  align.reserve(frames, length, alphabet, rule, true);
  const Chain largest = align.chain.reserve(length, frames, alphabet, rule);
  cell_room(largest, *this);
  row_room(largest, *this);
}

template <class T>
void posterior_derivative(const T* energies, int64_t frames, int64_t alphabet,
                          std::span<const int32_t> label, double beta, const PathRuleView& rule,
                          const T* direction, T* h, CurvatureScratch& scratch) {
  std::fill(h, h + frames * alphabet, T(0));
  if (beta == kNoPath) return;  // the best path is constant, piece by piece
  const AlignResult r =
      free_energy_of(energies, frames, alphabet, label, beta, rule, scratch.align);
  if (r.status != AlignStatus::ok || frames == 0) return;
  ChainBuilder& builder = scratch.align.chain;
  const Chain& chain = builder.build(label, frames, alphabet, rule, false);
  CurvatureSweep<T>(builder, chain, energies, beta, direction, scratch).run(h);
}

template void posterior_derivative(const float*, int64_t, int64_t, std::span<const int32_t>, double,
                                   const PathRuleView&, const float*, float*, CurvatureScratch&);
template void posterior_derivative(const double*, int64_t, int64_t, std::span<const int32_t>,
                                   double, const PathRuleView&, const double*, double*,
                                   CurvatureScratch&);

}  // namespace talweg::ebm

#include "ebm/align/curvature.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "ebm/align/alignment.h"
#include "ebm/align/semiring.h"

namespace talweg::ebm {
namespace {

/// Free energies of sets of paths and the mean of S over each set, cell by cell.
struct Moments {
  std::vector<double> energy, mean;
  explicit Moments(int64_t cells) : energy(cells, kNoPath), mean(cells, 0.0) {}
};

/// The union of several sets: first all energies, then the means by their shares.
class Union {
 public:
  explicit Union(SoftMin sum) : sum_(sum) {}
  void add(double energy, double mean) {
    if (energy == kNoPath) return;
    parts_.push_back({energy, mean});
    total_ = sum_.plus(total_, energy);
  }
  double energy() const { return total_; }
  double mean() const {
    double mean = 0, weights = 0;
    for (const Part& p : parts_) {
      const double weight = std::exp(-sum_.beta * (p.energy - total_));
      mean += weight * p.mean;
      weights += weight;
    }
    return weights > 0 ? mean / weights : 0;
  }
  void clear() {
    parts_.clear();
    total_ = kNoPath;
  }

 private:
  struct Part {
    double energy, mean;
  };
  SoftMin sum_;
  std::vector<Part> parts_;
  double total_ = kNoPath;
};

template <class T> class CurvatureSweep {
 public:
  CurvatureSweep(const ChainBuilder& builder, const Chain& chain, const T* energies, double beta,
                 const T* direction)
      : builder_(builder),
        c_(chain),
        usable_(builder.usable_states()),
        energies_(energies),
        direction_(direction),
        beta_(beta),
        paths_(SoftMin{beta}),
        heads_(chain.frames * chain.states),
        tails_(chain.frames * chain.states) {}

  void run(T* h) {
    heads();
    tails();
    for (int64_t s = 0; s < c_.states; ++s) {
      const int64_t last = at(c_.frames - 1, s);
      if (builder_.ends(s)) paths_.add(heads_.energy[last] + end_cost(s), heads_.mean[last]);
    }
    const double all = paths_.mean();
    paths_.clear();
    std::vector<double> share(c_.states);
    for (int64_t i = 0; i < c_.frames; ++i) {
      shares_at(i, share);
      for (int64_t s = 0; s < c_.states; ++s) {
        if (share[s] == 0) continue;
        const double mean = heads_.mean[at(i, s)] + tails_.mean[at(i, s)];
        h[i * c_.alphabet + c_.symbols[s]] += static_cast<T>(-beta_ * share[s] * (mean - all));
      }
    }
  }

 private:
  int64_t at(int64_t i, int64_t s) const { return i * c_.states + s; }
  double end_cost(int64_t s) const { return c_.end == nullptr ? 0 : c_.end[s]; }
  double step_cost(int64_t s, int64_t d) const {
    return c_.step_costs == nullptr ? 0 : c_.step_costs[d * c_.stride + s];
  }
  double energy(int64_t i, int64_t s) const {
    return static_cast<double>(energies_[i * c_.alphabet + c_.symbols[s]]);
  }
  double moved(int64_t i, int64_t s) const {
    return static_cast<double>(direction_[i * c_.alphabet + c_.symbols[s]]);
  }

  /// Paths from the start up to and with the cell.
  void heads() {
    for (int64_t i = 0; i < c_.frames; ++i) {
      for (int64_t s = 0; s < c_.states; ++s) {
        if (!usable_[at(i, s)]) continue;
        paths_.clear();
        if (i == 0) paths_.add(0, 0);
        for (int64_t d = 0; i > 0 && d <= std::min(c_.max_step, s); ++d) {
          const int64_t from = at(i - 1, s - d);
          paths_.add(heads_.energy[from] + step_cost(s, d), heads_.mean[from]);
        }
        heads_.energy[at(i, s)] = paths_.energy() + energy(i, s);
        heads_.mean[at(i, s)] = paths_.mean() + moved(i, s);
      }
    }
    paths_.clear();
  }

  /// Paths after the cell, to an end.
  void tails() {
    for (int64_t i = c_.frames - 1; i >= 0; --i) {
      for (int64_t s = 0; s < c_.states; ++s) {
        if (!usable_[at(i, s)]) continue;
        paths_.clear();
        if (i == c_.frames - 1) paths_.add(end_cost(s), 0);
        const int64_t widest = i < c_.frames - 1 ? std::min(c_.max_step, c_.states - 1 - s) : -1;
        for (int64_t d = 0; d <= widest; ++d) {
          const int64_t to = s + d;
          if (!usable_[at(i + 1, to)]) continue;
          paths_.add(tails_.energy[at(i + 1, to)] + step_cost(to, d) + energy(i + 1, to),
                     tails_.mean[at(i + 1, to)] + moved(i + 1, to));
        }
        tails_.energy[at(i, s)] = paths_.energy();
        tails_.mean[at(i, s)] = paths_.mean();
      }
    }
    paths_.clear();
  }

  /// The posterior of the states of a frame, relative to the heaviest.
  void shares_at(int64_t i, std::vector<double>& share) const {
    double low = kNoPath, sum = 0;
    for (int64_t s = 0; s < c_.states; ++s) {
      share[s] = heads_.energy[at(i, s)] + tails_.energy[at(i, s)];
      low = std::min(low, share[s]);
    }
    for (double& x : share) {
      x = x < kNoPath ? std::exp(-beta_ * (x - low)) : 0;
      sum += x;
    }
    for (double& x : share) x = sum > 0 ? x / sum : 0;
  }

  const ChainBuilder& builder_;
  const Chain& c_;
  std::vector<char> usable_;
  const T *energies_, *direction_;
  double beta_;
  Union paths_;
  Moments heads_, tails_;
};

}  // namespace

template <class T>
void posterior_derivative(const T* energies, int64_t frames, int64_t alphabet,
                          std::span<const int32_t> label, double beta, const PathRuleView& rule,
                          const T* direction, T* h) {
  std::fill(h, h + frames * alphabet, T(0));
  if (beta == kNoPath) return;  // the best path is constant, piece by piece
  AlignScratch scratch;
  const AlignResult r = free_energy_of(energies, frames, alphabet, label, beta, rule, scratch);
  if (r.status != AlignStatus::ok || frames == 0) return;
  const Chain& chain = scratch.chain.build(label, frames, alphabet, rule, false);
  CurvatureSweep<T>(scratch.chain, chain, energies, beta, direction).run(h);
}

template void posterior_derivative(const float*, int64_t, int64_t, std::span<const int32_t>, double,
                                   const PathRuleView&, const float*, float*);
template void posterior_derivative(const double*, int64_t, int64_t, std::span<const int32_t>,
                                   double, const PathRuleView&, const double*, double*);

}  // namespace talweg::ebm

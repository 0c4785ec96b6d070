// Negatives that the model itself makes: chains of Langevin's, from the data (CD-k) or from where
// they were left (persistent CD, with a replay buffer).
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "ebm/losses/negatives.h"
#include "ebm/sampling/langevin.h"

namespace talweg::ebm {

/// Where persistent chains wait between steps of training: points of any shape, drawn without
/// repetition, walked on, and put back.
template <class T> class ReplayBuffer {
 public:
  /// Makes count fresh points [count, ...], to begin with and to begin again.
  using Fresh = std::function<Tensor<T>(int64_t count, Rng& rng)>;

  /// A drawn point is replaced by a fresh one with probability `renewal` (5 % is customary), so that
  /// the chains keep finding modes they have left. Throws Error where the capacity is not positive
  /// or renewal is not within [0, 1].
  ReplayBuffer(int64_t capacity, double renewal, Fresh fresh, Rng rng);

  /// `count` points from as many places. Throws Error where count is not positive or above the
  /// capacity.
  Tensor<T> draw(int64_t count);
  /// Puts points where the last draw took them from. Throws Error where there are not as many.
  void put_back(const Tensor<T>& points);

  int64_t capacity() const { return points_.shape()[0]; }
  const Tensor<T>& points() const { return points_; }

 private:
  Fresh fresh_;
  double renewal_;
  Rng rng_;
  Tensor<T> points_;
  std::vector<int64_t> order_;  // a permutation; the first `drawn_` places are out
  int64_t drawn_ = 0;
};

struct ChainOptions {
  double beta = 1;
  double step = 0.01;
  int64_t steps = 10;  ///< k
  uint64_t seed = 1;
};

/// CD-k: `steps` of Langevin's from the data themselves. Each call draws other numbers.
template <class T> Negatives<T> contrastive_divergence(const ChainOptions& options);

/// Persistent CD: chains from the buffer, walked on and put back. The energy may have moved in the
/// meantime, as training makes it do: slowly enough, the chains stay near its distribution. The
/// buffer's points have the shape of y's. Throws Error where there is an x: points do not remember
/// theirs. Source: Tieleman 2008; Du and Mordatch 2019.
template <class T>
Negatives<T> persistent_divergence(std::shared_ptr<ReplayBuffer<T>> buffer,
                                   const ChainOptions& options);

extern template class ReplayBuffer<float>;
extern template class ReplayBuffer<double>;

}  // namespace talweg::ebm

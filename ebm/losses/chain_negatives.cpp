#include "ebm/losses/chain_negatives.h"

#include <algorithm>
#include <numeric>

namespace talweg::ebm {

template <class T>
ReplayBuffer<T>::ReplayBuffer(int64_t capacity, double renewal, Fresh fresh, Rng rng)
    : fresh_(std::move(fresh)), renewal_(renewal), rng_(rng) {
  expect(capacity > 0, "[replay_buffer] has room for ", capacity,
         " points; an empty buffer has no chains to go on with");
  expect(renewal >= 0 && renewal <= 1, "[replay_buffer] renews a share of ", renewal,
         "; it must lie in [0, 1]");
  points_ = fresh_(capacity, rng_);
  expect(points_.shape().rank() >= 1 && points_.shape()[0] == capacity,
         "[replay_buffer] asked for ", capacity, " fresh points and got ", points_.shape());
  order_.resize(std::size_t(capacity));
  std::iota(order_.begin(), order_.end(), 0);
}

template <class T> Tensor<T> ReplayBuffer<T>::draw(int64_t count) {
  expect(count > 0 && count <= capacity(), "[replay_buffer] can't draw ", count, " of ", capacity(),
         " points; draw at least one and at most all");
  Shape shape = points_.shape();
  shape[0] = count;
  Tensor<T> out(shape);
  const int64_t row = out.size() / count;
  for (int64_t i = 0; i < count; ++i) {
    // Fisher and Yates: a random one of those not drawn yet comes next.
    const auto j = std::size_t(i + int64_t(rng_.below(uint64_t(capacity() - i))));
    std::swap(order_[std::size_t(i)], order_[j]);
    if (rng_.uniform() < renewal_) {
      const Tensor<T> fresh = fresh_(1, rng_);
      std::copy_n(fresh.data(), row, out.data() + i * row);
    } else {
      std::copy_n(points_.data() + order_[std::size_t(i)] * row, row, out.data() + i * row);
    }
  }
  drawn_ = count;
  return out;
}

template <class T> void ReplayBuffer<T>::put_back(const Tensor<T>& points) {
  const int64_t row = points_.size() / capacity();
  expect(points.size() == drawn_ * row, "[replay_buffer] gets back ", points.shape(), " but ",
         drawn_, " points are out; put back what draw gave");
  for (int64_t i = 0; i < drawn_; ++i) {
    std::copy_n(points.data() + i * row, row, points_.data() + order_[std::size_t(i)] * row);
  }
  drawn_ = 0;
}

namespace {

/// The points after some steps of Langevin's, in their own shape.
template <class T>
Tensor<T> walk(const Energy<T>& energy, const Tensor<T>& start, const Tensor<T>& x,
               const ChainOptions& options, uint64_t call) {
  expect(start.shape().rank() >= 2 && start.shape()[0] > 0, "[chain negatives] begin at ",
         start.shape(), "; they must begin at [N, ...] with at least one point");
  const int64_t n = start.shape()[0];
  Shape point;
  for (int axis = 1; axis < start.shape().rank(); ++axis) point.push_back(start.shape()[axis]);
  const auto force = x.size() > 0 ? energy_force(energy, point, x) : energy_force(energy, point);
  Langevin<T> sampler(
      force, Tensor<T>({n, point.size()}, start.values()),
      {.beta = options.beta, .step = options.step, .seed = seed_of_part(options.seed, call)});
  sampler.advance(options.steps);
  return Tensor<T>(start.shape(), sampler.points().values());
}

}  // namespace

template <class T> Negatives<T> contrastive_divergence(const ChainOptions& options) {
  const auto calls = std::make_shared<uint64_t>(0);
  return [=](const Energy<T>& energy, const Tensor<T>& y, const Tensor<T>& x) {
    return walk(energy, y, x, options, (*calls)++);
  };
}

template <class T>
Negatives<T> persistent_divergence(std::shared_ptr<ReplayBuffer<T>> buffer,
                                   const ChainOptions& options) {
  const auto calls = std::make_shared<uint64_t>(0);
  return [=](const Energy<T>& energy, const Tensor<T>& y, const Tensor<T>& x) {
    expect(x.size() == 0, "[persistent_divergence] x has shape ", x.shape(),
           "; a buffer's points do not remember their x, so use contrastive_divergence");
    Tensor<T> end = walk(energy, buffer->draw(y.shape()[0]), x, options, (*calls)++);
    buffer->put_back(end);
    return end;
  };
}

template class ReplayBuffer<float>;
template class ReplayBuffer<double>;
template Negatives<float> contrastive_divergence(const ChainOptions&);
template Negatives<double> contrastive_divergence(const ChainOptions&);
template Negatives<float> persistent_divergence(std::shared_ptr<ReplayBuffer<float>>,
                                                const ChainOptions&);
template Negatives<double> persistent_divergence(std::shared_ptr<ReplayBuffer<double>>,
                                                 const ChainOptions&);

}  // namespace talweg::ebm

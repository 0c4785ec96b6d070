#include "ebm/sampling/force.h"

#include <algorithm>
#include <numeric>

#include "core/ops/reduce.h"
#include "core/parallel.h"
#include "ebm/sampling/noise.h"

namespace talweg::ebm {
namespace {

template <class T> class EnergyForce final : public Force<T> {
 public:
  EnergyForce(Energy<T> energy, const Shape& point, Tensor<T> x, bool with_x)
      : energy_(std::move(energy)), point_(point), x_(std::move(x)), with_x_(with_x) {
    expect(bool(energy_), "[energy_force] holds no energy; give it a callable of Arguments");
    expect(point.size() > 0, "[energy_force] a point has shape ", point, "; it needs coordinates");
  }

  int64_t dimensions() const override { return point_.size(); }

  void evaluate(std::span<const T> y, std::span<T> energy, std::span<T> gradient) override {
    const int64_t rows = std::ssize(y) / dimensions();
    Shape shape{rows};
    for (int axis = 0; axis < point_.rank(); ++axis) shape.push_back(point_[axis]);
    if (points_.shape() != shape) points_ = Tensor<T>(shape);
    std::copy(y.begin(), y.end(), points_.data());
    const TapeScope<T> scope(tape_);
    Arguments<T> at{tape_.borrow(points_, !gradient.empty())};
    if (with_x_) at.x = tape_.borrow(x_, false);
    const Var<T> e = energy_(at);
    std::copy_n(e.data(), energy.size(), energy.data());
    if (gradient.empty()) return;
    tape_.backward(sum(e));
    const std::span<const T> slope = at.y.grad_view();
    if (slope.empty()) std::fill(gradient.begin(), gradient.end(), T(0));
    std::copy(slope.begin(), slope.end(), gradient.begin());
  }

 private:
  Energy<T> energy_;
  Shape point_;
  Tensor<T> x_;
  bool with_x_;
  Tape<T> tape_;
  Tensor<T> points_;
};

template <class T> class QuarticForce final : public Force<T> {
 public:
  explicit QuarticForce(const Quartic& q) : dimensions_(std::ssize(q.k)), c_(T(q.c)) {
    expect(dimensions_ > 0 && q.a.size() == q.k.size() && q.b.size() == q.k.size(),
           "[quartic_force] has ", q.a.size(), " a, ", q.k.size(), " k and ", q.b.size(),
           " b; each coordinate needs one of each");
    const int64_t period = std::lcm(dimensions_, kQuarticLanes);
    for (int64_t i = 0; i < period; ++i) {
      const auto j = std::size_t(i % dimensions_);
      a_.push_back(T(q.a[j]));
      k_.push_back(T(q.k[j]));
      b_.push_back(T(q.b[j]));
    }
  }

  int64_t dimensions() const override { return dimensions_; }

  void evaluate(std::span<const T> y, std::span<T> energy, std::span<T> gradient) override {
    const int64_t period = std::ssize(a_), n = std::ssize(y);
    const QuarticCoefficients<T> coefficients{period, a_.data(), k_.data(), b_.data()};
    const int64_t piece = period * std::max<int64_t>(1, 4096 / period);
    if (!gradient.empty()) {
      parallel_for((n + piece - 1) / piece, n >= (1 << 15), [&](int64_t i) {
        const int64_t first = i * piece;
        noise_table<T>().quartic_gradient(std::min(piece, n - first), coefficients,
                                          y.data() + first, gradient.data() + first);
      });
    }
    parallel_for(std::ssize(energy), n >= (1 << 15), [&](int64_t i) {
      T total = c_;
      for (int64_t j = 0; j < dimensions_; ++j) {
        const auto at = std::size_t(j);
        const T x = y[std::size_t(i * dimensions_ + j)], square = x * x;
        total += (a_[at] * square / 4 + k_[at] / 2) * square + b_[at] * x;
      }
      energy[std::size_t(i)] = total;
    });
  }

 private:
  int64_t dimensions_;
  T c_;
  std::vector<T> a_, k_, b_;
};

}  // namespace

template <class T> ForcePtr<T> energy_force(Energy<T> energy, const Shape& point) {
  return std::make_shared<EnergyForce<T>>(std::move(energy), point, Tensor<T>(), false);
}
template <class T> ForcePtr<T> energy_force(Energy<T> energy, const Shape& point, Tensor<T> x) {
  return std::make_shared<EnergyForce<T>>(std::move(energy), point, std::move(x), true);
}
template <class T> ForcePtr<T> quartic_force(const Quartic& quartic) {
  return std::make_shared<QuarticForce<T>>(quartic);
}

Quartic quartic_of(const DoubleWell::Form& f, int64_t dimensions) {
  expect(dimensions >= 1, "[quartic_of] dimensions must be at least 1, found ", dimensions);
  Quartic q = quartic_of_gaussian(f.stiffness, dimensions);
  const double s2 = f.distance * f.distance;
  q.a[0] = 4 * f.barrier / (s2 * s2);
  q.k[0] = -4 * f.barrier / s2;
  q.b[0] = f.tilt;
  q.c = f.barrier;
  return q;
}

Quartic quartic_of_gaussian(double k, int64_t dimensions) {
  expect(dimensions >= 1, "[quartic_of_gaussian] dimensions must be at least 1, found ",
         dimensions);
  const auto d = std::size_t(dimensions);
  return {std::vector<double>(d, 0.0), std::vector<double>(d, k), std::vector<double>(d, 0.0)};
}

template <class T>
InterpolatedForce<T>::InterpolatedForce(ForcePtr<T> from, ForcePtr<T> to)
    : from_(std::move(from)), to_(std::move(to)) {
  expect(from_->dimensions() == to_->dimensions(), "[interpolated_force] goes from ",
         from_->dimensions(), " dimensions to ", to_->dimensions(), "; both must have as many");
}

template <class T>
void InterpolatedForce<T>::evaluate(std::span<const T> y, std::span<T> energy,
                                    std::span<T> gradient) {
  energy_.resize(energy.size());
  gradient_.resize(gradient.size());
  from_->evaluate(y, energy, gradient);
  to_->evaluate(y, energy_, gradient_);
  const T t = T(t_);
  for (std::size_t i = 0; i < energy.size(); ++i) {
    energy[i] = (1 - t) * energy[i] + t * energy_[i];
  }
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    gradient[i] = (1 - t) * gradient[i] + t * gradient_[i];
  }
}

template <class T>
Tensor<T> normal_start(int64_t chains, int64_t dimensions, double deviation, uint64_t seed) {
  expect(chains > 0 && dimensions > 0, "[normal_start] ", chains, " chains of ", dimensions,
         " dimensions; there must be at least one of each");
  Tensor<T> y({chains, dimensions});
  fill_normal(noise_of(seed, Purpose::start, 0), y.values());
  for (T& v : y.values()) v *= T(deviation);
  return y;
}

template class InterpolatedForce<float>;
template class InterpolatedForce<double>;

#define TALWEG_INSTANTIATE(T)                                            \
  template ForcePtr<T> energy_force(Energy<T>, const Shape&);            \
  template ForcePtr<T> energy_force(Energy<T>, const Shape&, Tensor<T>); \
  template ForcePtr<T> quartic_force(const Quartic&);                    \
  template Tensor<T> normal_start(int64_t, int64_t, double, uint64_t);
TALWEG_INSTANTIATE(float)
TALWEG_INSTANTIATE(double)
#undef TALWEG_INSTANTIATE

}  // namespace talweg::ebm

// What a sampler sees of an energy: many points in, their energies and slopes out.
//
//   auto force = energy_force<float>(Ring{2}, 2);             // any Energy, through the tape
//   auto well = quartic_force<float>(quartic_of({.barrier = 2}, 2));  // by hand, much faster
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "ebm/energies/double_well.h"
#include "ebm/energy.h"

namespace talweg::ebm {

/// E and dE/dy at a batch of points. One sampler uses a force at a time.
template <class T> class Force {
 public:
  virtual ~Force() = default;
  /// D, the numbers of a point.
  virtual int64_t dimensions() const = 0;
  /// Of y[N,D]: energy[N] and gradient[N,D] = dE/dy; either may be empty, which asks for the other
  /// alone. Point i's results depend on point i alone.
  virtual void evaluate(std::span<const T> y, std::span<T> energy, std::span<T> gradient) = 0;
};

template <class T> using ForcePtr = std::shared_ptr<Force<T>>;

/// Any Energy, differentiated on a tape of its own whose memory later calls reuse. With `x` ([N,
/// ...], one row a chain) it is E(y, x); without, E(y). Points have `point` as their shape: {D} for
/// vectors, {H, W, C} for images. What the energy holds must outlive the force.
template <class T> ForcePtr<T> energy_force(Energy<T> energy, const Shape& point);
template <class T> ForcePtr<T> energy_force(Energy<T> energy, const Shape& point, Tensor<T> x);
template <class T> ForcePtr<T> energy_force(Energy<T> energy, int64_t dimensions) {
  return energy_force(std::move(energy), Shape{dimensions});
}

/// E(y) = sum_j (a_j y_j^4 / 4 + k_j y_j^2 / 2 + b_j y_j) + c, coordinate by coordinate:
/// dE/dy_j = a_j y_j^3 + k_j y_j + b_j. Gaussians (a = 0), double wells (a > 0 > k), tilted ones.
struct Quartic {
  std::vector<double> a, k, b;  ///< [D] each
  double c = 0;
};
/// DoubleWell's h ((y_1/s)^2 - 1)^2 + t y_1 + (k/2) sum_{d>1} y_d^2 (ebm/energies/double_well.h):
/// a_1 = 4h/s^4, k_1 = -4h/s^2, b_1 = t, c = h.
Quartic quartic_of(const DoubleWell::Form& form, int64_t dimensions);
/// (k/2) |y|^2, whose Gaussian has the variance 1 / (beta k).
Quartic quartic_of_gaussian(double k, int64_t dimensions);

/// A quartic by the vector kernels. Throws Error where the coefficients' counts differ or are 0.
template <class T> ForcePtr<T> quartic_force(const Quartic& quartic);

/// (1 - t) A + t B, at t = 0 until it is set: what annealed importance sampling walks along. Throws
/// Error where the two differ in dimensions.
template <class T> class InterpolatedForce : public Force<T> {
 public:
  InterpolatedForce(ForcePtr<T> from, ForcePtr<T> to);
  int64_t dimensions() const override { return from_->dimensions(); }
  void evaluate(std::span<const T> y, std::span<T> energy, std::span<T> gradient) override;

  void set(double t) { t_ = t; }
  Force<T>& from() { return *from_; }
  Force<T>& to() { return *to_; }

 private:
  ForcePtr<T> from_, to_;
  double t_ = 0;
  std::vector<T> energy_, gradient_;
};

/// Chains to begin with: [chains, dimensions], independent normals of the given deviation around 0.
/// Throws Error where a count is not positive.
template <class T>
Tensor<T> normal_start(int64_t chains, int64_t dimensions, double deviation, uint64_t seed);

extern template class InterpolatedForce<float>;
extern template class InterpolatedForce<double>;

}  // namespace talweg::ebm

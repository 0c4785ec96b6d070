#include "ebm/energies/linear.h"

#include <cmath>

#include "core/ops/reduce.h"
#include "ebm/beta.h"
#include "ebm/energies/constants.h"

namespace talweg::ebm {

Linear::Linear(std::vector<double> slope, double offset)
    : slope_(std::move(slope)), offset_(offset) {
  expect(!slope_.empty(), "[linear energy] needs a slope for each dimension, found none");
}

template <class T> Var<T> Linear::operator()(const Arguments<T>& at) const {
  const int64_t d = std::ssize(slope_);
  check_width("linear energy", at.y, d);
  return sum(at.y * constant_of(at.tape(), {d}, slope_), -1) + static_cast<T>(offset_);
}

double Linear::log_partition(double beta, double low, double high) const {
  check_beta("linear energy", beta);
  expect(low < high && std::isfinite(low) && std::isfinite(high),
         "[linear energy] has no finite Z ", "on the interval from ", low, " to ", high,
         "; it is normalisable on a bounded box alone");
  double total = -beta * offset_;
  for (double b : slope_) {
    const double rate = beta * b, width = high - low;
    // e^{-rate low} (1 - e^{-rate width}) / rate, from the end where the mass is.
    total += rate == 0 ? std::log(width)
                       : -rate * (rate > 0 ? low : high) +
                             std::log(-std::expm1(-std::abs(rate) * width) / std::abs(rate));
  }
  return total;
}

template Var<float> Linear::operator()(const Arguments<float>&) const;
template Var<double> Linear::operator()(const Arguments<double>&) const;

}  // namespace talweg::ebm

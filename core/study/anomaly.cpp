#include "core/study/anomaly.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>

#include "core/study/non_finite.h"

namespace talweg {
namespace {

template <class T> int64_t fault(Var<T> v) {
  return v.readable() ? first_non_finite(std::span<const T>(v.values())) : -1;
}

/// A number; the sign of a NaN means nothing.
template <class T> std::string show(T x) { return std::isnan(x) ? "nan" : message(x); }

/// The element of `x` that element `i` of a tensor of shape `y` was computed from if shapes
/// broadcast; -1 if they do not.
int64_t matching_element(const Shape& x, const Shape& y, int64_t i) {
  if (x.rank() > y.rank()) return -1;
  int64_t at = 0, stride = 1;
  for (int axis = 1; axis <= y.rank(); ++axis) {
    const int64_t extent = y[y.rank() - axis], place = i % extent;
    i /= extent;
    if (axis > x.rank()) continue;
    const int64_t own = x[x.rank() - axis];
    if (own != extent && own != 1) return -1;
    at += own == 1 ? 0 : place * stride;
    stride *= own;
  }
  return at;
}

/// "at element 5 of [2,3]" is not said of a scalar.
std::string element(const Shape& shape, int64_t i) {
  return shape.rank() == 0 ? "" : message(" at element ", i, " of ", shape);
}

/// The smallest and the largest number of it, and how many are not finite.
template <class T> std::string range(Var<T> x) {
  T low = std::numeric_limits<T>::infinity(), high = -low;
  int64_t not_finite = 0;
  for (T v : x.values()) {
    if (std::isfinite(v)) {
      low = std::min(low, v), high = std::max(high, v);
    } else {
      ++not_finite;
    }
  }
  if (not_finite == x.size()) return message("nothing finite in ", x.shape());
  const std::string also = not_finite ? message(", ", not_finite, " not finite") : "";
  return message("from ", low, " to ", high, also, " in ", x.shape());
}

bool is_leaf(std::string_view op) { return op == "borrow" || op == "constant" || op == "variable"; }

}  // namespace

template <class T> std::string Anomaly<T>::inputs_at(Var<T> y, int64_t i) const {
  const auto* entry = this->find(y.index());
  std::string text;
  for (const auto& input : entry ? entry->inputs : std::vector<typename TapeLog<T>::Input>()) {
    const Var<T> x = this->tape().at(std::size_t(input.node));
    if (!x.readable()) continue;
    text += text.empty() ? "; computed from " : ", ";
    const int64_t at = matching_element(x.shape(), y.shape(), i);
    text += message(this->name(x), ": ");
    text += at >= 0 && x.size() > 0 ? show(x.data()[at]) : range(x);
  }
  return text;
}

template <class T> std::string Anomaly<T>::describe(Var<T> v) const {
  const int64_t i = fault(v);
  return message(this->name(v), is_leaf(v.op()) ? " holds " : " made ", show(v.data()[i]),
                 element(v.shape(), i), inputs_at(v, i));
}

/// Has no scope given it back since?
template <class T> bool Anomaly<T>::alive(Var<T> v) const {
  try {
    return v.op() != nullptr;
  } catch (const Error&) {
    return false;
  }
}

template <class T> void Anomaly<T>::fail(const std::string& what) {
  passes_.clear();  // what is thrown ends them
  last_ = {};
  throw Error("[anomaly] " + what);
}

template <class T> void Anomaly<T>::check() {
  const Var<T> v = std::exchange(last_, Var<T>());
  if (!v || !alive(v) || fault(v) < 0) return;
  if (passes_.empty()) fail(describe(v));
  if (passes_.back().in_rule.empty()) passes_.back().in_rule = describe(v);
}

template <class T> void Anomaly<T>::made(Var<T> y) {
  check();
  TapeLog<T>::made(y);
  last_ = y;
}

template <class T> void Anomaly<T>::began(Var<T>) {
  check();
  passes_.emplace_back();
}

template <class T> void Anomaly<T>::passing(Var<T> y, Var<T> dy) {
  last_ = {};  // the sum of gradients, or a view of it: looked at here
  passes_.back() = {dy, ""};
  const int64_t i = fault(dy);
  if (i < 0) return;
  fail(message("the gradient of ", this->name(y), " is ", show(dy.data()[i]), element(y.shape(), i),
               ", though all that was added up was finite: the sum overflowed"));
}

template <class T> void Anomaly<T>::ran(Var<T> y, Var<T> x, Var<T> dx) {
  check();
  const std::string inside = std::exchange(passes_.back().in_rule, "");
  const int64_t i = fault(dx);
  if (i < 0) return;
  const auto there = [&](Var<T> v) -> std::string {
    if (!v.readable()) return "not kept";
    const int64_t at = matching_element(v.shape(), x.shape(), i);
    return at >= 0 && v.size() > 0 ? show(v.data()[at]) : range(v);
  };
  fail(message("the rule of ", this->name(y), " for its input ", this->name(x), " made ",
               show(dx.data()[i]), element(x.shape(), i), "; there the input is ", there(x),
               ", the output ", there(y), ", the output's gradient ", there(passes_.back().dy),
               inside.empty() ? "" : "; inside the rule, " + inside));
}

template <class T> void Anomaly<T>::passed(Var<T>) { last_ = {}; }

template <class T> void Anomaly<T>::ended() {
  last_ = {};
  passes_.pop_back();
}

template class Anomaly<float>;
template class Anomaly<double>;

}  // namespace talweg

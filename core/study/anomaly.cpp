#include "core/study/anomaly.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>

#include "core/ops/broadcast.h"
#include "core/study/non_finite.h"

namespace talweg {
namespace {

template <class T> int64_t fault(Var<T> v) {
  return v.readable() ? first_non_finite(std::span<const T>(v.values())) : -1;
}

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

bool is_leaf(std::string_view op) {
  return op == "borrow" || op == "constant" || op == "variable";
}

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
    text += at >= 0 && x.size() > 0 ? message(x.data()[at]) : range(x);
  }
  return text;
}

template <class T> std::string Anomaly<T>::describe(Var<T> v) const {
  const int64_t i = fault(v);
  return message(this->name(v), is_leaf(v.op()) ? " holds " : " made ", v.data()[i],
                 element(v.shape(), i), inputs_at(v, i));
}

template <class T> void Anomaly<T>::check() {
  const Var<T> v = std::exchange(last_, Var<T>());
  // What a scope has given back since was not looked at in time, and cannot be any more.
  if (!v || v.index() >= this->tape().node_count() || this->find(v.index()) == nullptr) return;
  if (fault(v) < 0) return;
  if (passes_ == 0) throw Error(message("[anomaly] ", describe(v)));
  if (in_rule_.empty()) in_rule_ = describe(v);
}

template <class T> void Anomaly<T>::made(Var<T> y) {
  check();
  TapeLog<T>::made(y);
  last_ = y;
}

template <class T> void Anomaly<T>::began(Var<T>) {
  check();
  ++passes_;
}

template <class T> void Anomaly<T>::passing(Var<T> y, Var<T> dy) {
  last_ = {};  // the sum of gradients, or a view of it
  in_rule_.clear();
  dy_ = dy;
  const int64_t i = fault(dy);
  if (i < 0) return;
  throw Error(message("[anomaly] the gradient of ", this->name(y), " is ", dy.data()[i],
                      element(y.shape(), i),
                      ", though all that arrived was finite: the sum overflowed"));
}

template <class T> void Anomaly<T>::ran(Var<T> y, Var<T> x, Var<T> dx) {
  check();
  const int64_t i = fault(dx);
  const std::string inside = std::exchange(in_rule_, "");
  if (i < 0) return;
  const int64_t there = matching_element(y.shape(), x.shape(), i);
  const auto in_forward = [&](Var<T> v) {
    const int64_t at = matching_element(v.shape(), x.shape(), i);
    return message(v.readable() ? (at >= 0 ? message(v.data()[at]) : range(v)) : "not kept");
  };
  throw Error(message(
      "[anomaly] the rule of ", this->name(y), " for its input ", this->name(x), " made ",
      dx.data()[i], element(x.shape(), i), ", where the input is ", in_forward(x),
      ", the output ", in_forward(y), " and its gradient ",
      there >= 0 && dy_.readable() ? message(dy_.data()[there]) : "finite",
      inside.empty() ? "" : "; in the rule, " + inside));
}

template <class T> void Anomaly<T>::passed(Var<T>) { last_ = {}; }

template <class T> void Anomaly<T>::ended() {
  last_ = {};
  --passes_;
}

template class Anomaly<float>;
template class Anomaly<double>;

}  // namespace talweg

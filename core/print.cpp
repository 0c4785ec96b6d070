#include "core/print.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <type_traits>
#include <vector>

namespace talweg {

namespace {

template <class T> const char* type_name() {
  if (std::is_same_v<T, float>) return "float";
  if (std::is_same_v<T, double>) return "double";
  if (std::is_same_v<T, int32_t>) return "int32";
  return "uint8";
}

/// Numbers of one tensor, printed alike.
class Format {
 public:
  Format(const std::vector<double>& shown, int decimals) {
    double largest = 0, smallest = INFINITY;
    for (const double v : shown) {
      if (!std::isfinite(v) || v == 0) continue;
      largest = std::max(largest, std::abs(v));
      smallest = std::min(smallest, std::abs(v));
    }
    // As NumPy decides it.
    scientific_ = largest > 0 && (largest >= 1e8 || smallest < 1e-4 || largest / smallest > 1e6);
    while (decimals_ < decimals && !enough(shown, decimals)) ++decimals_;
    for (const double v : shown) width_ = std::max(width_, text(v).size());
  }

  std::string padded(double v) const {
    const std::string s = text(v);
    return std::string(width_ - s.size(), ' ') + s;
  }

 private:
  /// Do decimals_ say of every number what `most` decimals would?
  bool enough(const std::vector<double>& shown, int most) const {
    return std::ranges::all_of(shown, [&](double v) {
      return !std::isfinite(v) || std::stod(digits(v, decimals_)) == std::stod(digits(v, most));
    });
  }
  std::string digits(double v, int decimals) const {
    char buffer[400];
    std::snprintf(buffer, sizeof buffer, scientific_ ? "%.*e" : "%.*f", decimals, v);
    return buffer;
  }
  std::string text(double v) const {
    if (std::isnan(v)) return "nan";
    if (std::isinf(v)) return v > 0 ? "inf" : "-inf";
    const std::string s = digits(v, decimals_);
    return s.find_first_not_of("-0.") == s.npos && s[0] == '-' && v == 0 ? s.substr(1) : s;
  }

  bool scientific_ = false;
  int decimals_ = 0;
  std::size_t width_ = 0;
};

/// One tensor on its way to text.
class Printer {
 public:
  Printer(const Shape& shape, std::vector<double> values, const PrintOptions& options)
      : shape_(shape),
        values_(std::move(values)),
        options_(options),
        cut_(shape.size() > options.threshold),
        format_(shown_values(), options.decimals) {}

  std::string text() {
    if (shape_.rank() == 0) return format_.padded(values_[0]);
    print_axis(0, 0);
    return out_;
  }

 private:
  /// The places along an axis that are shown; -1 stands for those left out.
  std::vector<int64_t> places(int axis) const {
    const int64_t n = shape_[axis], edge = options_.edge;
    std::vector<int64_t> at;
    for (int64_t i = 0; i < n; ++i) {
      if (!cut_ || n <= 2 * edge + 1 || i < edge || i >= n - edge) {
        at.push_back(i);
      } else {
        at.push_back(-1);
        i = n - edge - 1;
      }
    }
    return at;
  }

  std::vector<double> shown_values() const {
    std::vector<double> shown;
    collect(0, 0, shown);
    return shown;
  }
  void collect(int axis, int64_t offset, std::vector<double>& shown) const {
    if (axis == shape_.rank()) return shown.push_back(values_[std::size_t(offset)]);
    for (const int64_t i : places(axis)) {
      if (i >= 0) collect(axis + 1, offset * shape_[axis] + i, shown);
    }
  }

  void print_axis(int axis, int64_t offset) {
    out_ += '[';
    if (axis + 1 == shape_.rank()) {
      print_row(axis, offset);
    } else {
      bool first = true;
      for (const int64_t i : places(axis)) {
        if (!first) out_ += std::string(std::size_t(shape_.rank() - 1 - axis), '\n') + indent(axis);
        first = false;
        if (i < 0) {
          out_ += "...";
        } else {
          print_axis(axis + 1, offset * shape_[axis] + i);
        }
      }
    }
    out_ += ']';
  }

  void print_row(int axis, int64_t offset) {
    std::size_t column = std::size_t(axis) + 1;
    bool first = true;
    for (const int64_t i : places(axis)) {
      const std::string s =
          i < 0 ? "..." : format_.padded(values_[std::size_t(offset * shape_[axis] + i)]);
      if (!first && column + 1 + s.size() > std::size_t(options_.width)) {
        out_ += '\n' + indent(axis);
        column = std::size_t(axis) + 1;
      } else if (!first) {
        out_ += ' ';
        ++column;
      }
      first = false;
      out_ += s;
      column += s.size();
    }
  }

  static std::string indent(int axis) { return std::string(std::size_t(axis) + 1, ' '); }

  Shape shape_;
  std::vector<double> values_;
  PrintOptions options_;
  bool cut_;
  Format format_;
  std::string out_;
};

template <class T>
std::string numbers(const Shape& shape, std::span<const T> values, const PrintOptions& options) {
  return Printer(shape, std::vector<double>(values.begin(), values.end()), options).text();
}

}  // namespace

template <class T> std::string to_text(const Tensor<T>& x, const PrintOptions& options) {
  return message(numbers(x.shape(), x.values(), options), "  ", type_name<T>(), ' ', x.shape());
}

template <class T> std::string to_text(Var<T> x, const PrintOptions& options) {
  if (!x) return "Var without a value";
  const std::string who = message(type_name<T>(), ' ', x.shape(), ", node ", x.index(), ", ",
                                  x.op(), x.needs_grad() ? "" : ", needs no gradient");
  if (!x.readable()) return message("(a value that can't be read any more)  ", who);
  return message(numbers(x.shape(), std::span<const T>(x.values()), options), "  ", who);
}

template std::string to_text(const Tensor<float>&, const PrintOptions&);
template std::string to_text(const Tensor<double>&, const PrintOptions&);
template std::string to_text(const Tensor<int32_t>&, const PrintOptions&);
template std::string to_text(const Tensor<uint8_t>&, const PrintOptions&);
template std::string to_text(Var<float>, const PrintOptions&);
template std::string to_text(Var<double>, const PrintOptions&);

}  // namespace talweg

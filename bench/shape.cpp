#include "bench/shape.h"

#include <algorithm>
#include <charconv>

#include "core/error.h"

namespace talweg::bench {
namespace {

constexpr int64_t kLargestSize = int64_t(1) << 30;  // so that no sum or product of two overflows

/// Reads numbers and marks off the front of a text.
class Reader {
 public:
  explicit Reader(std::string_view text) : whole_(text), rest_(text) {}

  bool done() const { return rest_.empty(); }
  bool take(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void need(char c, const char* what) {
    if (!take(c)) fail(message("'", c, "' before ", what));
  }
  int64_t number(const char* what) {
    int64_t value = 0;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    if (error != std::errc() || value < 0) fail(message("a number for ", what));
    if (value >= kLargestSize) fail(message("a number below 2^30 for ", what));
    rest_.remove_prefix(static_cast<size_t>(end - rest_.data()));
    return value;
  }
  [[noreturn]] void fail(const std::string& expected) const {
    throw Error(message("[shape] in '", whole_, "' expected ", expected, ", found ",
                        rest_.empty() ? "the end" : message("'", rest_, "'"),
                        "; write NxCxHxW-KxKHxKW with s, p, d, g behind, as in "
                        "32x64x8x32-128x3x3s1p1"));
  }

 private:
  std::string_view whole_, rest_;
};

/// "2" is 2 on both axes, "2x1" 2 along the height and 1 along the width.
void read_pair(Reader& in, const char* what, int64_t& height, int64_t& width) {
  height = width = in.number(what);
  if (in.take('x')) width = in.number(what);
}

void check_axis(std::string_view text, const char* axis, int64_t input, int64_t kernel,
                int64_t stride, int64_t pad, int64_t dilation) {
  expect(stride >= 1 && dilation >= 1, "[shape] in '", text, "' stride ", stride, " and dilation ",
         dilation, " along the ", axis, " must be at least 1");
  const int64_t span = dilation * (kernel - 1) + 1;
  expect(span <= input + 2 * pad, "[shape] in '", text, "' a kernel of ", kernel, " with dilation ",
         dilation, " spans ", span, " pixels along the ", axis, ", more than the padded input's ",
         input + 2 * pad, "; pad more or use a smaller kernel");
}

void check(std::string_view text, const ConvShape& shape, int64_t groups) {
  const Conv2dShape& s = shape.s;
  expect(std::min({s.n, s.c, s.h, s.w, s.k, s.kh, s.kw}) >= 1, "[shape] in '", text,
         "' every size must be at least 1");
  check_axis(text, "height", s.h, s.kh, s.stride_h, s.pad_h, s.dilation_h);
  check_axis(text, "width", s.w, s.kw, s.stride_w, s.pad_w, s.dilation_w);
  expect(
      groups == 1 || shape.depthwise, "[shape] in '", text, "' there are ", groups,
      " groups, but talweg has no grouped convolution other than the depthwise one, which has as "
      "many groups as channels in and out (C = K); leave out g or write g",
      shape.s.c);
  constexpr double limit = 1e10;  // floats: 40 GB
  const double largest = std::max({double(s.n) * double(s.h) * double(s.w) * double(s.c),
                                   double(s.k) * double(s.kh) * double(s.kw) * double(s.c),
                                   double(s.n) * double(s.oh()) * double(s.ow()) * double(s.k)});
  expect(largest < limit, "[shape] '", text, "' has a tensor of ", largest,
         " numbers, more than memory holds; use smaller sizes");
}

}  // namespace

ConvShape parse_shape(std::string_view text) {
  ConvShape shape;
  shape.text = text;
  Conv2dShape& s = shape.s;
  Reader in(text);
  s.n = in.number("N"), in.need('x', "C");
  s.c = in.number("C"), in.need('x', "H");
  s.h = in.number("H"), in.need('x', "W");
  s.w = in.number("W"), in.need('-', "K");
  s.k = in.number("K"), in.need('x', "KH");
  s.kh = in.number("KH"), in.need('x', "KW");
  s.kw = in.number("KW");
  int64_t groups = 1;
  while (!in.done()) {
    if (in.take('s')) {
      read_pair(in, "the stride", s.stride_h, s.stride_w);
    } else if (in.take('p')) {
      read_pair(in, "the padding", s.pad_h, s.pad_w);
    } else if (in.take('d')) {
      read_pair(in, "the dilation", s.dilation_h, s.dilation_w);
    } else if (in.take('g')) {
      groups = in.number("the groups");
    } else {
      in.fail("one of s, p, d, g or the end");
    }
  }
  shape.depthwise = groups > 1 && groups == s.c && groups == s.k;
  check(text, shape, groups);
  return shape;
}

std::vector<ConvShape> parse_shapes(std::string_view file, std::string_view text) {
  std::vector<ConvShape> shapes;
  for (int line = 1; !text.empty(); ++line) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view entry = text.substr(0, std::min(text.substr(0, end).find('#'), end));
    text.remove_prefix(std::min(end + 1, text.size()));
    const size_t first = entry.find_first_not_of(" \t\r");
    if (first == std::string_view::npos) continue;
    entry = entry.substr(first, entry.find_last_not_of(" \t\r") - first + 1);
    try {
      shapes.push_back(parse_shape(entry));
    } catch (const Error& e) {
      throw Error(message(file, ":", line, ": ", e.what()));
    }
  }
  expect(!shapes.empty(), "[shape] ", file, " holds no shape; write one a line");
  return shapes;
}

std::string face_name(Conv2dFace face) {
  if (face == Conv2dFace::forward) return "forward";
  return face == Conv2dFace::backward_data ? "backward_data" : "backward_weights";
}

Conv2dFace parse_face(std::string_view name) {
  if (name == "forward" || name == "fwd") return Conv2dFace::forward;
  if (name == "backward_data" || name == "bwd_d") return Conv2dFace::backward_data;
  if (name == "backward_weights" || name == "bwd_w") return Conv2dFace::backward_weights;
  throw Error(message("[bench] unknown face '", name,
                      "'; choose forward, backward_data or backward_weights"));
}

}  // namespace talweg::bench

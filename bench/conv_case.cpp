#include "bench/conv_case.h"

#include <algorithm>
#include <set>

#include "core/error.h"

namespace talweg::bench {
namespace {

struct Entry {
  const char* group;
  const char* shape;
  bool first_layer = false, by_default = false, in_smoke = false;
};

// ocr: the trunk of a recognizer of lines, 32 words of 32 x 128 pixels. word: the demonstration's
// model. latency: the trunk with one word. deepbench, speech: of Baidu's DeepBench. resnet: of
// ResNet-50. tiny: the classic net's one convolution. depthwise: three of
// MobileNet, and two as large as the word reader's images.
constexpr Entry kEntries[] = {
    {"ocr", "32x1x32x128-32x3x3s1p1", true, true, true},
    {"ocr", "32x32x16x64-64x3x3s1p1", false, true},
    {"ocr", "32x64x8x32-128x3x3s1p1", false, true, true},
    {"ocr", "32x128x8x32-128x3x3s1p1", false, true},
    {"ocr", "32x128x4x32-256x3x3s1p1", false, true},
    {"ocr", "32x256x2x32-256x2x1s1p0", false, true},
    {"tiny", "32x1x32x36-1x4x8s1p0", true, true, true},
    {"word", "32x1x32x72-16x3x3s1p1", true},
    {"word", "32x16x16x36-32x3x3s1p1"},
    {"word", "32x32x8x18-64x3x3s1p1"},
    {"word", "32x64x4x18-96x3x3s1p1"},
    {"word", "32x96x4x18-128x4x3s1p0x1"},
    {"word", "32x128x1x18-27x1x1s1p0"},
    {"latency", "1x1x32x128-32x3x3s1p1", true},
    {"latency", "1x32x16x64-64x3x3s1p1"},
    {"latency", "1x64x8x32-128x3x3s1p1", false, true},
    {"latency", "1x128x8x32-128x3x3s1p1"},
    {"latency", "1x128x4x32-256x3x3s1p1"},
    {"latency", "1x256x2x32-256x2x1s1p0"},
    {"deepbench", "16x1x48x480-16x3x3s1p1", true},
    {"deepbench", "16x16x24x240-32x3x3s1p1"},
    {"deepbench", "16x32x12x120-64x3x3s1p1"},
    {"deepbench", "16x64x6x60-128x3x3s1p1"},
    {"speech", "4x1x161x700-32x20x5s2p0", true},
    {"resnet", "8x64x56x56-64x3x3s1p1"},
    {"resnet", "8x128x28x28-128x3x3s1p1"},
    {"resnet", "8x256x14x14-256x3x3s1p1"},
    {"resnet", "8x512x7x7-512x3x3s1p1"},
    {"resnet", "8x64x56x56-256x1x1s1p0"},
    {"resnet", "8x256x56x56-64x1x1s1p0"},
    {"resnet", "8x1024x14x14-256x1x1s1p0"},
    {"depthwise", "8x32x112x112-32x3x3s1p1g32"},
    {"depthwise", "8x64x112x112-64x3x3s2p1g64"},
    {"depthwise", "8x512x14x14-512x3x3s1p1g512"},
    {"depthwise", "32x64x16x36-64x3x3s1p1g64"},
    {"depthwise", "32x8x32x72-8x3x3s1p1g8"},
    {"strided", "8x32x16x128-64x3x3s2p1"},
};

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// Pairs (output, tap) along the height whose input row lies inside the image.
int64_t row_pairs(const Conv2dShape& s) {
  int64_t pairs = 0;
  for (int64_t p = 0; p < s.oh(); ++p) {
    for (int64_t i = 0; i < s.kh; ++i) {
      const int64_t row = p * s.stride_h + i * s.dilation_h - s.pad_h;
      pairs += row >= 0 && row < s.h;
    }
  }
  return pairs;
}

/// Pairs (pixel of dx, tap) along the width that backward_data computes: each column h + pad = q *
/// stride + j * dilation has the taps of its phase, whether or not q lies inside the output.
int64_t data_column_pairs(const Conv2dShape& s) {
  int64_t pairs = 0;
  for (int64_t column = 0; column < s.w; ++column) {
    for (int64_t j = 0; j < s.kw; ++j) {
      pairs += (column + s.pad_w - j * s.dilation_w) % s.stride_w == 0;
    }
  }
  return pairs;
}

}  // namespace

std::vector<ConvCase> conv_cases_of(const std::vector<ConvShape>& shapes) {
  std::vector<ConvCase> cases;
  std::set<std::string> seen;
  for (const ConvShape& shape : shapes) {
    if (seen.insert(shape.text).second) cases.push_back({shape, kCustomGroup, false, true, true});
  }
  if (!shapes.empty()) return cases;
  for (const Entry& e : kEntries) {
    cases.push_back({parse_shape(e.shape), e.group, e.first_layer, e.by_default, e.in_smoke});
  }
  return cases;
}

std::string conv_problem_name(const ConvShape& shape, Conv2dFace face) {
  return (shape.depthwise ? "depthwise/" : "conv2d/") + face_name(face) + "/" + shape.text;
}

double direct_flop(const Conv2dShape& s, Conv2dFace face) {
  const int64_t columns = face == Conv2dFace::backward_data ? data_column_pairs(s) : s.ow() * s.kw;
  return 2.0 * double(s.n) * double(s.c) * double(s.k) * double(row_pairs(s)) * double(columns);
}

double winograd_flop(const Conv2dShape& s, Conv2dFace face, int64_t m) {
  const bool to_data = face == Conv2dFace::backward_data;
  const int64_t rows = ceil_div(to_data ? s.h : s.oh(), m);
  const int64_t columns = ceil_div(to_data ? s.w : s.ow(), m);
  const double products = double((m + 2) * (m + 2)) * double(s.c) * double(s.k);
  return 2.0 * double(s.n) * double(rows) * double(columns) * products;
}

double row_flop(const Conv2dShape& s, Conv2dFace face) {
  if (face == Conv2dFace::backward_weights) return direct_flop(s, face);
  const int64_t width = face == Conv2dFace::backward_data ? s.w : s.ow();
  const int64_t tiles = s.dilation_w * ceil_div(width, 4 * s.dilation_w);
  return 2.0 * 6 * double(s.n) * double(s.c) * double(s.k) * double(row_pairs(s)) * double(tiles);
}

double executed_flop(const Conv2dShape& s, Conv2dFace face, kernels::Conv2dAlgo algo) {
  if (algo == kernels::Conv2dAlgo::direct) return direct_flop(s, face);
  if (algo == kernels::Conv2dAlgo::row4) return row_flop(s, face);
  return winograd_flop(s, face, algo == kernels::Conv2dAlgo::wino2 ? 2 : 4);
}

double conv_bytes(const ConvShape& shape) {
  const Conv2dShape& s = shape.s;
  return double(sizeof(float)) * (double(s.x_size()) + double(shape.w_size()) + double(s.y_size()));
}

Row conv_row(const ConvCase& c, Conv2dFace face, const std::string& way, int threads) {
  const Conv2dShape& s = c.shape.s;
  // A sum of many thousand products in float; the weights' sums are the longest.
  const double bound = face == Conv2dFace::backward_weights ? 3e-5 : 5e-6;
  return {.problem = conv_problem_name(c.shape, face),
          .way = way,
          .threads = threads,
          .isa = {},
          .nominal_flop = c.shape.flops(),
          .executed_flop = direct_flop(s, face) * double(c.shape.channels_each()) / double(s.c),
          .bytes = conv_bytes(c.shape),
          .units = c.group == "latency" ? double(s.n) : 0,
          .unit = c.group == "latency" ? "image" : "",
          .error_bound = bound,
          .groups = {c.group},
          .in_sum = !(c.first_layer && face == Conv2dFace::backward_data),
          .by_default = c.by_default,
          .in_smoke = c.in_smoke,
          .options = c.group == kCustomGroup ? "--shape " + c.shape.text : ""};
}

}  // namespace talweg::bench

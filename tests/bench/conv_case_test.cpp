// Shapes from text, the work they mean, and the result that rows are checked against.
#include "bench/conv_case.h"

#include <doctest/doctest.h>

#include <cmath>
#include <set>

#include "bench/buffer.h"
#include "bench/exact_conv.h"
#include "core/error.h"

namespace talweg::bench {
namespace {

constexpr Conv2dFace kFaces[] = {Conv2dFace::forward, Conv2dFace::backward_data,
                                 Conv2dFace::backward_weights};

void check_refused(const char* text, const char* reason) {
  CAPTURE(text);
  CHECK_THROWS_WITH_AS(parse_shape(text), doctest::Contains(reason), Error);
}

TEST_CASE("a shape's text is its geometry") {
  const Conv2dShape s = parse_shape("32x64x8x30-128x3x5s2x1p1x2d1x3").s;
  CHECK(s.n == 32);
  CHECK(s.c == 64);
  CHECK(s.h == 8);
  CHECK(s.w == 30);
  CHECK(s.k == 128);
  CHECK(s.kh == 3);
  CHECK(s.kw == 5);
  CHECK(s.stride_h == 2);
  CHECK(s.stride_w == 1);
  CHECK(s.pad_h == 1);
  CHECK(s.pad_w == 2);
  CHECK(s.dilation_h == 1);
  CHECK(s.dilation_w == 3);

  const ConvShape plain = parse_shape("1x1x4x4-1x3x3");
  CHECK(plain.s.stride_w == 1);
  CHECK(plain.s.pad_h == 0);
  CHECK(plain.s.dilation_h == 1);
  CHECK_FALSE(plain.depthwise);
  CHECK(parse_shape("2x8x9x9-8x3x3p1g8").depthwise);
}

TEST_CASE("a bad shape is refused in one sentence") {
  check_refused("", "a number for N");
  check_refused("32x64x8-128x3x3", "'x' before W");
  check_refused("1x1x4x4-1x3x3q1", "found 'q1'");
  check_refused("1x1x4x4-1x3x3s", "a number for the stride");
  check_refused("1x1x4x4-1x3x3s0", "must be at least 1");
  check_refused("0x1x4x4-1x3x3", "every size must be at least 1");
  check_refused("1x1x2x9-1x3x3", "more than the padded input's 2");
  check_refused("1x1x9x9-1x3x3d5", "spans 11 pixels");
  check_refused("1x1x4x4-1x3x3p9999999999", "below 2^30");
  check_refused("99999999999999999999x1x4x4-1x3x3", "a number for N");
  check_refused("1000000x1000x1000x1000-1x3x3", "more than memory holds");
  check_refused("1x8x4x4-8x3x3g2", "there are 2 groups");
  check_refused("-1x8x4x4-8x3x3", "a number for N");
}

TEST_CASE("a file of shapes skips comments and names the line of a mistake") {
  const auto shapes = parse_shapes("f", "# trunk\n1x1x4x4-1x3x3\n\n  2x1x4x4-1x3x3s2 # two\r\n");
  REQUIRE(shapes.size() == 2);
  CHECK(shapes[1].text == "2x1x4x4-1x3x3s2");
  CHECK_THROWS_WITH_AS(parse_shapes("f", "1x1x4x4-1x3x3\nx"), doctest::Contains("f:2: "), Error);
  CHECK_THROWS_WITH_AS(parse_shapes("f", "# nothing\n"), doctest::Contains("holds no shape"),
                       Error);
}

TEST_CASE("direct kernels do not execute window rows outside the image") {
  // 3 x 3 on 4 rows, padded by one: the first and the last row have two window rows each.
  const Conv2dShape s = parse_shape("2x5x4x6-7x3x3p1").s;
  for (const Conv2dFace face : kFaces) {
    CHECK(direct_flop(s, face) == 2.0 * 2 * 5 * 7 * (2 + 3 + 3 + 2) * (6 * 3));
  }
  CHECK(s.flops() == 2.0 * 2 * 5 * 7 * 12 * 18);
  // Without padding nothing is skipped; to the data, edge columns take zeros.
  const Conv2dShape bare = parse_shape("1x1x5x5-1x3x3").s;
  CHECK(direct_flop(bare, Conv2dFace::forward) == bare.flops());
  CHECK(direct_flop(bare, Conv2dFace::backward_data) == 2.0 * (3 * 3) * (5 * 3));
  // A stride of 2 splits the taps among the phases of the columns: 2 + 1 + 2 + 1 + 2 of 5 x 3.
  const Conv2dShape strided = parse_shape("1x1x5x5-1x3x3s2").s;
  CHECK(direct_flop(strided, Conv2dFace::backward_data) == 2.0 * (2 * 3) * (2 + 1 + 2 + 1 + 2));
}

TEST_CASE("Winograd multiplies whole tiles") {
  const Conv2dShape s = parse_shape("2x5x8x30-7x3x3p1").s;
  CHECK(winograd_flop(s, Conv2dFace::forward, 2) == 2.0 * 2 * 5 * 7 * (4 * 15) * 16);
  CHECK(winograd_flop(s, Conv2dFace::forward, 4) == 2.0 * 2 * 5 * 7 * (2 * 8) * 36);
  const Conv2dShape bare = parse_shape("1x1x6x6-1x3x3").s;  // 4 x 4 outputs, 6 x 6 inputs
  CHECK(winograd_flop(bare, Conv2dFace::forward, 4) == 2.0 * 36);
  CHECK(winograd_flop(bare, Conv2dFace::backward_weights, 4) == 2.0 * 36);
  CHECK(winograd_flop(bare, Conv2dFace::backward_data, 4) == 2.0 * 4 * 36);
  CHECK(executed_flop(s, Conv2dFace::forward, kernels::Conv2dAlgo::wino4) ==
        winograd_flop(s, Conv2dFace::forward, 4));
}

/// The face by the plain loops in double.
std::vector<double> by_reference(const Conv2dShape& s, Conv2dFace face,
                                 const std::vector<double>& x, const std::vector<double>& w,
                                 const std::vector<double>& g) {
  const auto& table = kernels::reference<double>();
  const auto algo = kernels::Conv2dAlgo::direct;
  const auto size = face == Conv2dFace::forward         ? s.y_size()
                    : face == Conv2dFace::backward_data ? s.x_size()
                                                        : s.w_size();
  std::vector<double> out(static_cast<size_t>(size));
  std::vector<double> scratch(static_cast<size_t>(table.conv2d_scratch(s, algo, face)));
  if (face == Conv2dFace::backward_weights) {
    table.conv2d_backward_weights(s, algo, x.data(), g.data(), out.data(), scratch.data());
    return out;
  }
  std::vector<double> packed(static_cast<size_t>(table.conv2d_packed_size(s, algo, face)));
  table.conv2d_pack(s, algo, face, w.data(), packed.data());
  if (face == Conv2dFace::forward) {
    table.conv2d(s, algo, x.data(), packed.data(), {}, out.data(), scratch.data());
  } else {
    table.conv2d_backward_data(s, algo, packed.data(), g.data(), out.data(), scratch.data());
  }
  return out;
}

TEST_CASE("the result that rows are checked against is that of the plain loops") {
  for (const char* text : {"2x3x5x7-6x3x3p1", "1x1x9x8-5x4x3s2x1p1x0", "3x9x6x5-4x2x3p1d2",
                           "1x4x3x3-1x1x1", "2x5x4x9-3x3x3s3p2"}) {
    CAPTURE(text);
    const ConvShape shape = parse_shape(text);
    const Conv2dShape& s = shape.s;
    const Buffer x = random_buffer(s.x_size(), 1), w = random_buffer(s.w_size(), 2),
                 g = random_buffer(s.y_size(), 3);
    const auto in_double = [](const Buffer& b) {
      return std::vector<double>(b.data(), b.data() + b.size());
    };
    for (const Conv2dFace face : kFaces) {
      const auto found = exact_conv(shape, face, x.data(), w.data(), g.data());
      const auto expected = by_reference(s, face, in_double(x), in_double(w), in_double(g));
      REQUIRE(found.size() == expected.size());
      double worst = 0;
      for (size_t i = 0; i < found.size(); ++i) {
        worst = std::max(worst, std::abs(found[i] - expected[i]));
      }
      CHECK(worst < 1e-12);
    }
  }
}

TEST_CASE("so is that of depthwise convolutions") {
  const ConvShape shape = parse_shape("2x5x6x7-5x3x2s1x2p1d2x1g5");
  const Conv2dShape& s = shape.s;
  const auto& plain = kernels::reference<double>();
  const Buffer x = random_buffer(s.x_size(), 1), w = random_buffer(shape.w_size(), 2),
               g = random_buffer(s.y_size(), 3);
  const std::vector<double> xd(x.data(), x.data() + x.size()), wd(w.data(), w.data() + w.size()),
      gd(g.data(), g.data() + g.size());
  std::vector<double> y(gd.size()), dx(xd.size()), dw(wd.size());
  std::vector<double> scratch(size_t(plain.depthwise_scratch(s)));
  plain.depthwise(s, xd.data(), wd.data(), y.data());
  plain.depthwise_backward_data(s, wd.data(), gd.data(), dx.data());
  plain.depthwise_backward_weights(s, xd.data(), gd.data(), dw.data(), scratch.data());
  const std::vector<double>* expected[] = {&y, &dx, &dw};
  for (const Conv2dFace face : kFaces) {
    const auto found = exact_conv(shape, face, x.data(), w.data(), g.data());
    REQUIRE(found.size() == expected[int(face)]->size());
    for (size_t i = 0; i < found.size(); ++i) {
      CHECK(found[i] == doctest::Approx((*expected[int(face)])[i]).epsilon(1e-12));
    }
  }
  const Row row = conv_row({shape, "custom"}, Conv2dFace::forward, "way", 1);
  CHECK(row.nominal_flop == 2.0 * double(s.y_size()) * 6);  // 3 x 2 taps a number
  CHECK(row.bytes == 4.0 * double(x.size() + w.size() + g.size()));
}

TEST_CASE("the named groups are possible shapes with different names") {
  const auto cases = conv_cases_of({});
  CHECK(cases.size() > 25);
  std::set<std::string> names;
  for (const ConvCase& c : cases) CHECK(names.insert(c.shape.text).second);
  const auto custom = conv_cases_of({parse_shape("1x1x4x4-1x3x3"), parse_shape("1x1x4x4-1x3x3")});
  REQUIRE(custom.size() == 1);
  CHECK(custom[0].group == "custom");
}

}  // namespace
}  // namespace talweg::bench

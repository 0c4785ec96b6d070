#include "core/io/image_view.h"

#include <doctest/doctest.h>

#include <array>

#include "core/error.h"

using namespace talweg;
using namespace talweg::io;

TEST_CASE("a view of every format becomes the grey that a file of it becomes") {
  const std::array<uint8_t, 6> gray{10, 20, 99, 30, 40, 99};  // two columns and a byte of padding
  const Gray8 padded = to_gray({gray.data(), 2, 2, 3, PixelFormat::gray8});
  CHECK(padded.pixels == std::vector<uint8_t>{10, 20, 30, 40});
  CHECK(to_gray({gray.data() + 3, 2, 2, -3}).pixels == std::vector<uint8_t>{30, 40, 10, 20});
  CHECK(to_gray({gray.data(), 3, 2}).pixels == std::vector<uint8_t>(gray.begin(), gray.end()));

  const std::array<uint8_t, 6> rgb{255, 0, 0, 255, 255, 255};
  CHECK(to_gray({rgb.data(), 2, 1, 0, PixelFormat::rgb8}).pixels == std::vector<uint8_t>{76, 255});

  // Black at no, half and full cover.
  const std::array<uint8_t, 12> rgba{0, 0, 0, 0, 0, 0, 0, 128, 0, 0, 0, 255};
  CHECK(to_gray({rgba.data(), 3, 1, 0, PixelFormat::rgba8}).pixels ==
        std::vector<uint8_t>{255, 127, 0});

  const std::array<uint16_t, 3> deep{0, 0x1234, 0xFFFF};
  CHECK(to_gray({deep.data(), 3, 1, 0, PixelFormat::gray16}).pixels ==
        std::vector<uint8_t>{0, 0x12, 255});
}

TEST_CASE("a view that can't be read is refused in one sentence") {
  const uint8_t pixel = 0;
  CHECK_THROWS_WITH_AS(to_gray({&pixel, 0, 4}), doctest::Contains("0 x 4 px"), Error);
  CHECK_THROWS_WITH_AS(to_gray({&pixel, -1, 1}), doctest::Contains("-1 x 1 px"), Error);
  CHECK_THROWS_WITH_AS(to_gray({&pixel, 1 << 20, 1 << 20}), doctest::Contains("pixels"), Error);
  CHECK_THROWS_WITH_AS(to_gray({nullptr, 1, 1}), doctest::Contains("null"), Error);
  CHECK_THROWS_WITH_AS(to_gray({&pixel, 4, 2, 3, PixelFormat::rgb8}),
                       doctest::Contains("rows of 12 bytes overlap at 3"), Error);
}

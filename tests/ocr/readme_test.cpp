// The snippet of README.md, as it stands there: readme.cmake compares.
#include <doctest/doctest.h>

#include <cstdio>
#include <vector>

#include "core/io/image_view.h"
#include "ocr/recognizer.h"
#include "ocr/text.h"
#include "ocr/typeface.h"

using namespace talweg;
using namespace talweg::ocr;

TEST_CASE("the README: pixels in the caller's memory are read, with confidences and boxes") {
  const std::string model = TALWEG_SHIPPED_MODEL;
  const Ink ink =
      Typeface(Font::load(find_font()), U"abcdefghijklmnopqrstuvwxyzAHIOX").set(U"valley");
  const int width = ink.width, height = ink.height, stride = 3 * width;
  std::vector<unsigned char> rgb;
  for (const float coverage : ink.coverage) {
    rgb.insert(rgb.end(), 3, static_cast<unsigned char>(255 - 200 * coverage));
  }
  const unsigned char* pixels = rgb.data();
  // clang-format off
Recognizer reader = Recognizer::load(model);
io::ImageView view{pixels, width, height, stride, io::PixelFormat::rgb8};  // only looked at
Reading reading = reader.recognize(view);
std::printf("%s, with probability %.3f\n", reading.text.c_str(), reading.confidence);
for (const CharReading& c : reading.characters) {
  std::printf("%s %.3f: columns %.1f to %.1f\n", c.text.c_str(), c.confidence, c.x0, c.x1);
}
  // clang-format on
  CHECK(reading.text == "valley");
  CHECK(reading.confidence > 0.9);
  REQUIRE(reading.characters.size() == 6);
  for (std::size_t k = 0; k < 6; ++k) {
    CHECK(reading.characters[k].x0 >= ink.boxes[k].x0 - 2);
    CHECK(reading.characters[k].x1 <= ink.boxes[k].x1 + 2);
  }
}

#include "ocr/classic_task.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "ocr/alphabet.h"
#include "ocr/text.h"
#include "ocr/word_source.h"
#include "tests/ocr/scratch_folder.h"

namespace talweg::ocr {
namespace {

// "hello" as Pillow 9.4 with FreeType 2.12 draws it: 20 px, text at (0, 5), binarised at half
// coverage; rows 9 to 21, the only ones with ink.
constexpr int kFirstRow = 9;
constexpr std::string_view kHello[] = {
    "##......................###........###....................................................",
    "##........................#..........#....................................................",
    "##........................#..........#....................................................",
    "##........................#..........#....................................................",
    "##.####......#####........#..........#........#####.......................................",
    "###....#....##...##.......#..........#.......##...##......................................",
    "##.....#...##.....##......#..........#......##.....##.....................................",
    "##.....##..##......#......#..........#......#.......#.....................................",
    "##.....##..#########......#..........#......#.......#.....................................",
    "##.....##..#..............#..........#......#.......#.....................................",
    "##.....##..##.............#..........#......##.....##.....................................",
    "##.....##...##....#.......#..........#.......##....#......................................",
    "##.....##....#####......######.....######.....#####.......................................",
};

io::Gray8 plain(const ClassicTask& task, std::string_view word,
                std::vector<CharBox>* boxes = nullptr) {
  Rng rng(1);
  return task.render(word, Variant::kPlain, rng, boxes);
}

bool is_binary(const io::Gray8& image) {
  return std::all_of(image.pixels.begin(), image.pixels.end(),
                     [](uint8_t p) { return p == 0 || p == 255; });
}

// The columns left of the first ink.
int left_margin(const io::Gray8& image) {
  for (int x = 0; x < image.width; ++x) {
    for (int y = 0; y < image.height; ++y) {
      if (image.at(x, y) != 0) return x;
    }
  }
  return image.width;
}

TEST_CASE("hello is drawn as Pillow draws it, but for the hinting of other FreeType versions") {
  const io::Gray8 image = plain(ClassicTask::standard(), "hello");
  REQUIRE(image.width == 90);
  REQUIRE(image.height == 32);
  const int last_row = kFirstRow + int(std::size(kHello));
  int different = 0;
  for (int y = 0; y < 32; ++y) {
    for (int x = 0; x < 90; ++x) {
      const bool ink = y >= kFirstRow && y < last_row && kHello[y - kFirstRow][size_t(x)] == '#';
      different += ink != (image.at(x, y) == 255);
    }
  }
  CHECK(different <= 8);
}

TEST_CASE("the canvas is 18 px a letter by 32, white on black, with the feet on row 21") {
  const ClassicTask task = ClassicTask::standard();
  Rng rng(2);
  for (int length : {1, 2, 8, 20, 60}) {
    for (Variant variant : {Variant::kPlain, Variant::kJitter, Variant::kNoise}) {
      const std::string word = random_word({U"abcdefghijklmnopqrstuvwxyz", length, length}, rng);
      const io::Gray8 image = task.render(word, variant, rng);
      CHECK(image.width == 18 * length);
      CHECK(image.height == 32);
      CHECK(is_binary(image));
    }
  }
  std::vector<CharBox> boxes;
  plain(task, "xhn", &boxes);
  for (const CharBox& box : boxes) CHECK(box.y1 == task.geometry().baseline);
}

TEST_CASE("letter i of a word stands at 10.92 i px, rounded") {
  const ClassicTask task = ClassicTask::standard();
  std::vector<CharBox> boxes;
  plain(task, std::string(20, 'h'), &boxes);
  for (size_t i = 0; i < boxes.size(); ++i) {
    CHECK(boxes[i].x0 - boxes[0].x0 == int(std::floor(699.0 / 64 * double(i) + 0.5)));
  }
}

TEST_CASE("boxes hold all the ink, each its own letter's") {
  const ClassicTask task = ClassicTask::standard();
  Rng rng(3);
  std::vector<CharBox> boxes;
  const io::Gray8 image = task.render("quick", Variant::kJitter, rng, &boxes);
  REQUIRE(boxes.size() == 5);
  for (size_t i = 1; i < boxes.size(); ++i) CHECK(boxes[i - 1].x1 <= boxes[i].x0);
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      if (image.at(x, y) == 0) continue;
      REQUIRE(std::any_of(boxes.begin(), boxes.end(), [&](const CharBox& b) {
        return b.x0 <= x && x < b.x1 && b.y0 <= y && y < b.y1;
      }));
    }
  }
}

TEST_CASE("jitter moves the whole word by each of 0 to 7 px, about equally often") {
  const ClassicTask task = ClassicTask::standard();
  const int start = left_margin(plain(task, "hm"));
  Rng rng(4);
  std::vector<int> seen(8);
  for (int i = 0; i < 4000; ++i) {
    const int shift = left_margin(task.render("hm", Variant::kJitter, rng)) - start;
    REQUIRE(0 <= shift);
    REQUIRE(shift <= 7);
    ++seen[size_t(shift)];
  }
  // Five standard deviations: sqrt(4000 * 1/8 * 7/8) = 20.9.
  for (int n : seen) CHECK(std::abs(n - 500) < 5 * 20.9);
}

TEST_CASE("noise keeps the ink and sets a tenth of the other pixels") {
  const ClassicTask task = ClassicTask::standard();
  Rng rng(5);
  int64_t background = 0, set = 0;
  for (int i = 0; i < 300; ++i) {
    Rng noisy = rng.split(uint64_t(i)), clean = rng.split(uint64_t(i));
    const io::Gray8 with = task.render("letters", Variant::kNoise, noisy);
    const io::Gray8 without = task.render("letters", Variant::kJitter, clean);
    for (size_t p = 0; p < with.pixels.size(); ++p) {
      if (without.pixels[p] == 255) REQUIRE(with.pixels[p] == 255);
      if (without.pixels[p] == 0) ++background, set += with.pixels[p] == 255;
    }
  }
  const double deviation = std::sqrt(double(background) * 0.1 * 0.9);
  CHECK(std::abs(double(set) - 0.1 * double(background)) < 5 * deviation);
}

TEST_CASE("equal seeds give equal images and plain words draw no random number") {
  const ClassicTask task = ClassicTask::standard();
  Rng a(6), b(6);
  CHECK(task.render("same", Variant::kNoise, a).pixels ==
        task.render("same", Variant::kNoise, b).pixels);
  const uint64_t before = a.counter();
  task.render("same", Variant::kPlain, a);
  CHECK(a.counter() == before);
}

TEST_CASE("another height scales every measure") {
  const ClassicTask task(Font::load(find_font()), letters_of_spec("a-z"), 64);
  CHECK(task.geometry().pixel_size == 40);
  std::vector<CharBox> large, small;
  const io::Gray8 image = plain(task, "hello", &large);
  CHECK(image.width == 180);
  CHECK(image.height == 64);
  plain(ClassicTask::standard(), "hello", &small);
  for (size_t i = 0; i < 5; ++i) {
    CHECK(std::abs(large[i].x0 - 2 * small[i].x0) <= 2);
    CHECK(std::abs(large[i].y1 - 2 * small[i].y1) <= 1);
  }
  CHECK_THROWS_AS(TaskGeometry::for_height(4), Error);
}

TEST_CASE("a letter with more ink than its cell gets a wider canvas and loses nothing") {
  const Font font = Font::load(find_font("Anonymous Pro BI"));
  Rng rng(7);
  int widened = 0;
  for (int height = 8; height <= 40; ++height) {
    const ClassicTask task(font, U"%AWLj/", height);  // some of these reach left of their pen
    for (char32_t letter : std::u32string_view(U"%AWLj/")) {
      std::vector<CharBox> boxes;
      const std::string word = encode_utf8(letter);
      const io::Gray8 still = task.render(word, Variant::kPlain, rng);
      const io::Gray8 moved = task.render(word, Variant::kJitter, rng, &boxes);
      CHECK(std::count(moved.pixels.begin(), moved.pixels.end(), 255) ==
            std::count(still.pixels.begin(), still.pixels.end(), 255));
      CHECK(0 <= boxes[0].x0);
      CHECK(boxes[0].x1 <= moved.width);
      CHECK(moved.width >= task.geometry().cell);
      widened += moved.width > task.geometry().cell;
    }
  }
  CHECK(widened > 0);
}

TEST_CASE("an empty word, an unprepared letter and bytes that are no UTF-8 are refused") {
  const ClassicTask task = ClassicTask::standard();
  CHECK(contains(thrown<Error>([&] { plain(task, ""); }), "an empty word has no image"));
  CHECK(contains(thrown<Error>([&] { plain(task, "Hello"); }), "'H' (U+0048) in 'Hello'"));
  CHECK_THROWS_AS(plain(task, "\xFF"), Error);
  CHECK_THROWS_AS(ClassicTask(Font::load(find_font()), U"\u4e2d"), IoError);
}

TEST_CASE("variants have names that read back") {
  for (Variant variant : {Variant::kPlain, Variant::kJitter, Variant::kNoise}) {
    CHECK(parse_variant(variant_name(variant)) == variant);
  }
  CHECK(contains(thrown<Error>([] { parse_variant("loud"); }), "use plain, jitter or noise"));
}

}  // namespace
}  // namespace talweg::ocr

#include "core/io/image.h"

#include <doctest/doctest.h>

#include "core/io/file.h"
#include "tests/core/io/image_files.h"
#include "tests/core/io/scratch.h"

using talweg::Error;
using talweg::IoError;
using namespace talweg::io;

namespace {

Gray8 ramp(int width, int height) {
  Gray8 image(width, height);
  for (size_t i = 0; i < image.pixels.size(); ++i) image.pixels[i] = uint8_t(i * 37);
  return image;
}

std::string complaint(const std::string& bytes) {
  return sentence<IoError>([&] { decode_gray(bytes, "p"); });
}

std::vector<uint8_t> pixels_of(const std::string& bytes) { return decode_gray(bytes, "p").pixels; }

using Pixels = std::vector<uint8_t>;

}  // namespace

TEST_CASE("a grey PNG round-trips through a file") {
  const ScratchFolder folder;
  for (const auto& [width, height] : {std::pair(1, 1), std::pair(7, 3), std::pair(300, 20)}) {
    save_png(folder / "p.png", ramp(width, height));
    const Gray8 back = load_gray(folder / "p.png");
    CHECK(back.width == width);
    CHECK(back.height == height);
    CHECK(back.pixels == ramp(width, height).pixels);
  }
}

TEST_CASE("colours become luma: green is lighter than red, red than blue") {
  Rgb8 image(4, 1);
  image.set(0, 0, {255, 0, 0});
  image.set(1, 0, {0, 255, 0});
  image.set(2, 0, {0, 0, 255});
  CHECK(pixels_of(encode_png(image)) == Pixels{76, 149, 28, 255});
}

TEST_CASE("transparent pixels stand over white") {
  const std::string gray_alpha(
      "\0"
      "\x64\xFF"
      "\x64\x00"
      "\x00\x80",
      7);
  CHECK(pixels_of(png_file(3, 1, 8, 4, gray_alpha)) == Pixels{100, 255, 127});
  const std::string rgba(
      "\0"
      "\0\0\0\xFF"
      "\0\0\0\0",
      9);
  CHECK(pixels_of(png_file(2, 1, 8, 6, rgba)) == Pixels{0, 255});
}

TEST_CASE("16 bits and 1 bit a pixel become 8") {
  CHECK(pixels_of(png_file(2, 1, 16, 0, std::string("\0\x80\x12\xFF\xFF", 5))) == Pixels{128, 255});
  CHECK(pixels_of(png_file(3, 1, 1, 0, std::string("\0\xA0", 2))) == Pixels{255, 0, 255});
}

TEST_CASE("JPEG and BMP are read") {
  const Gray8 jpeg = decode_gray(jpeg_file(), "p");
  CHECK(jpeg.width == 8);
  CHECK(jpeg.pixels == Pixels(64, 191));
  const std::string rows(
      "\xFF\xFF\xFF\0\0\0\0\0"
      "\x10\x10\x10\x20\x20\x20\0\0",
      16);
  CHECK(pixels_of(bmp_file(2, 2, rows)) == Pixels{16, 32, 255, 0});
  CHECK(pixels_of(bmp_file(2, -2, rows)) == Pixels{255, 0, 16, 32});
}

TEST_CASE("binary PNM is read, with comments, any maximal value and 16 bits") {
  CHECK(pixels_of("P5 2 1 255\n\x01\xFE") == Pixels{1, 254});
  CHECK(pixels_of(std::string("P5\n# by hand\n2 1\n100\n\x64\x00", 23)) == Pixels{255, 0});
  CHECK(pixels_of(std::string("P5 2 1 65535\n\x80\x00\xFF\xFF", 17)) == Pixels{128, 255});
  CHECK(pixels_of(std::string("P6 1 1 255\n\xFF\0\0", 14)) == Pixels{76});
  CHECK(pixels_of("P4 10 1\n\xA5\x40") == Pixels{0, 255, 0, 255, 255, 0, 255, 0, 255, 0});
}

TEST_CASE("an empty file, a missing one and one that is no picture get a sentence each") {
  const ScratchFolder folder;
  const std::string path = (folder / "p.png").string();
  CHECK(sentence<IoError>([&] { load_gray(path); }) == path + ": no such file; check the name");
  write_file_atomically(path, "");
  CHECK(sentence<IoError>([&] { load_gray(path); }) ==
        path + ": picture is empty (0 bytes); fetch or export it again");
  const std::string foreign =
      "p: not a picture this program reads (PNG, JPEG, BMP, binary PBM/PGM/PPM); convert it to PNG";
  CHECK(complaint("hello, world") == foreign);
  CHECK(complaint("GIF89a") == foreign);
  CHECK(complaint("P2 1 1 255 7") == foreign);
  CHECK(complaint("P") == foreign);
}

TEST_CASE("every truncation of every kind of picture is noticed") {
  const std::string bmp = bmp_file(2, 2, std::string(16, '\x7F'));
  for (const std::string& file : {encode_png(ramp(5, 5)), jpeg_file(), bmp}) {
    for (size_t n = 4; n < file.size(); ++n) {
      CAPTURE(n);
      CHECK(complaint(file.substr(0, n)).find("picture is truncated: the file ends before") !=
            std::string::npos);
    }
  }
  CHECK(complaint(encode_png(ramp(5, 5)).substr(0, 40)) ==
        "p: PNG picture is truncated: the file ends before the picture does; fetch or export it "
        "again");
  CHECK(complaint("P5 10 10 255\nabc") ==
        "p: picture is truncated: its header promises 13 bytes of pixels, 3 are there; fetch it "
        "again");
  CHECK(complaint("P6 2 2 255\nabc") ==
        "p: picture is truncated: its header promises 12 bytes of pixels, 3 are there; fetch it "
        "again");
  CHECK(complaint("P5 10 10 255") ==
        "p: the header of this PNM picture is damaged; convert it to PNG again");
}

TEST_CASE("any flipped byte of a PNG after its signature is noticed") {
  const std::string file = encode_png(ramp(5, 5));
  for (size_t i = 8; i < file.size(); ++i) {
    std::string damaged = file;
    damaged[i] = char(damaged[i] ^ 0x55);
    CAPTURE(i);
    CHECK(complaint(damaged).starts_with("p: PNG picture is "));
  }
}

TEST_CASE("a picture whose checksums are right and whose pixels are missing is damaged") {
  CHECK(complaint(png_file(3, 1, 8, 0, "\1")).starts_with("p: PNG picture is damaged ("));
  CHECK(complaint(png_file(3, 1, 3, 0, "\1")).starts_with("p: PNG picture is damaged ("));
  CHECK(complaint(png_file(0, 1, 8, 0, "\1")).starts_with("p: PNG picture is damaged ("));
}

TEST_CASE("a header that promises too many pixels is refused before anything is decoded") {
  const std::string refusal =
      "p: picture is too large: 10000 x 10000 pixels, at most 67,108,864 pixels are read; scale it "
      "down";
  CHECK(complaint(png_file(10000, 10000, 8, 0, "")) == refusal);
  CHECK(complaint("P5 10000 10000 255\n") == refusal);
  CHECK(complaint(bmp_file(10000, -10000, "")) == refusal);
  CHECK(complaint("P5 0 3 255\n") ==
        "p: picture has no pixels: its header says 0 x 3; export it again");
  CHECK(complaint("P5 99999999999999999999 1 255\n").find("damaged") != std::string::npos);
}

TEST_CASE("a picture that its bytes can't hold is refused before room is made for it") {
  const std::string png = "p: PNG picture is truncated: ";
  CHECK(complaint(png_file(8000, 8000, 16, 6, "\1")).starts_with(png));
  CHECK(complaint(png_file(8000, 8000, 1, 0, "\1")).starts_with(png));
  std::string jpeg = jpeg_file();
  const size_t frame = jpeg.find("\xFF\xC0");
  jpeg[frame + 5] = jpeg[frame + 7] = 0x1F;  // 7944 x 7944 px
  CHECK(complaint(jpeg).starts_with("p: JPEG picture is truncated: "));
  const std::string os2 = "BM" + little_endian(26) + little_endian(0) + little_endian(26) +
                          little_endian(12) + little_endian(8000, 2) + little_endian(8000, 2) +
                          little_endian(1, 2);
  CHECK(complaint(os2 + little_endian(24, 2) + std::string(4, 'x')) ==
        "p: BMP picture is truncated: the file ends before the picture does; fetch or export it "
        "again");
  CHECK(complaint(os2 + little_endian(8, 2) + std::string(4, 'x')).find("OS/2's palettes") !=
        std::string::npos);
}

TEST_CASE("a JPEG of very many scans is refused, since each is a walk over all its pixels") {
  const std::string jpeg = jpeg_file();
  const std::string scan = jpeg.substr(jpeg.find("\xFF\xDA"), 11);
  std::string bomb = jpeg.substr(0, jpeg.size() - 2);
  for (int k = 0; k < 500; ++k) bomb += scan;
  CHECK(complaint(bomb + "\xFF\xD9").find("too many scans") != std::string::npos);
}

TEST_CASE("a JPEG with a Huffman table of too many codes is refused") {
  std::string jpeg = jpeg_file();
  const size_t table = jpeg.find("\xFF\xC4");
  const std::string counts = std::string("\0\xFF\2", 3) + std::string(14, '\0');  // 257 codes
  const std::string segment = "\xFF\xC4\x01\x14" + counts + std::string(257, 'x');
  CHECK(complaint(jpeg.substr(0, table) + segment + jpeg.substr(table)) ==
        "p: JPEG picture is damaged (a Huffman table is broken); fetch or export it again");
}

TEST_CASE("a colour that the palette lacks is black, whatever lies behind it in memory") {
  const std::string ihdr = big_endian(3) + big_endian(1) + std::string("\x08\x03\0\0\0", 5);
  const std::string png = "\x89PNG\r\n\x1A\n" + png_chunk("IHDR", ihdr) +
                          png_chunk("PLTE", "\x40\x40\x40\xFF\xFF\xFF") +
                          png_chunk("IDAT", zlib_stored(std::string("\0\0\1\x80", 4))) +
                          png_chunk("IEND", "");
  CHECK(pixels_of(png) == Pixels{64, 255, 0});
  std::string bmp = bmp_file(3, 1, std::string("\0\1\x80\0", 4));
  bmp.insert(54, std::string("\x40\x40\x40\0\xFF\xFF\xFF\0", 8));
  bmp[10] = 62, bmp[28] = 8;
  CHECK(pixels_of(bmp) == Pixels{64, 255, 0});
}

TEST_CASE("an empty or inconsistent picture is not encoded") {
  CHECK(sentence<Error>([] { encode_png(Gray8()); }) ==
        "[encode_png] sides must be positive and hold at most 67108864 pixels, found 0 x 0");
  Rgb8 image(2, 1);
  image.pixels.pop_back();
  CHECK(sentence<Error>([&] { encode_png(image); }) ==
        "[encode_png] 2 x 1 pixels of 3 bytes expected, found 5 bytes");
  CHECK_THROWS_AS(Gray8(-1, 2), Error);
}

TEST_CASE("drawing is clipped to the canvas") {
  const Rgb red{255, 0, 0}, white{255, 255, 255};
  Rgb8 canvas(4, 3);
  canvas.fill_rect(2, 1, 10, 10, red);
  canvas.fill_rect(-5, -5, 5, 5, red);
  CHECK(canvas.at(2, 1) == red);
  CHECK(canvas.at(3, 2) == red);
  CHECK(canvas.at(1, 1) == white);
  CHECK(canvas.at(0, 0) == white);
  canvas.set(-1, 0, red);
  canvas.set(4, 0, red);
  canvas.line(-3, 0, 9, 0, {0, 0, 1});
  CHECK(canvas.at(0, 0) == Rgb{0, 0, 1});
  CHECK(canvas.at(3, 0) == Rgb{0, 0, 1});
}

TEST_CASE("a blit repeats each pixel scale times in both directions") {
  Rgb8 canvas(6, 5, {9, 9, 9});
  Gray8 source(2, 1);
  source.at(1, 0) = 200;
  canvas.blit(source, 1, 1, 2);
  CHECK(canvas.at(0, 0) == Rgb{9, 9, 9});
  CHECK(canvas.at(1, 1) == Rgb{0, 0, 0});
  CHECK(canvas.at(2, 2) == Rgb{0, 0, 0});
  CHECK(canvas.at(3, 1) == Rgb{200, 200, 200});
  CHECK(canvas.at(4, 2) == Rgb{200, 200, 200});
  CHECK(canvas.at(5, 1) == Rgb{9, 9, 9});
  CHECK(canvas.at(1, 3) == Rgb{9, 9, 9});
}

TEST_CASE("a line has no gaps, whichever end comes first") {
  const Rgb ink{0, 0, 0};
  Rgb8 forth(9, 5), back(9, 5);
  forth.line(0, 0, 8, 4, ink);
  for (int x = 0; x < 9; ++x) {
    int inked = 0;
    for (int y = 0; y < 5; ++y) inked += forth.at(x, y) == ink;
    CHECK(inked == 1);
  }
  CHECK(forth.at(0, 0) == ink);
  CHECK(forth.at(8, 4) == ink);
  back.line(3, 4, 3, 0, ink);
  forth = Rgb8(9, 5);
  forth.line(3, 0, 3, 4, ink);
  CHECK(forth.pixels == back.pixels);
  forth = Rgb8(9, 5);
  forth.line(4, 2, 4, 2, ink, 3);
  CHECK(forth.at(3, 1) == ink);
  CHECK(forth.at(5, 3) == ink);
}

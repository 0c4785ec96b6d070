#include "ocr/saliency.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "ebm/align/partition.h"
#include "tests/ocr/small_training.h"

namespace talweg::ocr {
namespace {

Recognizer untrained() {
  const auto architecture = Architecture::parse("net/4p-8p-8v-8-c16/plain");
  const auto network = make_network(architecture, Alphabet().size(), Rng(3));
  return Recognizer(architecture, Alphabet(), network.parameters);
}

/// 32 rows of black and white, which prepare_image leaves as they are: ink 0 or 1.
io::Gray8 blots() {
  io::Gray8 image(64, 32);
  Rng rng(4);
  for (int row = 0; row < 32; ++row) {
    for (int col = 0; col < 64; ++col) {
      const bool ink = row > 8 && row < 24 && rng.uniform() < 0.4;
      image.pixels[std::size_t(row * 64 + col)] = ink ? 0 : 255;
    }
  }
  return image;
}

}  // namespace

TEST_CASE("saliency is the derivative of F: paler ink changes F as the gradient says") {
  const Recognizer recognizer = untrained();
  const io::Gray8 image = blots();
  for (const double beta : {0.7, std::numeric_limits<double>::infinity()}) {
    const Saliency s = saliency(recognizer, image, "ab", beta);
    REQUIRE(s.width == 64);
    REQUIRE(s.gradient.size() == s.ink.size());
    const auto energy = [&](const io::Gray8& of) {
      return paths_at(align_word(recognizer, of, "ab"), beta).energy;
    };
    CHECK(s.energy == doctest::Approx(energy(image)).epsilon(1e-5));
    // One grey level paler where that lowers F, and where it raises F: all terms have one sign.
    for (const float sign : {1.0f, -1.0f}) {
      io::Gray8 paler = image;
      double expected = 0;
      for (std::size_t i = 0; i < s.ink.size(); ++i) {
        if (s.ink[i] != 1 || s.gradient[i] * sign <= 0) continue;
        paler.pixels[i] = 1;
        expected -= double(s.gradient[i]) / 255;
      }
      REQUIRE(std::abs(expected) > 1e-3);
      CHECK(energy(paler) - energy(image) == doctest::Approx(expected).epsilon(0.05));
    }
  }
}

TEST_CASE("the gap's saliency is the derivative of -log p / beta") {
  const Recognizer recognizer = untrained();
  const io::Gray8 image = blots();
  constexpr double kBeta = 0.7;
  const auto gap = [&](const io::Gray8& at) {
    const EnergyMap map = recognizer.energies(at);
    ebm::WordPosterior all;
    all.sum(map.values.data(), map.windows, map.symbols, ebm::Grammar{26, recognizer.topology()},
            kBeta);
    ebm::AlignScratch scratch;
    const std::vector<int32_t> word{0, 1};
    return -all.log_probability(map.values.data(), word, scratch) / kBeta;
  };
  const Saliency s = gap_saliency(recognizer, image, "ab", kBeta);
  CHECK(s.energy == doctest::Approx(gap(image)).epsilon(1e-4));
  io::Gray8 paler = image;
  double expected = 0;
  for (std::size_t i = 0; i < s.ink.size(); ++i) {
    if (s.ink[i] != 1 || s.gradient[i] <= 0) continue;
    paler.pixels[i] = 1;
    expected -= double(s.gradient[i]) / 255;
  }
  REQUIRE(std::abs(expected) > 1e-3);
  CHECK(gap(paler) - gap(image) == doctest::Approx(expected).epsilon(0.05));
}

TEST_CASE("smoothing spreads a pixel's gradient over its neighbours and keeps its sum") {
  Saliency s{"", 1, 0, 3, 5, std::vector<float>(15, 0.0f), std::vector<float>(15, 0.0f)};
  s.gradient[7] = 16;
  const Saliency soft = smoothed(s);
  CHECK(soft.gradient == std::vector<float>{0, 1, 2, 1, 0, 0, 2, 4, 2, 0, 0, 1, 2, 1, 0});
}

TEST_CASE("the picture is blue where ink makes the text cheaper, red where dearer") {
  Saliency s{"", 1, 0, 1, 3, {0, 0, 0}, {-2, 0, 1}};
  const io::Rgb8 picture = saliency_picture(s, 1);
  CHECK(picture.at(0, 0).b > picture.at(0, 0).r);
  CHECK(picture.at(1, 0) == io::Rgb{255, 255, 255});
  CHECK(picture.at(2, 0).r > picture.at(2, 0).b);
}

TEST_CASE("a text that does not fit is refused") {
  for (const auto kind : {saliency, gap_saliency}) {
    CHECK_THROWS_AS(kind(untrained(), blots(), "abcdefghijklmnopqrstuvwxyz", 1), Error);
  }
}

TEST_CASE("the figure is a picture of either kind") {
  const Saliency s = saliency(untrained(), blots(), "ab", 1);
  CHECK(saliency_figure(s, FigureFormat::png).starts_with("\x89PNG"));
  const std::string svg = saliency_figure(s, FigureFormat::svg);
  CHECK(svg.find("<svg") != std::string::npos);
  CHECK(svg.find("blue lowers F") != std::string::npos);
}

}  // namespace talweg::ocr

#include "ocr/saliency.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>

#include "core/io/text.h"
#include "core/ops/reduce.h"
#include "ebm/align/soft_ops.h"
#include "ebm/align/word_ops.h"
#include "ocr/canvas.h"

namespace talweg::ocr {

namespace {

/// What both kinds differentiate: one number made of a word's labels, as the topology has them.
using WordNumber = std::function<Var<float>(Var<float> e, const ebm::LabelList& labels)>;

Saliency gradient_of(const Recognizer& recognizer, const io::Gray8& image, const std::string& text,
                     double beta, const WordNumber& number) {
  const Alphabet& alphabet = recognizer.alphabet();
  ebm::LabelList labels;
  labels.add(ebm::expand(alphabet.encode(text), alphabet.between(), recognizer.topology()));
  Saliency s{text, beta, 0, 0, 0, {}, {}};
  const PixelGradient g = recognizer.pixel_gradient(image, [&](Var<float> e) {
    const Var<float> f = number(e, labels);
    s.energy = double(f.data()[0]);
    return sum(f);
  });
  s.height = g.image.height;
  s.width = g.image.width;
  s.ink = g.image.ink;
  s.gradient = g.gradient;
  return s;
}

void expect_aligned(const std::string& text, ebm::AlignStatus status) {
  expect(status == ebm::AlignStatus::ok, "'", text,
         "' can't be aligned with its image: ", ebm::to_string(status));
}

}  // namespace

Saliency saliency(const Recognizer& recognizer, const io::Gray8& image, const std::string& text,
                  double beta) {
  const ebm::PathRule rule = ebm::path_rule(recognizer.topology());
  return gradient_of(recognizer, image, text, beta, [&](Var<float> e, const auto& labels) {
    const std::vector<int64_t> windows{e.shape()[1]};
    ebm::BatchAlignment out;
    const Var<float> f = ebm::free_energy(e, windows, labels.view(), {beta, rule}, out);
    expect_aligned(text, out.results[0].status);
    return f;
  });
}

Saliency gap_saliency(const Recognizer& recognizer, const io::Gray8& image, const std::string& text,
                      double beta) {
  const ebm::Grammar grammar{recognizer.alphabet().between(), recognizer.topology()};
  return gradient_of(recognizer, image, text, beta, [&](Var<float> e, const auto& labels) {
    const std::vector<int64_t> windows{e.shape()[1]};
    ebm::WordGaps out;
    const Var<float> gap = ebm::word_gap(e, windows, labels.view(), grammar, beta, out);
    expect_aligned(text, out.word.results[0].status);
    return gap;
  });
}

Saliency smoothed(Saliency s) {
  const auto average = [&](int step_row, int step_col) {
    const std::vector<float> from = s.gradient;
    const auto at = [&](int row, int col) {
      row = std::clamp(row, 0, s.height - 1);
      col = std::clamp(col, 0, s.width - 1);
      return from[std::size_t(row) * std::size_t(s.width) + std::size_t(col)];
    };
    for (int row = 0; row < s.height; ++row) {
      for (int col = 0; col < s.width; ++col) {
        s.gradient[std::size_t(row) * std::size_t(s.width) + std::size_t(col)] =
            (at(row - step_row, col - step_col) + 2 * at(row, col) +
             at(row + step_row, col + step_col)) /
            4;
      }
    }
  };
  average(0, 1);
  average(1, 0);
  return s;
}

namespace {

constexpr double kDark = 225;
constexpr int kPixel = 6, kMargin = 20, kTitle = 22, kText = 14;
constexpr io::Rgb kUp{208, 28, 28}, kDown{20, 90, 200};

uint8_t mix(double from, double to, double share) {
  return uint8_t(std::lround(from + (to - from) * share));
}

double largest_gradient(const Saliency& s) {
  double most = 0;
  for (float g : s.gradient) most = std::max(most, double(std::abs(g)));
  return most;
}

/// Ink as grey on white, so dark at most.
io::Rgb8 ink_picture(const Saliency& s, double darkness) {
  io::Rgb8 picture(s.width, s.height);
  for (int row = 0; row < s.height; ++row) {
    for (int col = 0; col < s.width; ++col) {
      const double ink = double(s.ink[std::size_t(row) * std::size_t(s.width) + std::size_t(col)]);
      const auto v = uint8_t(std::lround(255 - darkness * std::clamp(ink, 0.0, 1.0)));
      picture.set(col, row, {v, v, v});
    }
  }
  return picture;
}

}  // namespace

io::Rgb8 saliency_picture(const Saliency& s, double gamma) {
  constexpr double kFaint = 70;  // so that ink and colours both show
  const double most = largest_gradient(s);
  io::Rgb8 picture = ink_picture(s, kFaint);
  for (std::size_t i = 0; i < s.gradient.size() && most > 0; ++i) {
    const int row = int(i) / s.width, col = int(i) % s.width;
    const double g = double(s.gradient[i]) / most;
    const io::Rgb to = g > 0 ? kUp : kDown, paper = picture.at(col, row);
    const double share = std::pow(std::abs(g), gamma);
    picture.set(col, row,
                {mix(paper.r, to.r, share), mix(paper.g, to.g, share), mix(paper.b, to.b, share)});
  }
  return picture;
}

std::string saliency_figure(const Saliency& s, FigureFormat format) {
  const int w = s.width * kPixel, h = s.height * kPixel;
  const int width = std::max(w, 420) + 2 * kMargin, height = 2 * (kTitle + h) + 3 * kMargin;
  const auto canvas =
      format == FigureFormat::png
          ? png_canvas(width, height)
          : svg_canvas(width, height, "Gradient of the free energy of '" + s.text + "'");
  const double most = largest_gradient(s);
  const auto title = [&](int y, const std::string& text) {
    canvas->text(kMargin, y + kText, text, kText, Canvas::Anchor::kStart);
  };
  const auto draw = [&](int top, const io::Rgb8& picture) {
    for (int row = 0; row < s.height; ++row) {
      for (int col = 0; col < s.width; ++col) {
        const io::Rgb color = picture.at(col, row);
        if (color == io::Rgb{255, 255, 255}) continue;
        canvas->rect(kMargin + col * kPixel, top + row * kPixel, kPixel, kPixel, color);
      }
    }
  };
  const auto infinity = std::isinf(s.beta) ? std::string("\u221e") : io::format_short(s.beta);
  title(kMargin / 2, s.text + ",  \u03b2 = " + infinity + ",  F = " + io::format_short(s.energy));
  draw(kMargin / 2 + kTitle, ink_picture(s, kDark));
  const int below = kMargin / 2 + kTitle + h + kMargin;
  title(below, "dF/d ink: blue lowers F, red raises it; at most " + io::format_short(most));
  draw(below + kTitle, saliency_picture(s));
  return canvas->bytes();
}

}  // namespace talweg::ocr

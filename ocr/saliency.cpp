#include "ocr/saliency.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include "core/io/text.h"
#include "core/ops/reduce.h"
#include "ebm/align/soft_ops.h"
#include "ocr/canvas.h"

namespace talweg::ocr {

Saliency saliency(const Recognizer& recognizer, const io::Gray8& image, const std::string& text,
                  double beta) {
  const Alphabet& alphabet = recognizer.alphabet();
  ebm::LabelList labels;
  labels.add(ebm::expand(alphabet.encode(text), alphabet.between(), recognizer.topology()));
  const ebm::PathRule rule = ebm::path_rule(recognizer.topology());
  Saliency s{text, beta, 0, 0, 0, {}, {}};
  const PixelGradient g = recognizer.pixel_gradient(image, [&](Var<float> e) {
    const std::vector<int64_t> windows{e.shape()[1]};
    ebm::BatchAlignment out;
    const Var<float> f = ebm::free_energy(e, windows, labels.view(), {beta, rule}, out);
    expect(out.results[0].status == ebm::AlignStatus::ok, "'", text,
           "' can't be aligned with its image: ", ebm::to_string(out.results[0].status));
    s.energy = double(f.data()[0]);
    return sum(f);
  });
  s.height = g.image.height;
  s.width = g.image.width;
  s.ink = g.image.ink;
  s.gradient = g.gradient;
  return s;
}

namespace {

constexpr int kPixel = 6, kMargin = 20, kTitle = 22, kText = 14;
constexpr io::Rgb kUp{208, 28, 28}, kDown{20, 90, 200};

uint8_t mix(double from, double to, double share) {
  return uint8_t(std::lround(from + (to - from) * share));
}

}  // namespace

std::string saliency_figure(const Saliency& s, FigureFormat format) {
  const int w = s.width * kPixel, h = s.height * kPixel;
  const int width = std::max(w, 420) + 2 * kMargin, height = 2 * (kTitle + h) + 3 * kMargin;
  const auto canvas =
      format == FigureFormat::png
          ? png_canvas(width, height)
          : svg_canvas(width, height, "Gradient of the free energy of '" + s.text + "'");
  double most = 0;
  for (float g : s.gradient) most = std::max(most, double(std::abs(g)));

  const auto title = [&](int y, const std::string& text) {
    canvas->text(kMargin, y + kText, text, kText, Canvas::Anchor::kStart);
  };
  // Ink is faint below the colours, so that both show.
  const auto draw = [&](int top, double darkness, bool colours) {
    for (int row = 0; row < s.height; ++row) {
      for (int col = 0; col < s.width; ++col) {
        const std::size_t i = std::size_t(row) * std::size_t(s.width) + std::size_t(col);
        const double paper = 255 - darkness * double(s.ink[i]);
        const double g = colours && most > 0 ? double(s.gradient[i]) / most : 0;
        const io::Rgb& to = g > 0 ? kUp : kDown;
        // The root lifts small gradients, as a photograph's gamma does.
        const double share = std::sqrt(std::abs(g));
        const io::Rgb color{mix(paper, to.r, share), mix(paper, to.g, share),
                            mix(paper, to.b, share)};
        if (color.r == 255 && color.g == 255 && color.b == 255) continue;
        canvas->rect(kMargin + col * kPixel, top + row * kPixel, kPixel, kPixel, color);
      }
    }
  };
  const auto infinity = std::isinf(s.beta) ? std::string("\u221e") : io::format_short(s.beta);
  title(kMargin / 2, s.text + ",  \u03b2 = " + infinity + ",  F = " + io::format_short(s.energy));
  draw(kMargin / 2 + kTitle, 225, false);
  const int below = kMargin / 2 + kTitle + h + kMargin;
  title(below, "dF/d ink: blue lowers F, red raises it; at most " + io::format_short(most));
  draw(below + kTitle, 70, true);
  return canvas->bytes();
}

}  // namespace talweg::ocr

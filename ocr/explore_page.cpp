#include "ocr/explore_page.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/io/colormap.h"
#include "ocr/explore_page_parts.h"
#include "ocr/saliency.h"
#include "ocr/text.h"
#include "ocr/word_figure.h"

namespace talweg::ocr {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kMostPixelRows = 200;  // of a picture that is shown
constexpr int kMostCells = 240'000;  // of a heat map
constexpr int kFewestRows = 12, kMostRows = 40;
constexpr double kGamma = 0.8;           // of their colours
constexpr int kMostSalient = 4;          // words whose pixel gradients are shown
constexpr int kMostSalientWidth = 4000;  // and the widest image, in columns of the model

double rounded(double x, double digits) { return std::round(x * digits) / digits; }
double place(double x) { return rounded(x, 1e2); }
/// Six digits are exact enough for people, and below them the order of magnitude.
Json probability(double p) {
  return p >= 1e-4 ? Json(rounded(p, 1e6)) : Json(io::format_short(p, 3));
}

Json picture_uri(const std::string& png) { return io::png_data_uri(png); }

/// values[rows, windows] in [0, most] as 16 bits each, the lower byte first.
std::string packed(std::span<const float> values, double most) {
  constexpr double kSteps = 65535;
  std::string bytes;
  for (const float v : values) {
    const auto step = uint32_t(std::lround(std::clamp(double(v) / most, 0.0, 1.0) * kSteps));
    bytes += char(step & 255U);
    bytes += char(step >> 8U);
  }
  return io::base64(bytes);
}

/// One byte a window: the row of its symbol, 255 where that has none.
std::string packed_rows(std::span<const int32_t> symbols, std::span<const int32_t> rows) {
  std::string bytes;
  for (int32_t a : symbols) {
    const auto row = std::ranges::find(rows, a) - rows.begin();
    bytes += char(uint8_t(row < std::ssize(rows) ? row : 255));
  }
  return io::base64(bytes);
}

Json ink_json(const InkImage& prepared) {
  io::Gray8 picture(prepared.width, prepared.height);
  for (std::size_t i = 0; i < prepared.ink.size(); ++i) {
    const double paper = 255 * (1 - std::clamp(double(prepared.ink[i]), 0.0, 1.0));
    picture.pixels[i] = uint8_t(std::lround(paper));
  }
  return picture_uri(io::encode_png(picture));
}

Json character_json(const CharReading& c, const ebm::WindowSpan& span) {
  Json j{{"t", c.text},
         {"b", {place(c.x0), place(c.y0), place(c.x1), place(c.y1)}},
         {"w", {span.first, span.last}},
         {"p", probability(c.confidence)},
         {"a", Json::array()}};
  for (const SymbolChoice& s : c.alternatives)
    j["a"].push_back({s.text, probability(s.probability)});
  return j;
}

Json word_json(const Spelling& s, std::span<const int32_t> rows) {
  Json j{{"t", s.text},
         {"e", place(s.energy)},
         {"p", probability(s.probability)},
         {"path", packed_rows(s.symbols, rows)},
         {"c", Json::array()}};
  for (std::size_t k = 0; k < s.characters.size(); ++k) {
    j["c"].push_back(character_json(s.characters[k], s.spans[k]));
  }
  return j;
}

/// The words to show: the best ones, then the one that was asked for.
std::vector<Spelling> words_of(const WordView& view, const ExploreOptions& options) {
  std::vector<std::string> texts{view.reading().text};
  for (const WordChoice& w : view.reading().alternatives) texts.push_back(w.text);
  if (!options.text.empty()) texts.push_back(options.text);
  std::vector<Spelling> words;
  if (view.reading().status != ebm::AlignStatus::ok) return words;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (std::find(texts.begin(), texts.begin() + std::ptrdiff_t(i), texts[i]) !=
        texts.begin() + std::ptrdiff_t(i)) {
      continue;
    }
    if (auto spelled = view.spell(texts[i])) words.push_back(std::move(*spelled));
  }
  return words;
}

/// What there is to say of an image besides.
std::string note_of(const WordView& view, const ExploreOptions& options) {
  const Reading& r = view.reading();
  if (r.status != ebm::AlignStatus::ok) {
    return message("Nothing can be read here: ", ebm::to_string(r.status), " (", view.map().windows,
                   " windows).");
  }
  std::string note;
  if (!options.text.empty() && !view.spell(options.text)) {
    const std::u32string unknown = view.alphabet().unknown(decode_utf8(options.text));
    note = message("\u201c", options.text, "\u201d has no path here: ",
                   unknown.empty() ? "the image has too few windows."
                                   : "the model doesn't know " + describe_all(unknown) + ".");
  }
  if (!r.complete) note += " The search for the best words was cut short: there may be others.";
  return note;
}

Json image_json(const Recognizer& recognizer, const NamedImage& named,
                const ExploreOptions& options) {
  const WordView view(recognizer, named.image, options.alternatives);
  const EnergyMap& map = view.map();
  const io::Gray8 shown = shrunk(view.image(), kMostPixelRows);
  Json j{{"name", named.name},
         {"w", view.image().width},
         {"h", view.image().height},
         {"n", map.windows},
         {"ww", map.window_width},
         {"note", note_of(view, options)},
         {"img", picture_uri(io::encode_png(shown))},
         {"ink", ink_json(view.prepared())},
         {"inkw", view.prepared().width * view.prepared().source_scale},
         {"sym", Json::array()},
         {"words", Json::array()}};
  const std::vector<Spelling> words = words_of(view, options);
  if (words.empty()) return j;
  std::vector<std::string> texts;
  for (const Spelling& s : words) texts.push_back(s.text);
  const auto rows = view.telling_symbols(
      texts, std::clamp(kMostCells / std::max(1, map.windows), kFewestRows, kMostRows));
  for (int32_t a : rows) j["sym"].push_back(view.row_name(a));
  std::vector<float> likely;
  for (int32_t a : rows) {
    for (int i = 0; i < map.windows; ++i) {
      likely.push_back(
          float(view.marginals()[std::size_t(i) * std::size_t(map.symbols) + std::size_t(a)]));
    }
  }
  j["e"] = packed(relative_energies(map, rows), double(kEnergyReach));
  j["p"] = packed(likely, 1);
  for (std::size_t k = 0; k < words.size(); ++k) {
    Json word = word_json(words[k], rows);
    const bool salient = int(k) < kMostSalient || words[k].text == options.text;
    if (salient && view.prepared().width <= kMostSalientWidth && !words[k].text.empty()) {
      const Saliency s = smoothed(
          gap_saliency(recognizer, view.image(), words[k].text, recognizer.reading_beta()));
      word["sal"] = picture_uri(io::encode_png(saliency_picture(s, kGamma)));
    }
    j["words"].push_back(std::move(word));
  }
  return j;
}

/// The colours of energies, from the lowest on.
Json palette() {
  constexpr int kColors = 64;
  Json colors = Json::array();
  for (int i = 0; i < kColors; ++i) {
    const io::Rgb c = io::energy_color(double(i) / (kColors - 1));
    colors.push_back({c.r, c.g, c.b});
  }
  return colors;
}

}  // namespace

io::HtmlPage explore_page(const Recognizer& recognizer, std::span<const NamedImage> images,
                          const ExploreOptions& options) {
  Json data{{"reach", kEnergyReach}, {"colors", palette()}, {"images", Json::array()}};
  for (const NamedImage& i : images) data["images"].push_back(image_json(recognizer, i, options));
  const std::string title = images.size() == 1
                                ? "What the reader sees in " + images[0].name
                                : message("What the reader sees in ", images.size(), " images");
  io::HtmlPage page(title);
  page.raw_html(
      message("<style>", kExplorePageStyle, "</style>\n", kExplorePageBody,
              "<script type=\"application/json\" id=\"data\">",
              io::json_for_script(data.dump(-1, ' ', false, Json::error_handler_t::replace)),
              "</script>\n<script>", kExplorePageScript, "</script>\n"));
  return page;
}

}  // namespace talweg::ocr

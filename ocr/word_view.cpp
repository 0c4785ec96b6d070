#include "ocr/word_view.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

#include "ocr/char_boxes.h"
#include "ocr/text.h"

namespace talweg::ocr {

WordView::WordView(const Recognizer& recognizer, io::Gray8 image, int alternatives)
    : recognizer_(recognizer),
      image_(std::move(image)),
      prepared_(prepare_image(image_)),
      map_(recognizer.energies(image_)) {
  DecoderOptions options;
  options.alternatives = alternatives;
  reading_ = recognizer.read(image_, options);
  posterior_.observe(map_.values.data(), map_.windows, map_.symbols,
                     ebm::Grammar{alphabet().between(), recognizer.topology()},
                     recognizer.reading_beta());
  marginals_.assign(map_.values.size(), 0.0);
  if (posterior_.feasible()) posterior_.marginals(marginals_.data());
}

std::optional<Spelling> WordView::spell(const std::string& text) const {
  if (!alphabet().unknown(decode_utf8(text)).empty()) return std::nullopt;
  Spelling s{text, 0, 0, {}, {}, {}};
  const std::vector<int32_t> word = alphabet().encode(text);
  const auto label = ebm::expand(word, alphabet().between(), recognizer_.topology());
  const ebm::Alignment best = ebm::viterbi(map_.values.data(), map_.windows, map_.symbols, label,
                                           ebm::path_rule(recognizer_.topology()));
  if (best.status != ebm::AlignStatus::ok) return std::nullopt;
  s.energy = best.energy;
  for (std::size_t i = 0; i < best.path.size(); ++i) {
    const int32_t symbol = label[std::size_t(best.path[i])];
    s.symbols.push_back(symbol);
    if (symbol == alphabet().between()) continue;
    const bool begins = i == 0 || best.path[i] != best.path[i - 1];
    if (begins) s.spans.push_back({int64_t(i), int64_t(i)});
    s.spans.back().last = int64_t(i);
  }
  for (std::size_t k = 0; k < word.size(); ++k) {
    s.characters.push_back(read_character(map_, alphabet(), marginals_, word[k], s.spans[k]));
  }
  fit_to_ink(prepared_, image_.height, s.characters);
  if (posterior_.feasible()) {
    ebm::AlignScratch scratch;
    s.probability = std::exp(posterior_.log_probability(map_.values.data(), word, scratch));
  }
  return s;
}

std::vector<int32_t> WordView::telling_symbols(std::span<const std::string> texts, int most) const {
  constexpr double kTelling = 0.05;
  std::vector<double> likeliest(std::size_t(map_.symbols), 0.0);
  for (std::size_t i = 0; i < marginals_.size(); ++i) {
    double& p = likeliest[i % likeliest.size()];
    p = std::max(p, marginals_[i]);
  }
  std::vector<int32_t> symbols;
  const auto take = [&](int32_t a) {
    const bool fits = int(symbols.size()) + 1 < most && a != alphabet().between();
    if (fits && std::ranges::find(symbols, a) == symbols.end()) symbols.push_back(a);
  };
  for (const std::string& text : texts) {
    for (char32_t c : decode_utf8(text)) {
      if (!alphabet().contains(c)) continue;
      take(alphabet().encode(encode_utf8(c)).front());
    }
  }
  std::vector<int32_t> others;
  for (int32_t a = 0; a < map_.symbols; ++a) {
    if (likeliest[std::size_t(a)] >= kTelling) others.push_back(a);
  }
  std::ranges::stable_sort(others, std::greater(),
                           [&](int32_t a) { return likeliest[std::size_t(a)]; });
  std::ranges::for_each(others, take);
  symbols.push_back(alphabet().between());
  return symbols;
}

std::string WordView::row_name(int32_t symbol) const {
  return symbol == alphabet().between() ? "gap" : alphabet().symbol_name(symbol);
}

}  // namespace talweg::ocr

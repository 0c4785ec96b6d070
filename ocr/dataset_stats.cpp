#include "ocr/dataset_stats.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "ocr/image_prep.h"
#include "ocr/text.h"

namespace talweg::ocr {

std::vector<LetterUse> letter_uses(const std::vector<Sample>& samples) {
  std::map<char32_t, LetterUse> uses;
  for (const Sample& sample : samples) {
    std::set<char32_t> met;
    for (char32_t c : decode_utf8(sample.text)) {
      LetterUse& use = uses[c];
      if (use.times++ == 0) use.letter = c, use.first = sample.where();
      use.samples += met.insert(c).second;
    }
  }
  std::vector<LetterUse> result;
  for (auto& [letter, use] : uses) result.push_back(std::move(use));
  return result;
}

std::vector<LetterUse> foreign_letters(const std::vector<Sample>& samples,
                                       const Alphabet& alphabet) {
  std::vector<LetterUse> uses = letter_uses(samples);
  std::erase_if(uses, [&](const LetterUse& use) { return alphabet.contains(use.letter); });
  return uses;
}

Spread spread_of(std::vector<int64_t> numbers) {
  if (numbers.empty()) return {};
  std::ranges::sort(numbers);
  return {numbers.front(), numbers[(numbers.size() - 1) / 2], numbers.back()};
}

DatasetStats dataset_stats(const std::vector<Sample>& samples) {
  DatasetStats stats;
  std::set<std::string> texts;
  std::vector<int64_t> letters, widths, heights, model_widths;
  for (const Sample& sample : samples) {
    texts.insert(sample.text);
    stats.spaces_at_ends += trim(sample.text).size() != sample.text.size();
    letters.push_back(std::ssize(decode_utf8(sample.text)));
    const io::Gray8 image = io::load_gray(sample.path);
    widths.push_back(image.width);
    heights.push_back(image.height);
    model_widths.push_back(model_width(image.width, image.height));
  }
  stats.samples = std::ssize(samples);
  stats.different = std::ssize(texts);
  stats.letters = spread_of(std::move(letters));
  stats.width = spread_of(std::move(widths));
  stats.height = spread_of(std::move(heights));
  stats.model_width = spread_of(std::move(model_widths));
  stats.uses = letter_uses(samples);
  return stats;
}

}  // namespace talweg::ocr

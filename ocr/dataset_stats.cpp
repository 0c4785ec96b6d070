#include "ocr/dataset_stats.h"

#include <map>
#include <set>

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

}  // namespace talweg::ocr

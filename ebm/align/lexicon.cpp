#include "ebm/align/lexicon.h"

#include <algorithm>
#include <numeric>

#include "core/error.h"

namespace talweg::ebm {
namespace {

/// The words [first, last) of the sorted list share their first `depth` letters: a node to be.
struct Share {
  int64_t first, last, depth;
};

std::vector<int32_t> sorted_places(const RaggedLabels& words) {
  std::vector<int32_t> order(words.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
    return std::ranges::lexicographical_compare(words[a], words[b]);
  });
  return order;
}

}  // namespace

Lexicon::Lexicon(const RaggedLabels& words, int64_t alphabet) : used_(alphabet, 0) {
  expect(words.size() > 0, "[lexicon] there are no words in it; give at least one");
  for (int64_t b = 0; b < words.size(); ++b) {
    for (const int32_t s : words[b]) {
      expect(0 <= s && s < alphabet, "[lexicon] word ", b, " has symbol ", s,
             ", outside the alphabet [0,", alphabet, ")");
      used_[s] = 1;
    }
  }
  const std::vector<int32_t> order = sorted_places(words);
  std::vector<Share> shares{{0, words.size(), 0}};
  letter_.push_back(-1);
  for (size_t node = 0; node < shares.size(); ++node) {
    auto [first, last, depth] = shares[node];
    const auto length = [&](int64_t k) { return static_cast<int64_t>(words[order[k]].size()); };
    word_.push_back(first < last && length(first) == depth ? order[first] : -1);
    size_ += word_.back() >= 0;
    while (first < last && length(first) == depth) ++first;  // and its repetitions
    first_child_.push_back(static_cast<int32_t>(shares.size()));
    while (first < last) {
      const int32_t letter = words[order[first]][depth];
      int64_t end = first;
      while (end < last && words[order[end]][depth] == letter) ++end;
      shares.push_back({first, end, depth + 1});
      letter_.push_back(letter);
      first = end;
    }
  }
  first_child_.push_back(static_cast<int32_t>(shares.size()));
  below_.assign(shares.size(), 0);
  for (auto node = static_cast<int64_t>(shares.size()) - 1; node >= 0; --node) {
    for (int32_t c = first_child_[node]; c < first_child_[node + 1]; ++c) {
      below_[node] =
          static_cast<uint8_t>(std::max<int>(below_[node], std::min(255, below_[c] + 1)));
    }
  }
}

int64_t Lexicon::bytes() const {
  return static_cast<int64_t>((first_child_.size() + letter_.size() + word_.size()) * 4 +
                              below_.size() + used_.size());
}

}  // namespace talweg::ebm

#include "ebm/align/lexicon.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <unordered_map>
#include <utility>

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
  grow_tree(words);
  see_from_afar();
}

void Lexicon::grow_tree(const RaggedLabels& words) {
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

void Lexicon::see_from_afar() {
  const auto left = [&](int32_t node) { return std::min<int32_t>(below_[node], kToldApart); };
  const auto alphabet_size = static_cast<uint64_t>(alphabet());
  std::map<uint64_t, int32_t> class_of_key;         // by letters left, then by letter
  std::map<int32_t, int32_t> ends;                  // letter -> fewest letters left where one ends
  std::unordered_map<uint64_t, int32_t> following;  // letter pair -> fewest left at its first
  const auto least = [](auto& map, auto key, int32_t value) {
    const auto [at, is_new] = map.try_emplace(key, value);
    if (!is_new) at->second = std::min(at->second, value);
  };
  const auto key_of = [&](int32_t node) { return left(node) * alphabet_size + letter_[node]; };
  for (int32_t n = 1; n < static_cast<int32_t>(nodes()); ++n) {
    class_of_key.try_emplace(key_of(n), 0);
    if (word_[n] >= 0) least(ends, letter_[n], left(n));
    for (int32_t c = first_child_[n]; c < first_child_[n + 1]; ++c) {
      least(following, letter_[n] * alphabet_size + letter_[c], left(n));
    }
  }
  std::map<int32_t, std::vector<std::pair<int32_t, int32_t>>>
      after;  // letter -> letter, fewest left
  for (const auto& [pair, fewest] : following) {
    after[static_cast<int32_t>(pair / alphabet_size)].push_back(
        {static_cast<int32_t>(pair % alphabet_size), fewest});
  }
  for (auto& [letter, followers] : after) std::ranges::sort(followers);
  std::vector<int32_t> highest(alphabet_size, -1);  // the class of a letter among those below k
  std::vector<std::pair<int32_t, int32_t>> level;   // classes of k letters, not yet among them
  int32_t k = 0;
  for (auto& [key, index] : class_of_key) {
    const auto letter = static_cast<int32_t>(key % alphabet_size);
    const auto letters_left = static_cast<int32_t>(key / alphabet_size);
    if (letters_left != k) {
      for (const auto& [a, c] : level) highest[a] = c;
      level.clear();
      k = letters_left;
    }
    index = static_cast<int32_t>(class_.size());
    level.push_back({letter, index});
    const auto end = ends.find(letter);
    class_.push_back({letter, static_cast<int32_t>(edges_.size()),
                      end != ends.end() && end->second <= k, k == kToldApart});
    if (k == kToldApart) continue;
    for (const auto& [next, fewest] : after[letter]) {
      if (fewest <= k && highest[next] >= 0) edges_.push_back(highest[next]);
    }
  }
  class_.push_back({-1, static_cast<int32_t>(edges_.size()), false, false});
  class_of_.assign(nodes(), -1);
  for (int32_t n = 1; n < static_cast<int32_t>(nodes()); ++n) {
    class_of_[n] = class_of_key.at(key_of(n));
  }
}

int64_t Lexicon::bytes() const {
  const size_t integers = first_child_.size() + letter_.size() + word_.size() + class_of_.size() +
                          edges_.size() + 3 * class_.size();
  return static_cast<int64_t>(4 * integers + below_.size() + used_.size());
}

}  // namespace talweg::ebm

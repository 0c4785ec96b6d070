#include "ebm/align/lexicon.h"

#include <doctest/doctest.h>

#include <functional>
#include <map>
#include <random>

#include "core/error.h"

namespace talweg::ebm {
namespace {

using Symbols = std::vector<int32_t>;

LabelList list_of(const std::vector<Symbols>& words) {
  LabelList list;
  for (const Symbols& w : words) list.add(w);
  return list;
}

TEST_CASE("the tree spells exactly the words it was made from, each under its first place") {
  std::mt19937 random(1);
  std::vector<Symbols> words;
  std::map<Symbols, int32_t> first;
  for (int k = 0; k < 300; ++k) {
    Symbols w(random() % 6);
    for (int32_t& s : w) s = static_cast<int32_t>(random() % 4);
    first.try_emplace(w, k);
    words.push_back(w);
  }
  const LabelList list = list_of(words);
  const Lexicon lexicon(list.view(), 5);
  std::map<Symbols, int32_t> spelt;
  const std::function<int(int32_t, Symbols)> walk = [&](int32_t node, Symbols so_far) {
    if (lexicon.word(node) >= 0) spelt[so_far] = lexicon.word(node);
    int below = 0;
    int32_t last = -1;
    for (int32_t c = lexicon.first_child(node); c < lexicon.first_child(node + 1); ++c) {
      CHECK(lexicon.letter(c) > last);
      last = lexicon.letter(c);
      Symbols next = so_far;
      next.push_back(last);
      below = std::max(below, 1 + walk(c, next));
    }
    CHECK(lexicon.letters_below(node) == below);
    return below;
  };
  walk(Lexicon::kRoot, {});
  CHECK(spelt == first);
  CHECK(lexicon.size() == static_cast<int64_t>(first.size()));
  CHECK(std::vector<uint8_t>(lexicon.letters().begin(), lexicon.letters().end()) ==
        std::vector<uint8_t>{1, 1, 1, 1, 0});
  CHECK(lexicon.bytes() < 17 * lexicon.nodes() + 1500);
}

TEST_CASE("every word is one way through the classes") {
  std::mt19937 random(2);
  std::vector<Symbols> words;
  for (int k = 0; k < 200; ++k) {
    Symbols w(k == 0 ? 40 : 1 + random() % 5);  // one longer than is told apart
    for (int32_t& s : w) s = static_cast<int32_t>(random() % 6);
    words.push_back(w);
  }
  const LabelList list = list_of(words);
  const Lexicon lexicon(list.view(), 6);
  for (const Symbols& word : words) {
    int32_t node = Lexicon::kRoot, at = -1;
    for (size_t k = 0; k < word.size(); ++k) {
      int32_t child = lexicon.first_child(node);
      while (lexicon.letter(child) != word[k]) ++child;
      REQUIRE(child < lexicon.first_child(node + 1));
      // On the way a class of more letters may stand for the node's own, never one of fewer.
      int32_t next = at < 0 ? lexicon.class_of(child) : -1;
      if (at >= 0 && !lexicon.class_at(at).open) {
        for (const int32_t e : lexicon.edges(at)) {
          REQUIRE(e < at);
          if (lexicon.class_at(e).letter == word[k]) {
            REQUIRE(next == -1);
            next = e;
          }
        }
        REQUIRE(next >= lexicon.class_of(child));
      }
      if (next == -1) break;  // nothing is told of what follows
      at = next;
      node = child;
      if (k + 1 == word.size()) REQUIRE((lexicon.class_at(at).ends || lexicon.class_at(at).open));
    }
  }
}

TEST_CASE("the empty word is a word, no word is no lexicon") {
  const LabelList empty_word = list_of({{}});
  const Lexicon lexicon(empty_word.view(), 2);
  CHECK(lexicon.size() == 1);
  CHECK(lexicon.nodes() == 1);
  CHECK(lexicon.word(Lexicon::kRoot) == 0);
  const LabelList none;
  CHECK_THROWS_WITH_AS(Lexicon(none.view(), 2),
                       "[lexicon] there are no words in it; give at least one", Error);
  const LabelList foreign = list_of({{0}, {1, 2}});
  CHECK_THROWS_WITH_AS(Lexicon(foreign.view(), 2),
                       "[lexicon] word 1 has symbol 2, outside the alphabet [0,2)", Error);
}

}  // namespace
}  // namespace talweg::ebm

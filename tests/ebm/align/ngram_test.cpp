#include "ebm/align/ngram.h"

#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <functional>
#include <map>
#include <random>

#include "core/error.h"
#include "core/io/file.h"

namespace talweg::ebm {
namespace {

using Symbols = std::vector<int32_t>;

LabelList list_of(const std::vector<Symbols>& words) {
  LabelList list;
  for (const Symbols& w : words) list.add(w);
  return list;
}

std::vector<Symbols> draw_words(int count, int32_t symbols, int longest, std::mt19937& random) {
  std::vector<Symbols> words(count);
  for (Symbols& w : words) {
    w.resize(random() % (longest + 1));
    for (int32_t& s : w)
      s = static_cast<int32_t>(random() % symbols * (random() % symbols) / symbols);
  }
  return words;
}

/// p(s | h) by the definition, from counts of every substring.
struct Definition {
  std::map<Symbols, double> counts;
  int32_t symbols;

  Definition(const std::vector<Symbols>& words, int32_t n) : symbols(n) {
    for (Symbols w : words) {
      w.insert(w.begin(), n + 1);
      w.push_back(n);
      for (size_t from = 0; from < w.size(); ++from) {
        for (size_t to = from + 1; to <= w.size(); ++to) {
          ++counts[Symbols(w.begin() + from, w.begin() + to)];
        }
      }
    }
  }
  double probability(const Symbols& history, int32_t s) const {
    double seen = 0, kinds = 0, this_one = 0;
    for (int32_t t = 0; t <= symbols; ++t) {
      Symbols longer = history;
      longer.push_back(t);
      const auto at = counts.find(longer);
      if (at == counts.end()) continue;
      seen += at->second;
      ++kinds;
      if (t == s) this_one = at->second;
    }
    const double below = history.empty()
                             ? 1.0 / (symbols + 1)
                             : probability(Symbols(history.begin() + 1, history.end()), s);
    return kinds == 0 ? below : (this_one + kinds * below) / (seen + kinds);
  }
};

TEST_CASE("probabilities are Witten and Bell's, for every history and order, and sum to one") {
  std::mt19937 random(1);
  for (const int order : {1, 2, 3, 5, 8}) {
    const int32_t symbols = 4;
    const auto words = draw_words(40, symbols, 7, random);
    const LabelList list = list_of(words);
    const NgramModel model = NgramModel::train(list.view(), symbols, order);
    const Definition definition(words, symbols);
    for (const Symbols& text : draw_words(60, symbols, 9, random)) {
      NgramModel::State state = model.start();
      Symbols history{symbols + 1};
      double whole = 0;
      for (size_t k = 0; k <= text.size(); ++k) {
        while (static_cast<int>(history.size()) > order - 1) history.erase(history.begin());
        double sum = std::exp(-model.end_cost(state));
        CHECK(sum == doctest::Approx(definition.probability(history, symbols)).epsilon(1e-12));
        for (int32_t s = 0; s < symbols; ++s) {
          const double p = std::exp(-model.cost(state, s));
          CHECK(p == doctest::Approx(definition.probability(history, s)).epsilon(1e-12));
          sum += p;
        }
        CHECK(sum == doctest::Approx(1).epsilon(1e-12));
        if (k == text.size()) break;
        whole += model.cost(state, text[k]);
        state = model.next(state, text[k]);
        history.push_back(text[k]);
      }
      CHECK(model.word_cost(text) == doctest::Approx(whole + model.end_cost(state)));
    }
  }
}

TEST_CASE("all words together have probability one") {
  const LabelList list = list_of({{0, 1}, {1}, {0, 0, 1}, {1, 1}});
  const NgramModel model = NgramModel::train(list.view(), 2, 3);
  double ended = 0;
  // What is not ended after n letters must vanish: the sum tends to one from below.
  const std::function<void(NgramModel::State, double, int)> go = [&](auto state, double p,
                                                                     int left) {
    ended += p * std::exp(-model.end_cost(state));
    if (left == 0) return;
    for (int32_t s : {0, 1}) {
      go(model.next(state, s), p * std::exp(-model.cost(state, s)), left - 1);
    }
  };
  go(model.start(), 1, 16);
  CHECK(ended <= 1 + 1e-12);
  CHECK(ended > 0.999);
}

TEST_CASE("a word that was seen costs less than its letters in another order") {
  const LabelList list = list_of({{0, 1, 2}, {0, 1, 2}, {0, 1, 3}});
  const NgramModel model = NgramModel::train(list.view(), 4, 3);
  CHECK(model.word_cost(Symbols{0, 1, 2}) < model.word_cost(Symbols{0, 1, 3}));
  CHECK(model.word_cost(Symbols{0, 1, 3}) < model.word_cost(Symbols{2, 1, 0}));
  CHECK(std::isfinite(model.word_cost(Symbols{3, 3, 3, 3})));
  const LabelList few = list_of({{0, 1}});
  const NgramModel sparse = NgramModel::train(few.view(), 3, 3);
  CHECK(sparse.cost(sparse.start(), NgramModel::kUnknown) == sparse.cost(sparse.start(), 2));
  CHECK(model.count(1) == 6);  // BEGIN, END and four letters
  CHECK(model.words() == 3);
}

TEST_CASE("mistakes in training throw") {
  const LabelList none, foreign = list_of({{0}, {1, 2}});
  CHECK_THROWS_WITH_AS(NgramModel::train(none.view(), 2, 3),
                       "[ngram] there are no words to learn from; give at least one", Error);
  CHECK_THROWS_WITH_AS(NgramModel::train(foreign.view(), 2, 3),
                       "[ngram] word 1 has symbol 2, outside the alphabet [0,2)", Error);
  for (const int order : {0, 9}) {
    CHECK_THROWS_AS(NgramModel::train(foreign.view(), 3, order), Error);
  }
  const NgramModel model = NgramModel::train(foreign.view(), 3, 2);
  CHECK_THROWS_AS(model.cost(model.start(), 3), Error);
  CHECK_THROWS_AS(model.cost(model.start(), -2), Error);
}

/// A file of this test's own, gone afterwards.
struct ScratchFile {
  std::filesystem::path path = std::filesystem::temp_directory_path() /
                               ("talweg_ngram_" + std::to_string(std::random_device{}()));
  ScratchFile() = default;
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;
  ~ScratchFile() { std::filesystem::remove(path); }
  void write(const std::string& bytes) const { std::ofstream(path, std::ios::binary) << bytes; }
};

TEST_CASE("a saved model is the same model, with its alphabet") {
  std::mt19937 random(2);
  const auto words = draw_words(50, 5, 8, random);
  const LabelList list = list_of(words);
  const NgramModel model = NgramModel::train(list.view(), 5, 4);
  const ScratchFile file;
  model.save(file.path, "abcdé");
  std::string alphabet;
  const NgramModel loaded = NgramModel::load(file.path, &alphabet);
  CHECK(alphabet == "abcdé");
  CHECK(loaded.order() == 4);
  CHECK(loaded.symbols() == 5);
  CHECK(loaded.words() == 50);
  for (int n = 1; n <= 4; ++n) CHECK(loaded.count(n) == model.count(n));
  for (const Symbols& w : draw_words(50, 5, 8, random)) {
    CHECK(loaded.word_cost(w) == model.word_cost(w));
  }
}

uint64_t fnv(std::string_view bytes) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return hash;
}

TEST_CASE("foreign, cut, damaged and forged files are refused in one sentence") {
  const LabelList list = list_of({{0, 1}, {1, 0, 1}});
  const ScratchFile file;
  NgramModel::train(list.view(), 2, 3).save(file.path, "ab");
  const std::string good = io::read_file(file.path);
  const std::string name = "[ngram] " + file.path.string();
  const auto refused = [&](const std::string& bytes) {
    file.write(bytes);
    try {
      NgramModel::load(file.path);
    } catch (const IoError& e) {
      return std::string(e.what());
    }
    return std::string("taken");
  };
  CHECK(refused("not a model at all, just text") ==
        name + " is not a letter model; make one with `talweg lm train words.txt -o FILE`");
  const std::string broken =
      name + " is cut short or damaged; make it again with `talweg lm train`";
  for (size_t n = 8; n < good.size(); ++n) CHECK(refused(good.substr(0, n)) != "taken");
  CHECK(refused(good.substr(0, good.size() - 1)) == broken);
  for (size_t at = 12; at < good.size(); ++at) {
    std::string flipped = good;
    flipped[at] = static_cast<char>(flipped[at] ^ 0x40);
    CHECK(refused(flipped) == broken);
  }
  std::string newer = good;
  newer[8] = 2;
  CHECK(refused(newer).find("version 2") != std::string::npos);
  // With a checksum that fits: nothing may crash, whatever is accepted must be a model.
  std::mt19937 random(3);
  for (int k = 0; k < 2000; ++k) {
    std::string forged = good.substr(0, good.size() - 8);
    for (int hits = 1 + static_cast<int>(random() % 3); hits > 0; --hits) {
      forged[12 + random() % (forged.size() - 12)] = static_cast<char>(random());
    }
    const uint64_t sum = fnv(forged);
    forged.append(reinterpret_cast<const char*>(&sum), 8);
    file.write(forged);
    try {
      const NgramModel model = NgramModel::load(file.path);
      CHECK(model.word_cost(Symbols{0}) >= 0);
    } catch (const IoError& e) {
      CHECK(std::string_view(e.what()) == broken);
    }
  }
  CHECK_THROWS_AS(NgramModel::load(file.path.string() + ".missing"), IoError);
}

}  // namespace
}  // namespace talweg::ebm

// Reading within a lexicon: the best of 500,000 words, and the sum over all of them.
//
//   ./run bench lexicon
//
// Words are syllables with endings, 2 to 20 letters long, and share fewer beginnings than a language's
// own (7 nodes of the tree a word), which makes them harder to search. The image of a word gives each
// window's own symbol the energy 0 and the others 4, all with normal noise of a deviation that the
// problem names: at 1 nine windows of ten show their own symbol as the least, at 1.5 half of them, at
// 2 a third. A run takes one image after the other; the note says what 200 different images took.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <set>
#include <string>

#include "bench/rows.h"
#include "core/error.h"
#include "core/kernels/kernels.h"
#include "core/rng.h"
#include "ebm/align/lexicon_sum.h"
#include "ebm/align/search.h"

namespace talweg::bench {
namespace {

using Word = std::vector<int32_t>;

constexpr int64_t kWords = 500'000, kFrames = 64, kAlphabet = 96;
constexpr ebm::Grammar kGrammar{95, ebm::Topology::classic};
constexpr int kImages = 200;
constexpr double kGap = 4;  // between a window's own symbol and the others

template <size_t N> const char* any(const char* const (&of)[N], Rng& rng) {
  return of[rng.below(N)];
}

/// A word of small letters, one in eight with a capital.
Word draw_word(Rng& rng) {
  constexpr const char* kOnsets[] = {"b",  "c",  "d",  "f",  "g",  "h",  "j",  "k",  "l",  "m",
                                     "n",  "p",  "r",  "s",  "t",  "v",  "w",  "st", "tr", "br",
                                     "pr", "ch", "sh", "th", "gr", "pl", "cl", "sp", "qu", ""};
  constexpr const char* kNuclei[] = {"a",  "e", "i",  "o", "u", "ea", "ou",
                                     "io", "y", "ai", "e", "a", "i",  "o"};
  constexpr const char* kCodas[] = {"",  "",  "",  "",   "n",  "r",  "s",  "t",
                                    "l", "m", "d", "ng", "nt", "st", "ck", "x"};
  constexpr const char* kEndings[] = {"",   "",   "",     "s",    "ed",   "ing",
                                      "er", "ly", "ness", "able", "tion", "ment"};
  std::string text;
  for (uint64_t k = 1 + rng.below(4); k > 0; --k) {
    text += any(kOnsets, rng);
    text += any(kNuclei, rng);
    text += any(kCodas, rng);
  }
  text += any(kEndings, rng);
  Word word;
  for (const char c : text) word.push_back(c - 'a');
  if (rng.below(8) == 0) word.front() += 26;
  return word;
}

struct LexiconData {
  std::vector<Word> words;
  std::unique_ptr<ebm::Lexicon> lexicon;

  LexiconData() {
    Rng rng(1);
    std::set<Word> different;
    while (static_cast<int64_t>(different.size()) < kWords) {
      Word word = draw_word(rng);
      if (2 <= word.size() && word.size() <= 20) different.insert(std::move(word));
    }
    words.assign(different.begin(), different.end());
    ebm::LabelList list;
    for (const Word& word : words) list.add(word);
    lexicon = std::make_unique<ebm::Lexicon>(list.view(), kAlphabet);
  }
};

/// Made when the first row needs it, gone with the last.
std::shared_ptr<const LexiconData> lexicon_data() {
  static std::weak_ptr<const LexiconData> kept;
  auto data = kept.lock();
  if (!data) kept = data = std::make_shared<const LexiconData>();
  return data;
}

/// Each symbol of the word for a window, the remaining windows to any of them.
std::vector<float> draw_image(const Word& word, double noise, Rng& rng) {
  std::vector<float> energies(kFrames * kAlphabet);
  for (float& e : energies) e = static_cast<float>(kGap + noise * rng.normal());
  const std::vector<int32_t> label = ebm::expand(word, kGrammar.between);
  std::vector<int64_t> windows(label.size(), 1);
  for (auto left = kFrames - static_cast<int64_t>(label.size()); left > 0; --left) {
    ++windows[rng.below(windows.size())];
  }
  int64_t i = 0;
  for (size_t s = 0; s < label.size(); ++s) {
    for (int64_t k = 0; k < windows[s]; ++k, ++i) energies[i * kAlphabet + label[s]] -= kGap;
  }
  return energies;
}

struct LexiconRun {
  std::shared_ptr<const LexiconData> data = lexicon_data();
  std::vector<std::vector<float>> images;
  size_t next = 0;
  bool sums;

  LexiconRun(double noise, bool with_sums) : sums(with_sums) {
    Rng rng(7);
    for (int k = 0; k < kImages; ++k) {
      images.push_back(draw_image(data->words[rng.below(data->words.size())], noise, rng));
    }
  }

  void run() {
    const float* image = images[next++ % images.size()].data();
    if (sums) {
      ebm::lexicon_sum(image, kFrames, kAlphabet, kGrammar, 1.0, *data->lexicon);
    } else {
      ebm::best_words(image, kFrames, kAlphabet, kGrammar, {.lexicon = data->lexicon.get()});
    }
  }

  std::string note(int count) {
    std::vector<double> ms;
    for (int k = 0; k < count; ++k) {
      const auto start = std::chrono::steady_clock::now();
      run();
      const std::chrono::duration<double, std::milli> took =
          std::chrono::steady_clock::now() - start;
      ms.push_back(took.count());
    }
    std::ranges::sort(ms);
    const auto rounded = [&](size_t k) { return std::round(ms[k] * 100) / 100; };
    return message(count, " images: median ", rounded(ms.size() / 2), " ms, p99 ",
                   rounded(ms.size() * 99 / 100), " ms");
  }
};

}  // namespace

void add_lexicon_rows(Suite& suite) {
  const auto& isas = suite.options().isas;
  for (const bool sums : {false, true}) {
    for (const char* noise : {"1", "1.5", "2"}) {
      if (sums && noise != std::string("1")) continue;
      Row row;
      row.problem = message("lexicon/", sums ? "sum" : "best", "/500000/64x96/noise", noise);
      row.way = "talweg";
      row.isa = isas.empty() ? kernels::available_isas().front() : isas.front();
      row.units = 1;
      row.unit = "word";
      row.groups = {"lexicon"};
      row.in_sum = row.by_default = false;  // the lexicon alone takes seconds to make
      row.make = [deviation = std::stod(noise), sums] {
        const auto run = std::make_shared<LexiconRun>(deviation, sums);
        Work work;
        work.note = run->note(sums ? 8 : kImages);
        work.run = [run] { run->run(); };
        return work;
      };
      suite.add(std::move(row));
    }
  }
}

}  // namespace talweg::bench

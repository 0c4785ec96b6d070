#include "ebm/align/wrong_words.h"

#include <algorithm>

#include "core/error.h"
#include "core/parallel.h"
#include "ebm/align/search.h"

namespace talweg::ebm {
namespace {

using Word = std::vector<int32_t>;

bool is_word(const Word& a, std::span<const int32_t> b) { return std::ranges::equal(a, b); }

template <class T>
std::vector<Word> wrong_words_of(const T* energies, int64_t frames, int64_t alphabet,
                                 std::span<const int32_t> right, const Grammar& grammar,
                                 int64_t count, int64_t max_prefixes) {
  if (count == 1) {
    WordReading reading = least_energy_word(energies, frames, alphabet, grammar);
    if (reading.status != AlignStatus::ok) return {};
    if (!is_word(reading.word, right)) return {std::move(reading.word)};
  }
  SearchOptions options;
  options.count = count + 1;  // the right one may be among them
  options.max_prefixes = max_prefixes;
  std::vector<Word> wrong;
  for (FoundWord& found : best_words(energies, frames, alphabet, grammar, options).words) {
    if (std::ssize(wrong) < count && !is_word(found.word, right)) {
      wrong.push_back(std::move(found.word));
    }
  }
  return wrong;
}

}  // namespace

template <class T>
void wrong_words(const EnergyBatch<T>& batch, const RaggedLabels& words, const Grammar& grammar,
                 int64_t count, int64_t max_prefixes, std::vector<LabelList>& wrong) {
  check_grammar(batch.frames, batch.alphabet, grammar);
  expect(words.size() == batch.size(), "[wrong_words] ", batch.size(), " images and ", words.size(),
         " words; give one a sample");
  expect(count >= 1 && max_prefixes >= 1, "[wrong_words] asked for ", count, " wrong words from ",
         max_prefixes, " prefixes; both must be at least 1");
  for (int64_t b = 0; b < batch.size(); ++b) {
    const int64_t frames = batch.sample_frames[b];
    expect(0 <= frames && frames <= batch.frames, "[wrong_words] sample ", b, " has ", frames,
           " frames; expected 0 to ", batch.frames);
  }
  std::vector<std::vector<Word>> found(static_cast<std::size_t>(batch.size()));
  parallel_for(batch.size(), true, [&](int64_t b) {
    found[b] =
        wrong_words_of(batch.energies + b * batch.frames * batch.alphabet, batch.sample_frames[b],
                       batch.alphabet, words[b], grammar, count, max_prefixes);
  });
  wrong.resize(static_cast<std::size_t>(count));
  for (int64_t k = 0; k < count; ++k) {
    wrong[k].clear();
    for (const std::vector<Word>& of_image : found) {
      const bool exists = k < std::ssize(of_image);
      wrong[k].add(exists ? expand(of_image[k], grammar.between, grammar.topology) : Word());
    }
  }
}

template void wrong_words<float>(const EnergyBatch<float>&, const RaggedLabels&, const Grammar&,
                                 int64_t, int64_t, std::vector<LabelList>&);
template void wrong_words<double>(const EnergyBatch<double>&, const RaggedLabels&, const Grammar&,
                                  int64_t, int64_t, std::vector<LabelList>&);

}  // namespace talweg::ebm

#include "ocr/held_out.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "core/error.h"

namespace talweg::ocr {

HeldOut::HeldOut(std::vector<Sample> samples)
    : samples_(std::move(samples)), count_(std::ssize(samples_)) {}

HeldOut::HeldOut(int64_t count, std::function<HeldOutWord(int64_t)> draw)
    : count_(count), draw_(std::move(draw)) {
  expect(count >= 0, "[held_out] asked for ", count, " words");
}

HeldOutWord HeldOut::operator[](int64_t i) const {
  expect(0 <= i && i < count_, "[held_out] there is no word ", i, " among ", count_);
  if (!draw_) {
    const Sample& sample = samples_[std::size_t(i)];
    return {io::load_gray(sample.path), sample.text, sample.path};
  }
  if (drawn_.empty()) draw_all();
  return drawn_[std::size_t(i)];
}

void HeldOut::draw_all() const {
  std::vector<HeldOutWord> words(static_cast<std::size_t>(count_));
  std::vector<std::exception_ptr> failures(words.size());
#pragma omp parallel for schedule(dynamic)
  for (std::size_t i = 0; i < words.size(); ++i) {
    try {
      words[i] = draw_(int64_t(i));
    } catch (...) {
      failures[i] = std::current_exception();
    }
  }
  for (const auto& failure : failures) {
    if (failure) std::rethrow_exception(failure);
  }
  drawn_ = std::move(words);
}

void HeldOut::for_each_chunk(
    const std::function<void(int64_t first, const std::vector<HeldOutWord>& words)>& look) const {
  constexpr int64_t kChunk = 256;
  for (int64_t first = 0; first < count_; first += kChunk) {
    std::vector<HeldOutWord> chunk;
    for (int64_t i = first; i < std::min(first + kChunk, count_); ++i) {
      chunk.push_back((*this)[i]);
    }
    look(first, chunk);
  }
}

void for_each_reading(
    const Recognizer& recognizer, const HeldOut& words,
    const std::function<void(const HeldOutWord& word, const Reading& reading)>& look) {
  words.for_each_chunk([&](int64_t, const std::vector<HeldOutWord>& chunk) {
    std::vector<io::Gray8> images;
    for (const HeldOutWord& word : chunk) images.push_back(word.image);
    const std::vector<Reading> readings = recognizer.read(images);
    for (std::size_t i = 0; i < chunk.size(); ++i) look(chunk[i], readings[i]);
  });
}

std::vector<WordPair> read_held_out(const Recognizer& recognizer, const HeldOut& words) {
  std::vector<WordPair> pairs;
  for_each_reading(recognizer, words, [&](const HeldOutWord& word, const Reading& reading) {
    pairs.push_back({word.text, reading.text});
  });
  return pairs;
}

Score score_held_out(const Recognizer& recognizer, const HeldOut& words, uint64_t seed) {
  if (words.empty()) return {};
  return score_words(read_held_out(recognizer, words), seed);
}

}  // namespace talweg::ocr

#include "ocr/batch.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "ocr/image_prep.h"

namespace talweg::ocr {

namespace {

/// First and last column with clearly more ink than the page: speckles don't count.
std::pair<double, double> ink_extent(const InkImage& image) {
  std::vector<double> columns(std::size_t(image.width), 0.0);
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) columns[x] += image.ink[std::size_t(y) * image.width + x];
  }
  const auto [low, high] = std::minmax_element(columns.begin(), columns.end());
  const double threshold = *low + 0.35 * (*high - *low);
  int first = 0, last = image.width - 1;
  while (first < last && columns[first] < threshold) ++first;
  while (last > first && columns[last] < threshold) --last;
  return {first, last + 1};
}

}  // namespace

void begin_batch(Batch& batch, int64_t count, int width) {
  const Shape shape{count, kModelHeight, width, 1};
  if (batch.images.shape() == shape) {
    batch.images.fill(0);
  } else {
    batch.images = Tensor<float>(shape);
  }
  batch.texts.clear();
  batch.widths.clear();
  batch.words.clear();
  batch.spans.columns.clear();
  batch.spans.measured = false;
}

int add_image(Batch& batch, std::span<const float> ink, int width, const std::string& text,
              const Alphabet& alphabet) {
  const int64_t padded = batch.images.shape()[2], b = std::ssize(batch.texts);
  float* to = batch.images.data() + b * kModelHeight * padded;
  for (int y = 0; y < kModelHeight; ++y) {
    std::copy_n(ink.data() + std::ptrdiff_t(y) * width, width, to + y * padded);
  }
  const std::vector<int32_t> word = alphabet.encode(text);
  batch.texts.push_back(text);
  batch.widths.push_back(width);
  batch.words.add(word);
  return int(word.size());
}

FontSource::FontSource(std::vector<ClassicTask> tasks, Alphabet alphabet, FontSourceOptions options)
    : tasks_(std::move(tasks)), alphabet_(std::move(alphabet)), options_(std::move(options)) {
  expect(!tasks_.empty(), "there is no typeface to draw words in");
  const std::u32string unknown = alphabet_.unknown(options_.words.letters);
  expect(unknown.empty(), "the words to render hold ", unknown.size(),
         " letters that the alphabet lacks; give one range for both");
}

void FontSource::characters(int64_t step, Batch& batch) const {
  render(Rng(options_.seed).split(2 * uint64_t(step)), 1, batch);
}

void FontSource::words(int64_t step, Batch& batch) const {
  Rng rng = Rng(options_.seed).split(2 * uint64_t(step) + 1);
  const int lengths = options_.words.max_length - options_.words.min_length + 1;
  render(rng, options_.words.min_length + int(rng.below(uint64_t(lengths))), batch);
}

void FontSource::render(Rng rng, int length, Batch& batch) const {
  const int count = std::max(1, options_.letters_per_batch / length);
  RandomWords words = options_.words;
  words.min_length = words.max_length = length;
  std::vector<std::string> texts;
  std::vector<InkImage> images;
  std::vector<std::pair<double, double>> extents;
  for (int b = 0; b < count; ++b) {
    Rng one = rng.split(uint64_t(b));
    const double u = one.uniform();
    const Variant variant = u < options_.plain                     ? Variant::kPlain
                            : u < options_.plain + options_.jitter ? Variant::kJitter
                                                                   : Variant::kNoise;
    texts.push_back(random_word(words, one));
    std::vector<CharBox> boxes;
    const ClassicTask& task = tasks_[one.below(tasks_.size())];
    images.push_back(prepare_image(task.render(texts.back(), variant, one, &boxes)));
    const double scale = images.back().source_scale;
    extents.emplace_back(boxes.front().x0 / scale, boxes.back().x1 / scale);
  }
  const int width = std::max_element(images.begin(), images.end(), [](auto& a, auto& b) {
                      return a.width < b.width;
                    })->width;
  begin_batch(batch, count, width);
  for (int b = 0; b < count; ++b) {
    const int letters = add_image(batch, images[b].ink, images[b].width, texts[b], alphabet_);
    add_even_spans(batch.spans, letters, extents[b].first, extents[b].second);
  }
}

FolderSource::FolderSource(const std::vector<Sample>& samples, Alphabet alphabet, uint64_t seed,
                           int images_per_batch)
    : alphabet_(std::move(alphabet)), rng_(seed), images_per_batch_(images_per_batch) {
  expect(!samples.empty(), "there is no image to train on");
  expect(images_per_batch >= 1, "a batch holds at least one image, asked for ", images_per_batch);
  for (const Sample& s : samples) {
    InkImage image = prepare_image(io::load_gray(s.path));
    const auto [x0, x1] = ink_extent(image);
    items_.push_back({s.text, image.width, x0, x1, std::move(image.ink)});
  }
  std::stable_sort(items_.begin(), items_.end(),
                   [](const Item& a, const Item& b) { return a.width < b.width; });
}

int64_t FolderSource::steps_per_epoch() const {
  return (int64_t(items_.size()) + images_per_batch_ - 1) / images_per_batch_;
}

void FolderSource::words(int64_t step, Batch& batch) const {
  // An epoch is a shuffled order of runs of similar width; where the runs begin shifts every time,
  // so that images meet other mates.
  const int64_t steps = steps_per_epoch(), n = int64_t(items_.size());
  Rng epoch = rng_.split(uint64_t(step / steps));
  const int64_t shift = int64_t(epoch.below(uint64_t(n)));
  std::vector<int64_t> runs(static_cast<std::size_t>(steps));
  std::iota(runs.begin(), runs.end(), int64_t(0));
  for (int64_t i = steps - 1; i > 0; --i) {
    std::swap(runs[i], runs[int64_t(epoch.below(uint64_t(i) + 1))]);
  }
  const int64_t begin = runs[step % steps] * images_per_batch_;
  const int64_t count = std::min<int64_t>(images_per_batch_, n - begin);
  int width = 0;
  for (int64_t b = 0; b < count; ++b) {
    width = std::max(width, items_[(begin + b + shift) % n].width);
  }
  begin_batch(batch, count, width);
  for (int64_t b = 0; b < count; ++b) {
    const Item& item = items_[(begin + b + shift) % n];
    const int letters = add_image(batch, item.ink, item.width, item.text, alphabet_);
    add_even_spans(batch.spans, letters, item.x0, item.x1);
  }
}

}  // namespace talweg::ocr

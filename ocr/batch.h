// Batches of labelled word images, drawn from a font or from a folder, as the trainer eats them.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/rng.h"
#include "core/tensor.h"
#include "ebm/align/batch.h"
#include "ocr/alphabet.h"
#include "ocr/classic_task.h"
#include "ocr/dataset.h"
#include "ocr/letter_spans.h"
#include "ocr/word_source.h"

namespace talweg::ocr {

/// Images of one step, padded with background to the widest, and what is written on them.
struct Batch {
  Tensor<float> images;            ///< x[B, 32, W, 1], ink = 1
  std::vector<std::string> texts;  ///< [B] UTF-8
  std::vector<int> widths;         ///< [B] columns of each image, padding not counted
  ebm::LabelList words;            ///< [B] the same as letters of the alphabet
  LetterSpans spans;               ///< where those letters stand
};

/// Empties the batch, using its memory again, and makes room for `count` images of background,
/// `width` columns wide.
void begin_batch(Batch& batch, int64_t count, int width);
/// Puts the next image, ink[32, width], and its text in; the letters' spans, as many as it returns,
/// are to be added by the caller.
int add_image(Batch& batch, std::span<const float> ink, int width, const std::string& text,
              const Alphabet& alphabet);

/// Where batches come from. Batch `step` depends on the seed and `step` only, not on earlier calls
/// or on threads, so that training can be resumed anywhere, and batches be made ahead of time
/// (prefetch.h). Both functions replace what `batch` held and use its memory again.
class BatchSource {
 public:
  virtual ~BatchSource() = default;
  /// Single characters where the source can make them, words otherwise.
  virtual void characters(int64_t step, Batch& batch) const = 0;
  virtual void words(int64_t step, Batch& batch) const = 0;
  virtual const Alphabet& alphabet() const = 0;
  /// One pass over the data, in steps; 0 for a source that never repeats.
  virtual int64_t steps_per_epoch() const { return 0; }
};

/// How words are drawn from a font: a mix of the variants, `letters` letters a step.
struct FontSourceOptions {
  uint64_t seed = 1;
  RandomWords words;
  int letters_per_batch = 128;  ///< all words of a step have one length, as many as this allows
  double plain = 0.2, jitter = 0.2;  ///< shares; the rest is noise
};

/// Renders fresh words for every step.
class FontSource : public BatchSource {
 public:
  /// One task a typeface; every word is drawn in one of them. Throws Error where words hold letters
  /// outside the alphabet, or there is no task.
  FontSource(std::vector<ClassicTask> tasks, Alphabet alphabet, FontSourceOptions options);
  void characters(int64_t step, Batch& batch) const override;
  void words(int64_t step, Batch& batch) const override;
  const Alphabet& alphabet() const override { return alphabet_; }

 private:
  void render(Rng rng, int length, Batch& batch) const;

  std::vector<ClassicTask> tasks_;
  Alphabet alphabet_;
  FontSourceOptions options_;
};

/// Serves labelled images from memory, in a new order every epoch, similar widths together.
class FolderSource : public BatchSource {
 public:
  /// Reads and prepares the images of `samples`. Throws Error where there is none, IoError as
  /// load_gray does; check_samples finds such faults beforehand.
  FolderSource(const std::vector<Sample>& samples, Alphabet alphabet, uint64_t seed,
               int images_per_batch);
  void characters(int64_t step, Batch& batch) const override { words(step, batch); }
  void words(int64_t step, Batch& batch) const override;
  const Alphabet& alphabet() const override { return alphabet_; }
  int64_t steps_per_epoch() const override;

 private:
  struct Item {
    std::string text;
    int width;
    double x0, x1;  // first and last column of the ink
    std::vector<float> ink;
  };

  Alphabet alphabet_;
  Rng rng_;
  int images_per_batch_;
  std::vector<Item> items_;  // by width
};

}  // namespace talweg::ocr

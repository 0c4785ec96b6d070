// Fresh words for every training step: any text, any typeface, as a page and a camera show it.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "core/io/image.h"
#include "ebm/align/topology.h"
#include "ocr/batch.h"
#include "ocr/dataset.h"
#include "ocr/degradation.h"
#include "ocr/image_prep.h"
#include "ocr/text_mix.h"
#include "ocr/typeface_set.h"

namespace talweg::ocr {

struct RenderedOptions {
  uint64_t seed = 1;
  DegradationLevel level = DegradationLevel::kScan;
  /// What the images of a batch have in columns together, padding counted, more or less: 32 words
  /// of 128 columns.
  int columns_per_batch = 4096;
  /// A word whose label does not fit the windows of its image is drawn again.
  WindowCount windows = {};  ///< default: those of Architecture()
  ebm::Topology topology = ebm::Topology::ctc;
};

/// A drawn word.
struct RenderedWord {
  io::Gray8 image;
  std::string text;            ///< UTF-8
  std::vector<CharBox> boxes;  ///< one a character, in pixels of the image
  std::string face;            ///< "Anonymous Pro Regular"
  Degradation degradation;
};

/// Words are drawn in pools of 64 steps, sorted by the width that they will have, and cut into
/// batches of equal area, as padding costs time. A batch depends on the seed and its step alone; a
/// narrow batch has more words than a wide one.
class RenderedSource : public BatchSource {
 public:
  /// Throws Error where the texts may hold letters that the alphabet lacks.
  RenderedSource(std::shared_ptr<const TypefaceSet> faces, TextMix texts, Alphabet alphabet,
                 RenderedOptions options);

  /// Words too: where their letters stand is known, so there is no need to begin with single ones.
  void characters(int64_t step, Batch& batch) const override { words(step, batch); }
  void words(int64_t step, Batch& batch) const override;
  const Alphabet& alphabet() const override { return alphabet_; }

  /// Word `index` of an endless list, one for each seed; another list than the batches are drawn
  /// from, whatever the seeds. For data sets on disk and for validation.
  RenderedWord draw(uint64_t seed, int64_t index) const;
  /// The same, but the text is given. Throws Error where no face has all of its letters.
  RenderedWord draw(const std::string& text, uint64_t seed, int64_t index) const;

  const TypefaceSet& faces() const { return *faces_; }

 private:
  // All that makes a word, but its pixels.
  struct Plan {
    std::u32string text;
    const Typeface* face = nullptr;
    TypeStyle style;
    Degradation degradation;
    Rng rng;           // for what degrade() leaves to chance
    double width = 0;  // that its image will have at the model's height, about
  };
  struct Made {
    RenderedWord word;
    InkImage ink;
  };
  // The words of a pool, by width; batch i is plans [ends[i - 1], ends[i]), and the pool's step s
  // takes batch order[s].
  struct Pool {
    int64_t number = -1;
    std::vector<Plan> plans;
    std::vector<size_t> ends, order;
  };
  Plan plan(std::u32string text, Rng rng) const;
  Plan plan(Rng rng) const;
  std::shared_ptr<const Pool> pool(int64_t number) const;
  Made make(const Plan& plan) const;
  RenderedWord render(const Plan& plan) const;
  bool fits(std::u32string_view text, int model_width) const;
  void fill(std::span<const Plan> plans, Batch& batch) const;

  std::shared_ptr<const TypefaceSet> faces_;
  TextMix texts_;
  Alphabet alphabet_;
  RenderedOptions options_;
  mutable std::mutex mutex_;
  mutable std::shared_ptr<const Pool> last_pool_;  // kept, as the next step mostly wants it too
};

}  // namespace talweg::ocr

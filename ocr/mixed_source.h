// Two sources taken in turns: a user's own images, and words drawn in many typefaces beside them.
#pragma once

#include <memory>
#include <utility>

#include "ocr/batch.h"

namespace talweg::ocr {

/// Of every run of steps the share `share` comes from `first`, spread as evenly as whole steps can
/// be; each source sees steps 0, 1, 2, ... of its own, so that it serves what it would serve alone.
class MixedSource : public BatchSource {
 public:
  /// Throws Error unless 0 < share < 1 and both sources are of one alphabet.
  MixedSource(std::unique_ptr<BatchSource> first, std::unique_ptr<BatchSource> second,
              double share);
  void characters(int64_t step, Batch& batch) const override;
  void words(int64_t step, Batch& batch) const override;
  const Alphabet& alphabet() const override { return first_->alphabet(); }
  /// Steps in which the first source is seen through once; 0 if it never repeats.
  int64_t steps_per_epoch() const override;

  /// The source of a step, and that step's number there.
  std::pair<const BatchSource*, int64_t> at(int64_t step) const;

 private:
  /// How many of the steps 0 ... step - 1 belong to the first source.
  int64_t of_first(int64_t step) const { return int64_t(double(step) * share_); }

  std::unique_ptr<BatchSource> first_, second_;
  double share_;
};

}  // namespace talweg::ocr

#include "ocr/mixed_source.h"

#include <cmath>

namespace talweg::ocr {

MixedSource::MixedSource(std::unique_ptr<BatchSource> first, std::unique_ptr<BatchSource> second,
                         double share)
    : first_(std::move(first)), second_(std::move(second)), share_(share) {
  expect(share > 0 && share < 1, "[mix] the share of steps must lie between 0 and 1, found ",
         share);
  expect(first_->alphabet() == second_->alphabet(), "[mix] one source has the letters '",
         first_->alphabet().to_string(), "', the other '", second_->alphabet().to_string(),
         "'; give both the same");
}

std::pair<const BatchSource*, int64_t> MixedSource::at(int64_t step) const {
  const int64_t before = of_first(step);
  if (of_first(step + 1) > before) return {first_.get(), before};
  return {second_.get(), step - before};
}

void MixedSource::characters(int64_t step, Batch& batch) const {
  const auto [source, its_step] = at(step);
  source->characters(its_step, batch);
}

void MixedSource::words(int64_t step, Batch& batch) const {
  const auto [source, its_step] = at(step);
  source->words(its_step, batch);
}

int64_t MixedSource::steps_per_epoch() const {
  return int64_t(std::ceil(double(first_->steps_per_epoch()) / share_));
}

}  // namespace talweg::ocr

#include "ocr/data_split.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/error.h"
#include "core/rng.h"

namespace talweg::ocr {

DataSplit split(std::vector<Sample> samples, double part, uint64_t seed) {
  expect(part > 0 && part <= 1, "[data] the share kept for training must lie in (0, 1], found ",
         part);
  constexpr uint64_t kStream = uint64_t{1} << 50;  // of the seed; steps count far below it
  Rng rng = Rng(seed).split(kStream);
  for (std::size_t i = samples.size(); i > 1; --i) std::swap(samples[i - 1], samples[rng.below(i)]);
  const auto count = std::ssize(samples);
  const int64_t most = part < 1 && count > 1 ? count - 1 : count;
  const int64_t kept =
      std::clamp<int64_t>(std::llround(double(count) * part), std::min<int64_t>(1, most), most);
  DataSplit split;
  split.validation.assign(samples.begin() + kept, samples.end());
  samples.resize(std::size_t(kept));
  split.train = std::move(samples);
  return split;
}

}  // namespace talweg::ocr

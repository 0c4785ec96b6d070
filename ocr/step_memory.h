// What one training step of the recognizer holds in memory, computed in several ways that give the
// same loss.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/study/memory_timeline.h"
#include "ocr/batch.h"
#include "ocr/word_model.h"

namespace talweg::ocr {

/// A step, watched once, and timed on its own.
struct StepMemory {
  std::string name;
  std::unique_ptr<Tape<float>> tape;
  std::unique_ptr<MemoryTimeline<float>> timeline;
  float loss = 0;
  double milliseconds = 0;  ///< the fastest of a few steps without anybody watching
};

/// The step on one batch of words, forward and backward:
/// - plain: every layer an op of its own;
/// - fused: a convolution, its ReLU and its pool at once, as training does (with a normalisation in
///   between there is nothing to fuse);
/// - checkpointed: plain, each convolution with what follows it computed again on the way back;
/// - fused, checkpointed: both.
/// Throws Error unless all give the same loss.
std::vector<StepMemory> step_memory(const Architecture& architecture, const BatchSource& source,
                                    uint64_t seed, int repeats = 3);

}  // namespace talweg::ocr

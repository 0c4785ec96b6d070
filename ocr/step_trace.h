// The trace of a training step of the recognizer: what `talweg tape` shows.
#pragma once

#include "core/study/trace.h"
#include "ocr/training.h"

namespace talweg::ocr {

/// Records the trainer's next step, forward and back, without taking it. Parameters are named. With
/// order 2, the gradient of the loss is recorded too, and the way back begins at its sum of squares.
/// Throws Error where the order is neither 1 nor 2.
Trace trace_step(WordTrainer& trainer, int order = 1);

}  // namespace talweg::ocr

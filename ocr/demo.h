// The demonstration: one font, from nothing to a reader, and everything needed to tell the story.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "ocr/classic_task.h"
#include "ocr/metrics.h"
#include "ocr/recognizer.h"
#include "ocr/training.h"

namespace talweg::ocr {

inline constexpr std::array kVariants{Variant::kPlain, Variant::kJitter, Variant::kNoise};

/// How large the demonstration is. The defaults are the demonstration; smaller numbers are for tests.
struct DemoOptions {
  TrainingPlan plan;          ///< its seed is the seed of everything
  int headline_words = 300;   ///< a variant, lengths 1 ... 8: the figures that are quoted
  int words_per_length = 50;  ///< a variant and length
  int longest = 20;           ///< letters; training sees words of 1 ... 8
  int curve_points = 10;      ///< how often accuracy is measured while training
  int curve_words = 100;      ///< a variant and point
};

/// Accuracy on fresh words while training.
struct CurvePoint {
  int64_t step = 0;
  std::array<double, 3> cer{};  ///< by variant
};

/// Where the time went, in seconds.
struct DemoTimings {
  double training = 0, evaluation = 0;
  int64_t training_images = 0;
};

/// All that the report shows.
struct DemoRun {
  DemoOptions options;
  Recognizer before, after;  ///< the network as drawn at random, and as trained
  int64_t parameters = 0;
  std::vector<double> losses;  ///< by step, nats a window
  std::vector<CurvePoint> curve;
  std::array<Evaluation, 3> headline;  ///< by variant
  std::array<Evaluation, 3> lengths;   ///< by variant; its by_length has 1 ... longest
  int64_t infeasible = 0;              ///< training labels too long for their image
  DemoTimings timings;
};

/// Called now and then with what is going on, how far it is, and a detail; false stops the demo.
using DemoProgress = std::function<bool(const std::string& what, int64_t done, int64_t total,
                                        const std::string& detail)>;

/// Thrown by run_demo when the progress callback asked to stop.
struct DemoStopped {};

/// Trains on `task` and measures. The same seed gives the same run for any number of threads. Saves the
/// model to `model_path` at the end.
DemoRun run_demo(const ClassicTask& task, const DemoOptions& options, const std::string& model_path,
                 const DemoProgress& progress);

/// Fresh words of the task, never the ones that training drew, and how `recognizer` reads them.
std::vector<WordPair> read_fresh_words(const Recognizer& recognizer, const ClassicTask& task,
                                       Variant variant, const RandomWords& words, int count,
                                       Rng rng);

/// `plain`, `jitter`, `noise` with cer, exact, n and intervals; `by_length`; `seed`. Nothing that
/// depends on the clock.
std::string results_json(const DemoRun& run);

}  // namespace talweg::ocr

#include "ocr/cli/train_forecast.h"

#include <sys/resource.h>

#include <algorithm>
#include <cmath>

#include "core/io/text.h"
#include "ocr/cli/progress.h"

namespace talweg::ocr::cli {
namespace {

constexpr int64_t kWarmUp = 2;

/// Numbers in the images of the largest batch among the first `steps`.
int64_t largest_batch(const BatchSource& source, int64_t steps) {
  Batch batch;
  int64_t largest = 0;
  for (int64_t step = 0; step < steps; ++step) {
    source.words(step, batch);
    largest = std::max(largest, batch.images.size());
  }
  return largest;
}

double most_bytes_so_far() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return double(usage.ru_maxrss) * 1024;  // Linux counts in kilobytes
}

/// What is not there in the trial: a state that is kept, and the tensors of a checkpoint (the model, the
/// state kept, two for the optimiser) with the file made of them.
double bytes_of_checkpoint(int64_t parameters) {
  return double(parameters) * sizeof(float) * (1 + 4 + 4);
}

}  // namespace

Forecast forecast(TrainingPlan plan, const BatchSource& source, int64_t steps,
                  nn::Communicator& ranks) {
  const double share = double(plan.character_steps) / double(plan.steps());
  plan.character_steps =
      std::min<int64_t>(plan.character_steps, std::llround(double(steps) * share));
  plan.word_steps = steps + kWarmUp - plan.character_steps;
  WordTrainer trial(plan, source);
  if (ranks.size() > 1) trial.share(ranks, "a trial");
  trial.run([&](const TrainingReport& r) { return r.step + 1 < kWarmUp; });
  Stopwatch clock;
  clock.go();
  trial.run();
  clock.pause();
  // Images on disk come in batches of all widths, the widest perhaps at the end of an epoch.
  constexpr int64_t kLooked = 200;
  const int64_t epoch = std::min(source.steps_per_epoch(), kLooked);
  double grown = 1;
  if (epoch > 0) {
    grown = double(largest_batch(source, epoch)) /
            double(std::max<int64_t>(
                1, largest_batch(source, std::min(epoch, plan.steps() * plan.micro_batches))));
  }
  const auto tape = double(trial.tape().pool().reserved_bytes());
  return ranks.broadcast(Forecast{
      clock.seconds() / double(steps),
      most_bytes_so_far() + (grown - 1) * tape + bytes_of_checkpoint(trial.parameter_count())});
}

std::string to_string(const Forecast& forecast, int64_t steps) {
  return message("about ", clock_time(forecast.seconds_a_step * double(steps)), " (",
                 io::format_short(forecast.seconds_a_step, 2), " s a step), about ",
                 io::format_short(forecast.bytes / 1e6, 2), " MB");
}

}  // namespace talweg::ocr::cli

#include "ocr/demo.h"

#include <chrono>
#include <nlohmann/json.hpp>

#include "core/io/text.h"

namespace talweg::ocr {

namespace {

// Streams of the seed that training, which counts steps, never reaches.
constexpr uint64_t kHeadlineStream = uint64_t{1} << 40, kLengthStream = kHeadlineStream + 1,
                   kCurveStream = kHeadlineStream + 2;

class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

void go_on(const DemoProgress& progress, const std::string& what, int64_t done, int64_t total,
           const std::string& detail) {
  if (progress && !progress(what, done, total, detail)) throw DemoStopped();
}

std::string percent(double share) { return io::format_number(100 * share, 2) + " %"; }

CurvePoint measure(const Recognizer& recognizer, const ClassicTask& task,
                   const DemoOptions& options, int64_t step) {
  CurvePoint point{step, {}};
  for (std::size_t v = 0; v < kVariants.size(); ++v) {
    const Rng rng = Rng(options.plan.seed).split(kCurveStream).split(v);
    const auto pairs =
        read_fresh_words(recognizer, task, kVariants[v], RandomWords(), options.curve_words, rng);
    point.cer[v] = evaluate(pairs, 1, 1).total.cer();
  }
  return point;
}

/// Headline figures and accuracy by length, for all variants.
void evaluate_run(DemoRun& run, const ClassicTask& task, const DemoProgress& progress) {
  const DemoOptions& o = run.options;
  const int64_t total = int64_t(kVariants.size()) * (o.longest + 1);
  int64_t done = 0;
  for (std::size_t v = 0; v < kVariants.size(); ++v) {
    const Rng headline = Rng(o.plan.seed).split(kHeadlineStream).split(v);
    run.headline[v] = evaluate(
        read_fresh_words(run.after, task, kVariants[v], RandomWords(), o.headline_words, headline));
    go_on(progress, "measuring", ++done, total, std::string(variant_name(kVariants[v])));
    std::vector<WordPair> pairs;
    for (int length = 1; length <= o.longest; ++length) {
      RandomWords words;
      words.min_length = words.max_length = length;
      const Rng rng = Rng(o.plan.seed).split(kLengthStream).split(v).split(uint64_t(length));
      const auto more =
          read_fresh_words(run.after, task, kVariants[v], words, o.words_per_length, rng);
      pairs.insert(pairs.end(), more.begin(), more.end());
      go_on(progress, "measuring", ++done, total, std::string(variant_name(kVariants[v])));
    }
    run.lengths[v] = evaluate(pairs);
  }
}

nlohmann::json score_json(const Score& s) {
  return {{"cer", s.cer()},
          {"exact", s.exact_rate()},
          {"n", s.words},
          {"edits", s.edits.edits()},
          {"characters", s.edits.reference_length()},
          {"cer_interval", {s.cer_interval.low, s.cer_interval.high}},
          {"exact_interval", {s.exact_interval.low, s.exact_interval.high}}};
}

}  // namespace

std::vector<WordPair> read_fresh_words(const Recognizer& recognizer, const ClassicTask& task,
                                       Variant variant, const RandomWords& words, int count,
                                       Rng rng) {
  std::vector<io::Gray8> images;
  std::vector<WordPair> pairs;
  for (int i = 0; i < count; ++i) {
    Rng one = rng.split(uint64_t(i));
    pairs.push_back({random_word(words, one), ""});
    images.push_back(task.render(pairs.back().reference, variant, one));
  }
  const std::vector<Reading> readings = recognizer.read(images);
  for (std::size_t i = 0; i < pairs.size(); ++i) pairs[i].hypothesis = readings[i].text;
  return pairs;
}

DemoRun run_demo(const ClassicTask& task, const DemoOptions& options, const std::string& model_path,
                 const DemoProgress& progress) {
  FontSourceOptions source_options;
  source_options.seed = options.plan.seed;
  const FontSource source({task}, Alphabet(), source_options);
  WordTrainer trainer(options.plan, source);
  DemoRun run{options,
              trainer.recognizer(),
              trainer.recognizer(),
              trainer.parameter_count(),
              {},
              {},
              {},
              {},
              0,
              {}};

  const Stopwatch training;
  const int64_t every = std::max<int64_t>(1, options.plan.steps() / options.curve_points);
  trainer.run([&](const TrainingReport& r) {
    run.losses.push_back(r.loss);
    run.infeasible = r.infeasible;
    run.timings.training_images = r.images;
    if ((r.step + 1) % every == 0 || r.step + 1 == r.steps) {
      run.curve.push_back(measure(trainer.recognizer(), task, options, r.step + 1));
    }
    std::string detail =
        message(r.words ? "words" : "characters", ", loss ", io::format_number(r.loss, 3));
    if (!run.curve.empty()) detail += ", CER with noise " + percent(run.curve.back().cer[2]);
    go_on(progress, "training", r.step + 1, r.steps, detail);
    return true;
  });
  run.timings.training = training.seconds();

  const Stopwatch evaluation;
  run.after = trainer.recognizer();
  evaluate_run(run, task, progress);
  run.timings.evaluation = evaluation.seconds();
  trainer.save(model_path,
               {{"trained_on", "the classic task, seed " + std::to_string(options.plan.seed)}});
  return run;
}

std::string results_json(const DemoRun& run) {
  nlohmann::ordered_json j;
  j["seed"] = run.options.plan.seed;
  for (std::size_t v = 0; v < kVariants.size(); ++v) {
    j[std::string(variant_name(kVariants[v]))] = score_json(run.headline[v].total);
  }
  for (std::size_t v = 0; v < kVariants.size(); ++v) {
    auto& lengths = j["by_length"][std::string(variant_name(kVariants[v]))];
    for (const auto& [length, score] : run.lengths[v].by_length) {
      lengths[std::to_string(length)] = score_json(score);
    }
  }
  j["training"] = {{"character_steps", run.options.plan.character_steps},
                   {"word_steps", run.options.plan.word_steps},
                   {"images", run.timings.training_images},
                   {"infeasible", run.infeasible},
                   {"parameters", run.parameters},
                   {"architecture", run.options.plan.architecture.to_string()},
                   {"topology", ebm::to_string(run.options.plan.topology)},
                   {"beta", run.options.plan.beta.to_string()}};
  return j.dump(2) + "\n";
}

}  // namespace talweg::ocr

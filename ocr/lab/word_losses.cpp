// E11: what words are taught by decides how they are read.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <optional>
#include <string>

#include "core/error.h"
#include "core/io/svg.h"
#include "core/io/text.h"
#include "ebm/align/grammar.h"
#include "ebm/align/soft_ops.h"
#include "ebm/align/word_energy.h"
#include "ocr/classic_task.h"
#include "ocr/demo.h"
#include "ocr/lab/experiments.h"
#include "ocr/metrics.h"
#include "ocr/training.h"

namespace talweg::ocr::lab {
namespace {

using ebm::WordLoss;
using ebm::lab::Findings;
using ebm::lab::RunOptions;

constexpr uint64_t kTestStream = uint64_t{1} << 42;  // of the seed; training counts steps

/// Words to be read, the same for every loss.
struct TestWords {
  std::vector<io::Gray8> images;
  std::vector<std::string> texts;
};

TestWords draw_words(const ClassicTask& task, uint64_t seed, int per_variant) {
  TestWords test;
  for (std::size_t v = 0; v < kVariants.size(); ++v) {
    for (int i = 0; i < per_variant; ++i) {
      Rng rng = Rng(seed).split(kTestStream + v).split(uint64_t(i));
      test.texts.push_back(random_word(RandomWords(), rng));
      test.images.push_back(task.render(test.texts.back(), kVariants[v], rng));
    }
  }
  return test;
}

/// The planted fault: every image is taught its neighbour's word.
class MixedUpWords : public BatchSource {
 public:
  explicit MixedUpWords(const BatchSource& source) : source_(source) {}
  void characters(int64_t step, Batch& batch) const override { source_.characters(step, batch); }
  void words(int64_t step, Batch& batch) const override {
    source_.words(step, batch);
    ebm::LabelList turned;
    const ebm::RaggedLabels words = batch.words.view();
    for (int64_t b = 0; b < words.size(); ++b) turned.add(words[(b + 1) % words.size()]);
    batch.words = turned;
  }
  const Alphabet& alphabet() const override { return source_.alphabet(); }

 private:
  const BatchSource& source_;
};

/// What reading came to: by word the edits, and all of it.
struct Outcome {
  std::vector<double> edits;
  Score score;
  double mean_probability = 0, probability_error = 0;  ///< of p(reading | x), and of being right
};

Outcome read_words(const Recognizer& recognizer, const TestWords& test) {
  Outcome out;
  std::vector<WordPair> pairs;
  double variance = 0;
  const auto n = static_cast<double>(test.texts.size());
  const std::vector<Reading> readings = recognizer.read(test.images);
  for (std::size_t i = 0; i < readings.size(); ++i) {
    pairs.push_back({test.texts[i], readings[i].text});
    out.edits.push_back(
        static_cast<double>(evaluate({&pairs.back(), 1}, 1, 1).total.edits.edits()));
    const double p = readings[i].confidence;
    out.mean_probability += p / n;
    variance += p * (1 - p);
  }
  out.probability_error = std::sqrt(variance) / n;
  out.score = evaluate(pairs).total;
  return out;
}

/// One loss's training, as the report shows it.
struct Lesson {
  std::string name;
  Outcome after;
  double milliseconds = 0;  ///< a step on words
  std::unique_ptr<Recognizer> reader;
};

/// `beta`: what the loss asks for, if none is given.
TrainingPlan plan_of(WordLoss loss, const RunOptions& options, const WordLossSize& size,
                     std::optional<BetaSchedule> beta = {}) {
  TrainingPlan plan;
  plan.architecture = size.architecture;
  plan.seed = options.seed;
  plan.character_steps = size.character_steps;
  plan.word_steps = size.word_steps;
  plan.loss.loss = loss;
  if (ebm::needs_temperature(loss)) plan.beta = {1, 1};
  if (beta) plan.beta = *beta;
  return plan;
}

Lesson teach(std::string name, const TrainingPlan& plan, const BatchSource& source,
             const TestWords& test) {
  Lesson lesson{.name = std::move(name), .after = {}, .reader = nullptr};
  WordTrainer trainer(plan, source);
  auto begun = std::chrono::steady_clock::now();
  trainer.run([&](const TrainingReport& r) {
    if (!r.words) begun = std::chrono::steady_clock::now();
    return true;
  });
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begun;
  lesson.milliseconds = took.count() / static_cast<double>(plan.word_steps);
  lesson.reader = std::make_unique<Recognizer>(trainer.recognizer());
  lesson.after = read_words(*lesson.reader, test);
  return lesson;
}

/// Characters alone, where all lessons on words begin.
Outcome before_words(const BatchSource& source, const TestWords& test, const RunOptions& options,
                     const WordLossSize& size) {
  WordTrainer trainer(plan_of(WordLoss::path_ce, options, size), source);
  trainer.run([&](const TrainingReport& r) { return r.step + 1 < size.character_steps; });
  return read_words(trainer.recognizer(), test);
}

/// The edits a word that `better` saves over `worse`: more than four standard errors.
ebm::lab::Measurement fewer_edits(const std::string& what, const Outcome& worse,
                                  const Outcome& better) {
  std::vector<double> saved;
  for (std::size_t i = 0; i < worse.edits.size(); ++i) {
    saved.push_back(worse.edits[i] - better.edits[i]);
  }
  const ebm::lab::Estimate e = ebm::lab::estimate(saved);
  return ebm::lab::at_least(what, 4 * e.standard_error, e.mean, 0,
                            "the limit is 4 standard errors over the words");
}

/// Facts of the energies that a model gives the words: how often each is broken.
struct EnergyFacts {
  int64_t outside = 0;  ///< of 0 <= F_min - F_1 <= log N, N the number of paths
  int64_t above = 0;    ///< the exact reading's energy above that of the majority vote's
  int64_t differ = 0;   ///< majority votes that are another word than the exact reading
  double paths = 0;     ///< exp(mean log N): a typical number of paths
};

EnergyFacts facts_of(const Recognizer& reader, const TestWords& test) {
  EnergyFacts facts;
  const ebm::Grammar grammar{reader.alphabet().between(), reader.topology()};
  const std::vector<EnergyMap> maps = reader.energies(test.images);
  DecoderOptions majority;
  majority.way = Decoder::classic;
  double mean_log = 0;
  for (std::size_t i = 0; i < maps.size(); ++i) {
    const EnergyMap& m = maps[i];
    const std::vector<int32_t> word = reader.alphabet().encode(test.texts[i]);
    const auto energy = [&](double beta) {
      return ebm::WordEnergy<float>(m.values.data(), m.windows, m.symbols, grammar, beta)(word);
    };
    const double hard = energy(HUGE_VAL), soft = energy(1);
    // Of L windows, T - 1 of the L - 1 steps advance: C(L - 1, T - 1) paths.
    const double l = m.windows, t = 2.0 * static_cast<double>(word.size());
    const double log_n = std::lgamma(l) - std::lgamma(t) - std::lgamma(l - t + 1);
    mean_log += log_n / static_cast<double>(maps.size());
    const double rounding = 1e-9 * (1 + std::abs(hard));
    facts.outside += hard - soft < -rounding || hard - soft > log_n + rounding;
    const Reading exact = decode(m, reader.alphabet(), reader.topology());
    const Reading vote = decode(m, reader.alphabet(), reader.topology(), majority);
    facts.differ += exact.text != vote.text;
    facts.above += vote.status == ebm::AlignStatus::ok && exact.energy > vote.energy;
  }
  facts.paths = std::exp(mean_log);
  return facts;
}

std::string percent(double share) { return io::format_number(100 * share, 3); }

io::Table table_of(const std::vector<Lesson>& lessons, const Outcome& before) {
  io::Table table{
      {"loss", "CER, %", "95 %", "exact words, %", "mean p(reading)", "ms a step"}, {}, ""};
  const auto row = [&](std::string name, const Outcome& o, std::string time) {
    table.rows.push_back(
        {std::move(name), percent(o.score.cer()),
         percent(o.score.cer_interval.low) + " – " + percent(o.score.cer_interval.high),
         percent(o.score.exact_rate()), io::format_number(o.mean_probability, 3), std::move(time)});
  };
  row("characters alone", before, "");
  for (const Lesson& l : lessons) {
    row(l.name, l.after, io::format_number(l.milliseconds, 2));
  }
  table.caption =
      "Reading after training by each loss. The times are this machine's and this run's, all else "
      "repeats with the seed.";
  return table;
}

/// A row for each loss: its error rate and interval on a logarithmic axis; 0 at the left end.
std::string chart_of(const std::vector<Lesson>& lessons, const Outcome& before) {
  constexpr double kLow = 0.05, kHigh = 100;  // percent
  constexpr double kLeft = 140, kRight = 690, kTop = 40, kRow = 24;
  const double bottom = kTop + kRow * static_cast<double>(lessons.size() + 1);
  io::Svg svg(720, bottom + 48, "Character error rate by loss");
  const auto x_of = [&](double percent) {
    const double part = std::log(std::clamp(percent, kLow, kHigh) / kLow) / std::log(kHigh / kLow);
    return kLeft + part * (kRight - kLeft);
  };
  svg.text(kLeft, 20, "Character error rate, %", {.size = 14, .bold = true});
  for (const double tick : io::log_ticks(0.1, kHigh)) {
    svg.line(x_of(tick), kTop, x_of(tick), bottom, {.opacity = 0.15});
    svg.text(x_of(tick), bottom + 18, io::format_number(tick, 1),
             {.anchor = io::Svg::Anchor::kMiddle, .opacity = 0.7});
  }
  double y = kTop + kRow / 2;
  const auto row = [&](std::string_view name, const Outcome& o, std::size_t color) {
    const double cer = 100 * o.score.cer();
    svg.text(kLeft - 12, y + 4, name, {.anchor = io::Svg::Anchor::kEnd});
    svg.line(x_of(100 * o.score.cer_interval.low), y, x_of(100 * o.score.cer_interval.high), y,
             {.color = io::series_color(color), .width = 2});
    svg.circle(x_of(cer), y, 4, io::series_color(color));
    if (cer < kLow) svg.text(x_of(cer) + 8, y + 4, "none wrong", {.size = 11, .opacity = 0.7});
    y += kRow;
  };
  row("characters alone", before, 1);
  for (const Lesson& l : lessons) row(l.name, l.after, 0);
  return svg.str();
}

}  // namespace

Findings compare_word_losses(const RunOptions& options, const WordLossSize& size) {
  const ClassicTask task = ClassicTask::standard();
  FontSourceOptions draws;
  draws.seed = options.seed;
  const FontSource font({task}, Alphabet(), draws);
  const MixedUpWords mixed_up(font);
  const BatchSource& source = options.fault ? static_cast<const BatchSource&>(mixed_up) : font;
  const TestWords test = draw_words(task, options.seed, size.words_per_variant);

  const Outcome before = before_words(source, test, options, size);
  std::vector<Lesson> lessons;
  for (std::size_t i = 0; i < ebm::word_loss_names().size(); ++i) {
    const WordLoss loss{uint8_t(i)};
    const TrainingPlan plan = plan_of(loss, options, size);
    lessons.push_back(teach(std::string(ebm::to_string(loss)), plan, source, test));
  }
  const BetaSchedule warm = BetaSchedule::parse("0.3:inf");
  lessons.push_back(
      teach("path-ce, β 0.3:∞", plan_of(WordLoss::path_ce, options, size, warm), source, test));
  const auto of = [&](WordLoss loss) -> const Lesson& { return lessons[std::size_t(loss)]; };

  Findings found;
  for (const WordLoss loss : {WordLoss::path_ce, WordLoss::forward_ce, WordLoss::nll,
                              WordLoss::hinge, WordLoss::log, WordLoss::infonce, WordLoss::mce}) {
    found.measurements.push_back(fewer_edits(
        message("edits a word that ", ebm::to_string(loss), " saves over characters alone"), before,
        of(loss).after));
  }
  found.measurements.push_back(fewer_edits("edits a word that hinge saves over square-square",
                                           of(WordLoss::square_square).after,
                                           of(WordLoss::hinge).after));
  const EnergyFacts facts = facts_of(*of(WordLoss::path_ce).reader, test);
  found.measurements.push_back(ebm::lab::within_bound("words outside 0 <= F_min - F_1 <= log N", 0,
                                                      double(facts.outside), 0, "a theorem"));
  found.measurements.push_back(
      ebm::lab::within_bound("exact readings of more energy than the majority vote's", 0,
                             double(facts.above), 0, "a theorem"));
  found.figures.push_back({chart_of(lessons, before),
                           "Bars are 95 % bootstrap intervals. Losses that compare the right word "
                           "with wrong ones do best; those that want energies of a fixed size, "
                           "square-square above all, do worst."});
  found.tables.push_back(table_of(lessons, before));
  found.remarks = {
      message(
          "Relative losses (nll, hinge, log, infonce, mce) see differences of word energies, and "
          "those are all that reading needs. square-square and simple ask for F(y) <= 0 and "
          "F(wrong) >= m, though the sum over windows has no natural zero; square-square's pull "
          "grows with the violation, so that the longest words rule."),
      message("The majority vote of the coursework read another word than the exact minimum in ",
              facts.differ, " of ", test.texts.size(), " cases; a typical word has ",
              ebm::lab::number(facts.paths), " paths."),
      message("Mean probability of the reading under nll: ",
              io::format_number(of(WordLoss::nll).after.mean_probability, 4), "; it was right in ",
              percent(of(WordLoss::nll).after.score.exact_rate()), " %."),
      message(
          "Annealing, from all paths at β = 0.3 to the best one alone over the first half, gave "
          "a CER of ",
          percent(lessons.back().after.score.cer()), " %, the best path from the start ",
          percent(of(WordLoss::path_ce).after.score.cer()),
          " %; the intervals in the table say whether that is a difference."),
  };
  return found;
}

ebm::lab::Experiment word_losses() {
  return {
      "E11",
      "word-losses",
      "Words are read best by losses that compare words",
      "The aligner's free energy F(x, y) is an energy like any other. Which of the losses of the "
      "theory, put on it, teach a net to read, and which do not?",
      "The classic task in one font: every loss starts from the same net, trained on single "
      "characters, and takes as many steps on the same words; then all read the same fresh words, "
      "plain, shifted and with noise. Wrong words are found exactly "
      "among all words. Predicted: every loss that is relative or normalised mends what "
      "characters alone left wrong; square-square, absolute and unbounded, is worse than hinge; "
      "and, whatever the net learned, 0 <= F_min - F_beta <= log N / beta, and no decoding has "
      "less energy than the exact one.",
      "every image is taught its neighbour's word",
      [](const RunOptions& options) {
        return compare_word_losses(
            options, options.full ? WordLossSize{240, 2160, 300} : WordLossSize{50, 450, 100});
      }};
}

}  // namespace talweg::ocr::lab

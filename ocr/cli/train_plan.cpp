#include "ocr/cli/train_plan.h"

#include <algorithm>
#include <cstdio>

#include "ocr/cli/command.h"
#include "ocr/cli/conv_algo_option.h"
#include "ocr/cli/train_forecast.h"

namespace talweg::ocr::cli {
namespace {

// Stage 1's share of all steps. Where letters were measured, it teaches whole words as well.
constexpr double kCharacterShare = 0.1, kMeasuredShare = 0.03;

/// What the reader is trained with; the table of what was tried is in models/README.md.
constexpr const char* kReaderArchitecture =
    "net/24p-48p-96-128v-192-c256-w256-r80d2-r80d4-r80d8/x2";
constexpr const char* kReaderTopology = "margins";
constexpr const char* kReaderLoss = "nll";
constexpr double kReaderLearningRate = 2e-3, kReaderGuide = 0.3;
constexpr int64_t kReaderWarmup = 300;

/// A trained model is taken further with smaller steps, that it may not forget.
constexpr double kFineTuningRate = 5e-4;
constexpr int64_t kFineTuningSteps = 1000, kFineTuningWarmup = 100;

void set_steps(TrainingPlan& plan, int64_t steps, double character_share) {
  const int64_t least = character_share > 0 ? 1 : 0;
  plan.character_steps = std::max(least, int64_t(double(steps) * character_share));
  plan.word_steps = std::max<int64_t>(1, steps - plan.character_steps);
}

/// Steps that fit into `seconds`, from a short run that is thrown away: single characters and words in
/// the plan's proportion.
int64_t steps_in(double seconds, double share, TrainingPlan plan, const BatchSource& source,
                 nn::Communicator& ranks) {
  constexpr int64_t kTrial = 40;
  set_steps(plan, kTrial, share);
  const double a_step = forecast(plan, source, kTrial, ranks).seconds_a_step;
  return std::max<int64_t>(10, int64_t(seconds / a_step));
}

/// The loss that was asked for, and its temperature.
void set_loss(TrainingPlan& plan, const TrainArguments& a) {
  const LossNumbers& said = a.loss_numbers;
  plan.loss.margin = said.margin.value_or(plan.loss.margin);
  plan.loss.negatives = said.negatives.value_or(plan.loss.negatives);
  plan.loss.loss = ebm::parse_word_loss(a.loss);
  plan.beta = beta_of(a.beta, plan.loss.loss);
}

bool has_margin(ebm::WordLoss loss) {
  return loss == ebm::WordLoss::hinge || loss == ebm::WordLoss::square_square ||
         loss == ebm::WordLoss::simple;
}

bool has_negatives(ebm::WordLoss loss) { return loss == ebm::WordLoss::infonce; }

/// Takes the model's own settings where none were given.
void complete_from_model(TrainArguments& a) {
  const ModelInfo info = model_info(nn::Checkpoint::load(a.load));
  const auto same = [&](std::string& said, const std::string& its, const char* option) {
    if (!said.empty() && said != its) {
      throw UsageError(message(a.load, " is a model of ", its, "; ", option, " ", said,
                               " can't begin from it: leave ", option, " out"));
    }
    said = its;
  };
  // More r blocks may stand behind the model's own.
  std::string its = info.architecture.to_string();
  if (!a.data.architecture.empty()) {
    const Architecture said = Architecture::parse(a.data.architecture);
    a.data.architecture = said.to_string();
    if (said.extends(info.architecture)) its = a.data.architecture;
  }
  same(a.data.architecture, its, "--architecture");
  same(a.data.topology, ebm::to_string(info.topology), "--topology");
  a.data.base = info.alphabet.to_string();
  if (a.learning_rate == 0) a.learning_rate = kFineTuningRate;
  const std::optional<TrainingPlan> plan = plan_in(info, a.load);
  if (!plan) return;
  if (a.guide < 0) a.guide = plan->guide;
  if (!a.loss.empty()) return;  // then its temperature and its options may not fit
  a.loss = ebm::to_string(plan->loss.loss);
  if (has_margin(plan->loss.loss) && !a.loss_numbers.margin) {
    a.loss_numbers.margin = plan->loss.margin;
  }
  if (has_negatives(plan->loss.loss) && !a.loss_numbers.negatives) {
    a.loss_numbers.negatives = plan->loss.negatives;
  }
  if (a.beta.empty()) a.beta = BetaSchedule{plan->beta.last, plan->beta.last}.to_string();
}

}  // namespace

void complete(TrainArguments& a) {
  if (!a.load.empty()) complete_from_model(a);
  const bool reader = !a.data.typefaces.empty();
  const TrainingPlan classic;
  const auto fill = [&](std::string& said, const std::string& usual, const char* of_reader) {
    if (said.empty()) said = reader ? of_reader : usual;
  };
  fill(a.data.architecture, classic.architecture.to_string(), kReaderArchitecture);
  fill(a.data.topology, ebm::to_string(classic.topology), kReaderTopology);
  fill(a.loss, std::string(ebm::to_string(classic.loss.loss)), kReaderLoss);
  if (a.learning_rate == 0) a.learning_rate = reader ? kReaderLearningRate : classic.learning_rate;
  if (a.guide < 0) a.guide = reader ? kReaderGuide : classic.guide;
}

double parse_time(const std::string& text) {
  std::size_t used = 0;
  double value = 0;
  try {
    value = std::stod(text, &used);
  } catch (const std::exception&) {
    used = 0;
  }
  const std::string unit = text.substr(used);
  const double scale = unit == "s" || unit.empty() ? 1 : unit == "m" ? 60 : unit == "h" ? 3600 : 0;
  if (used == 0 || scale == 0 || !(value > 0)) {
    throw UsageError(message("'", text, "' is no length of time; write 90s, 10m or 1h"));
  }
  return value * scale;
}

void check_loss(const TrainArguments& a) {
  TrainingPlan plan;
  set_loss(plan, a);
  if (a.loss_numbers.margin && !has_margin(plan.loss.loss)) {
    throw UsageError(message("--margin is for hinge, square-square and simple; the loss is ",
                             a.loss, ", which has none"));
  }
  if (a.loss_numbers.negatives && !has_negatives(plan.loss.loss)) {
    throw UsageError(message("--negatives is for infonce; the loss is ", a.loss,
                             ", which takes all words or the most offending one"));
  }
  try {
    for (const double beta : {plan.beta.first, plan.beta.last}) ebm::check(plan.loss, beta);
  } catch (const Error& e) {
    throw UsageError(e.what());
  }
}

void check_shares(const TrainingPlan& plan, const nn::Communicator& ranks) {
  if (ranks.size() <= plan.micro_batches) return;
  throw UsageError(message(ranks.size(), " processes can't share ", plan.micro_batches,
                           " micro-batch", plan.micro_batches == 1 ? "" : "es",
                           " a step; begin a run with --micro-batches ", ranks.size(),
                           " or more, or start fewer processes"));
}

TrainingPlan plan_of(const TrainArguments& a, const TrainingData& data, bool quiet,
                     nn::Communicator& ranks) {
  TrainingPlan plan;
  plan.seed = a.data.seed;
  plan.micro_batches = a.micro_batches;
  check_shares(plan, ranks);
  plan.learning_rate = a.learning_rate;
  plan.guide = a.guide;
  double share = data.rendered ? kMeasuredShare : kCharacterShare;
  if (data.rendered) plan.warmup_steps = kReaderWarmup;
  if (!a.load.empty()) {
    share = 0;  // it knows single characters
    plan.warmup_steps = kFineTuningWarmup;
    set_steps(plan, kFineTuningSteps, share);
  }
  plan.architecture = Architecture::parse(a.data.architecture);
  plan.topology = ebm::parse_topology(a.data.topology);
  set_loss(plan, a);
  plan.conv_algo = parse_conv_algo(a.conv_algo);
  if (a.epochs > 0) {
    if (data.source->steps_per_epoch() == 0) {
      throw UsageError("--epochs counts passes over labelled images; from fonts, give --steps");
    }
    const int64_t batches = a.epochs * data.source->steps_per_epoch();
    set_steps(plan, (batches + a.micro_batches - 1) / a.micro_batches, share);
  } else if (a.steps > 0) {
    set_steps(plan, a.steps, share);
  } else if (!a.time.empty()) {
    const double seconds = parse_time(a.time);
    set_steps(plan, steps_in(seconds, share, plan, *data.source, ranks), share);
    if (!quiet) {
      std::fprintf(stderr, "%lld steps fit into %s here; --steps %lld repeats this run anywhere\n",
                   static_cast<long long>(plan.steps()), a.time.c_str(),
                   static_cast<long long>(plan.steps()));
    }
  }
  return plan;
}

LearningRules rules_of(const TrainArguments& a, const TrainingData& data, int64_t steps) {
  LearningRules rules;
  rules.every = a.validate_every > 0 ? a.validate_every : std::max<int64_t>(1, steps / 10);
  rules.patience = a.patience;
  // Words that are drawn never come back, and the learning rate ends at zero: the last state is the
  // best, but for chance. A set of images can be learned by heart.
  rules.keep_best = a.keep.empty() ? !data.own.empty() || a.patience > 0 : a.keep == "best";
  if (data.validation().empty() && (a.patience > 0 || a.keep == "best")) {
    throw IoError(message(a.data.train, ": no image is left to measure on, as ",
                          a.patience > 0 ? "--patience" : "--keep best",
                          " asks for; give a set with --val, or a share with --val-share"));
  }
  return rules;
}

}  // namespace talweg::ocr::cli

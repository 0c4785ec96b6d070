#include "ocr/training.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/kernels/kernels.h"
#include "core/ops/elementwise.h"
#include "core/ops/shape_ops.h"
#include "core/ops/softmax.h"
#include "nn/schedule.h"
#include "nn/tree_sum.h"
#include "ocr/fine_tune.h"
#include "ocr/json_numbers.h"
#include "ocr/prefetch.h"

namespace talweg::ocr {

namespace {

constexpr const char* kPlanKey = "training_plan";

nn::Network<float> network_for(const TrainingPlan& plan, const BatchSource& source) {
  return make_network(plan.architecture, source.alphabet().size(), Rng(plan.seed).split(1));
}

IoError damaged_plan(const std::string& origin, const std::exception& e) {
  return IoError(message(origin, ": the training plan inside is damaged (", e.what(), ")"));
}

std::string to_json(const TrainingPlan& plan, int64_t images, int64_t infeasible) {
  nlohmann::json j{{"seed", plan.seed},
                   {"character_steps", plan.character_steps},
                   {"word_steps", plan.word_steps},
                   {"loss", std::string(ebm::to_string(plan.loss.loss))},
                   {"margin", plan.loss.margin},
                   {"negatives", plan.loss.negatives},
                   {"beta", plan.beta.to_string()},
                   {"learning_rate", plan.learning_rate},
                   {"warmup_steps", plan.warmup_steps},
                   {"weight_decay", plan.weight_decay},
                   {"max_gradient_norm", plan.max_gradient_norm},
                   {"guide", plan.guide},
                   {"conv_algo", std::string(conv_algo_name(plan.conv_algo))},
                   {"images", images},
                   {"infeasible", infeasible}};
  // Left out where there is one, as before there were any.
  if (plan.micro_batches != 1) j["micro_batches"] = plan.micro_batches;
  return j.dump();
}

/// Which numbers of batches a process makes, one after another.
class BatchNumbers {
 public:
  BatchNumbers(int micro_batches, const nn::Communicator* ranks) : micro_batches_(micro_batches) {
    const std::vector<int> owners =
        nn::shared_evenly(micro_batches, ranks != nullptr ? ranks->size() : 1);
    const auto mine = std::equal_range(owners.begin(), owners.end(), ranks ? ranks->rank() : 0);
    first_ = mine.first - owners.begin();
    count_ = mine.second - mine.first;
  }
  /// The i-th of all, from step 0 on.
  int64_t operator[](int64_t i) const { return i / count_ * micro_batches_ + first_ + i % count_; }
  /// How many are in the steps before `step`.
  int64_t before(int64_t step) const { return step * count_; }

 private:
  int64_t micro_batches_, first_ = 0, count_ = 1;
};

}  // namespace

std::optional<TrainingPlan> plan_in(const ModelInfo& info, const std::string& origin) {
  const auto entry = info.metadata.find(kPlanKey);
  if (entry == info.metadata.end()) return {};
  try {
    const auto j = nlohmann::json::parse(entry->second);
    constexpr int64_t kMostNegatives = 1000, kMostMicroBatches = 65536;
    constexpr double kMost = 1e30;
    TrainingPlan plan;
    plan.architecture = info.architecture;
    plan.topology = info.topology;
    plan.seed = seed_in(j, "seed");
    plan.character_steps = count_in(j, "character_steps");
    plan.word_steps = count_in(j, "word_steps");
    plan.loss.loss = ebm::parse_word_loss(j.value("loss", std::string("path-ce")));
    plan.loss.margin = j.value("margin", plan.loss.margin);
    if (j.contains("negatives")) {
      plan.loss.negatives = int(count_in(j, "negatives", kMostNegatives));
    }
    plan.beta = BetaSchedule::parse(j.value("beta", BetaSchedule().to_string()));
    plan.learning_rate = number_in(j, "learning_rate", 0, kMost);
    plan.warmup_steps = count_in(j, "warmup_steps");
    plan.weight_decay = number_in(j, "weight_decay", 0, kMost);
    plan.max_gradient_norm = number_in(j, "max_gradient_norm", 0, kMost);
    if (j.contains("guide")) plan.guide = number_in(j, "guide", 0, kMost);
    if (j.contains("micro_batches")) {
      plan.micro_batches = int(count_in(j, "micro_batches", kMostMicroBatches));
    }
    plan.conv_algo = parse_conv_algo(j.value("conv_algo", std::string("auto")));
    expect(plan.steps() > 0, "it has no steps");
    for (const double beta : {plan.beta.first, plan.beta.last}) ebm::check(plan.loss, beta);
    return plan;
  } catch (const nlohmann::json::exception& e) {
    throw damaged_plan(origin, e);
  } catch (const Error& e) {
    throw damaged_plan(origin, e);
  }
}

WordTrainer::WordTrainer(const TrainingPlan& plan, const BatchSource& source)
    : plan_(plan),
      source_(source),
      network_(network_for(plan, source)),
      context_(
          nn::Context<float>::for_training(tape_, network_.parameters, Rng(plan.seed).split(2))),
      optimizer_(network_.parameters, {.weight_decay = plan.weight_decay}),
      objective_(plan.loss, {source.alphabet().between(), plan.topology}) {
  expect(plan.character_steps >= 0 && plan.word_steps >= 0 && plan.steps() > 0,
         "training needs at least one step, asked for ", plan.character_steps, " + ",
         plan.word_steps);
  expect(plan.micro_batches >= 1, "training needs at least one micro-batch a step, asked for ",
         plan.micro_batches);
  for (const double beta : {plan.beta.first, plan.beta.last}) ebm::check(plan.loss, beta);
  context_.set_conv_algo(plan.conv_algo);
}

std::unique_ptr<WordTrainer> WordTrainer::resume(const std::filesystem::path& path,
                                                 const BatchSource& source) {
  const nn::Checkpoint checkpoint = nn::Checkpoint::load(path);
  const ModelInfo info = model_info(checkpoint);
  const auto plan_entry = info.metadata.find(kPlanKey);
  if (!checkpoint.resumable() || plan_entry == info.metadata.end()) {
    throw IoError(message(path.string(), ": the model is finished and holds nothing to resume; ",
                          "train another, or resume a checkpoint of an interrupted run"));
  }
  if (!(info.alphabet == source.alphabet())) {
    throw IoError(message(path.string(), ": the checkpoint reads '", info.alphabet.to_string(),
                          "', but the data to train on ask for '", source.alphabet().to_string(),
                          "'; resume with the data it was started with"));
  }
  const TrainingPlan plan = *plan_in(info, path.string());
  check_size(checkpoint, info);
  auto trainer = std::make_unique<WordTrainer>(plan, source);
  try {
    const auto counts = nlohmann::json::parse(plan_entry->second);
    trainer->images_ = count_in(counts, "images");
    trainer->infeasible_ = count_in(counts, "infeasible");
  } catch (const nlohmann::json::exception& e) {
    throw damaged_plan(path.string(), e);
  } catch (const Error& e) {
    throw damaged_plan(path.string(), e);
  }
  checkpoint.restore(trainer->network_.parameters);
  if (checkpoint.holds(nn::ParameterSet::kept)) {
    trainer->keep();
    checkpoint.restore(*trainer->kept_, nn::ParameterSet::kept);
  }
  checkpoint.restore(trainer->optimizer_, trainer->network_.parameters);
  const nn::TrainingState state = checkpoint.training_state();
  if (state.next_step >= plan.steps()) {
    throw IoError(message(path.string(), ": step ", state.next_step, " comes next, but the plan ",
                          "inside ends with step ", plan.steps() - 1, "; the file is damaged"));
  }
  trainer->context_.set_rng(state.rng);
  trainer->next_step_ = state.next_step;
  return trainer;
}

void WordTrainer::begin_from(const std::filesystem::path& path) {
  expect(next_step_ == 0, "[training] a run at step ", next_step_, " can't begin from a model");
  const nn::Checkpoint checkpoint = nn::Checkpoint::load(path);
  const ModelInfo info = model_info(checkpoint);
  if (!plan_.architecture.extends(info.architecture) || info.topology != plan_.topology) {
    throw IoError(message(path.string(), ": the model is ", info.architecture.to_string(), ", ",
                          ebm::to_string(info.topology), "; it can't begin a ",
                          plan_.architecture.to_string(), ", ", ebm::to_string(plan_.topology)));
  }
  const nn::Network<float> learned = network_in(checkpoint, info);
  adopt(learned.parameters, info.alphabet, network_.parameters, source_.alphabet());
}

/// Stage 1 classifies the windows that sure_symbols names; stage 2 is the plan's loss of words.
/// Energies are low where probable, so that softmax(-energies) are the probabilities of a window.
Var<float> WordTrainer::loss(const Batch& batch, int64_t step, nn::Context<float>& context) {
  const Var<float> images = tape_.borrow(batch.images, false);
  const Var<float> e = energies(plan_.architecture, network_, context, images);
  note_windows(batch);
  const auto sure_windows = [&] {
    const Var<float> logits = reshape(-e, {e.shape()[0] * e.shape()[1], e.shape()[2]});
    return cross_entropy(logits, sure_);
  };
  if (!aligns(step)) return sure_windows();
  const double beta = plan_.beta.at(step - plan_.character_steps, plan_.word_steps);
  const auto words = objective_(e, windows_, batch.words.view(), beta);
  last_infeasible_ = words.infeasible;
  if (plan_.guide == 0 || !batch.spans.measured) return words.loss;
  return words.loss + scale(sure_windows(), float(plan_.guide));
}

/// How many windows each image of the batch has, and what they surely show.
void WordTrainer::note_windows(const Batch& batch) {
  const Architecture& a = plan_.architecture;
  const int padded = a.windows(int(batch.images.shape()[2]));
  const ebm::RaggedLabels words = batch.words.view();
  windows_.clear();
  sure_.clear();
  std::size_t first = 0;  // letter of the word at hand
  for (std::size_t b = 0; b < batch.widths.size(); ++b) {
    const auto word = words[b];
    const auto spans = std::span(batch.spans.columns).subspan(first, word.size());
    const int windows = a.windows(batch.widths[b]);
    sure_symbols(word, spans, batch.spans.measured, source_.alphabet().between(), windows,
                 a.window_stride(), sure_of_word_);
    windows_.push_back(windows);
    sure_.insert(sure_.end(), sure_of_word_.begin(), sure_of_word_.end());
    sure_.resize(sure_.size() + std::size_t(padded - windows), -1);
    first += word.size();
  }
}

void WordTrainer::share(nn::Communicator& ranks, const std::string& data) {
  expect(ranks.size() <= plan_.micro_batches, ranks.size(), " processes can't share ",
         plan_.micro_batches, " micro-batches a step");
  nn::expect_alike(ranks, "the instruction set", kernels::table<float>().name);
  nn::expect_alike(ranks, "the data", data);
  nn::expect_alike(ranks, "the plan", metadata({}).at(kPlanKey));
  ranks_ = &ranks;
}

/// The batch that has this number among all micro-batches of all steps.
void WordTrainer::fetch(int64_t number, Batch& batch) const {
  aligns(number / plan_.micro_batches) ? source_.words(number, batch)
                                       : source_.characters(number, batch);
}

bool WordTrainer::run(const std::function<bool(const TrainingReport&)>& on_step, int ahead) {
  const BatchNumbers numbers(plan_.micro_batches, ranks_);
  Prefetcher batches([&](int64_t i, Batch& batch) { fetch(numbers[i], batch); },
                     numbers.before(next_step_), numbers.before(plan_.steps()), ahead);
  nn::Training<float> training;
  training.micro_batches = plan_.micro_batches;
  const Batch* batch = nullptr;
  int64_t at = -1;
  training.loss = [&](int64_t number, nn::Context<float>& context) {
    if (number != at) batch = &batches.next();  // one that failed is asked for twice
    at = number;
    last_infeasible_ = 0;
    return loss(*batch, number / plan_.micro_batches, context);
  };
  training.count = [&] {
    return std::array<int64_t, 2>{std::ssize(batch->texts), last_infeasible_};
  };
  training.schedule = nn::WarmupCosine{.peak = plan_.learning_rate,
                                       .final = 0,
                                       .warmup = std::min(plan_.warmup_steps, plan_.steps() / 2),
                                       .total = plan_.steps()};
  training.max_gradient_norm = plan_.max_gradient_norm;
  training.on_step = [&](const nn::StepReport& r) {
    next_step_ = r.step + 1;
    images_ += r.counts[0];
    infeasible_ += r.counts[1];
    return !on_step || on_step({r.step, plan_.steps(), aligns(r.step), r.loss, r.learning_rate,
                                r.gradient_norm, images_, infeasible_});
  };
  next_step_ =
      ranks_ == nullptr
          ? nn::train(context_, optimizer_, training, next_step_, plan_.steps())
          : nn::train_shared(context_, optimizer_, training, *ranks_, next_step_, plan_.steps());
  return next_step_ == plan_.steps();
}

void WordTrainer::study_step(const StudyStep& look) {
  const Rng rng = context_.rng();
  const int64_t images = images_, infeasible = infeasible_;
  Batch batch;
  fetch(next_step_ * plan_.micro_batches, batch);
  {
    const TapeScope<float> scope(tape_);
    context_.begin_step();
    look(context_, [&] { return loss(batch, next_step_, context_); });
  }
  context_.set_rng(rng);
  images_ = images, infeasible_ = infeasible;
}

nn::Metadata WordTrainer::metadata(const nn::Metadata& summary) const {
  nn::Metadata metadata =
      model_metadata(plan_.architecture, source_.alphabet(), plan_.topology, summary);
  metadata[kPlanKey] = to_json(plan_, images_, infeasible_);
  return metadata;
}

void WordTrainer::save(const std::filesystem::path& path, const nn::Metadata& summary) const {
  nn::Checkpoint checkpoint(metadata(summary));
  checkpoint.store(network_.parameters);
  if (next_step_ < plan_.steps()) {
    if (kept_) checkpoint.store(*kept_, nn::ParameterSet::kept);
    checkpoint.store(optimizer_, network_.parameters);
    checkpoint.store(nn::TrainingState{next_step_, context_.rng()});
  }
  checkpoint.save(path);
}

void WordTrainer::save_kept(const std::filesystem::path& path, const nn::Metadata& summary) const {
  nn::Checkpoint checkpoint(metadata(summary));
  checkpoint.store(kept_ ? *kept_ : network_.parameters);
  checkpoint.save(path);
}

Recognizer WordTrainer::recognizer_of(const nn::Parameters<float>& parameters) const {
  return Recognizer(plan_.architecture, source_.alphabet(), parameters, plan_.topology,
                    plan_.conv_algo);
}

Recognizer WordTrainer::recognizer() const { return recognizer_of(network_.parameters); }

Recognizer WordTrainer::kept_recognizer() const {
  return recognizer_of(kept_ ? *kept_ : network_.parameters);
}

std::vector<nn::ConvChoice> WordTrainer::conv_choices() const {
  Batch batch;
  source_.words(plan_.character_steps * plan_.micro_batches, batch);
  const Shape images = batch.images.shape();
  return nn::conv_choices(network_.layers, network_.parameters, images, plan_.conv_algo);
}

}  // namespace talweg::ocr

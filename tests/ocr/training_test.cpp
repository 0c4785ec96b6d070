#include "ocr/training.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <set>
#include <thread>

#include "core/error.h"
#include "core/io/file.h"
#include "tests/nn/thread_ranks.h"
#include "tests/ocr/scratch_folder.h"
#include "tests/ocr/small_training.h"

using namespace talweg;
using namespace talweg::ocr;

namespace {

Batch words(const BatchSource& source, int64_t step) {
  Batch batch;
  source.words(step, batch);
  return batch;
}

/// Seven words drawn into the folder.
std::vector<Sample> seven_samples(const ScratchFolder& folder) {
  std::vector<Sample> samples;
  const ClassicTask task = ClassicTask::standard();
  for (const char* word : {"a", "bc", "def", "gh", "ijklm", "n", "op"}) {
    Rng rng(1);
    write_sample(folder.path(), word, task.render(word, Variant::kPlain, rng), word);
    samples.push_back({folder.path() + "/" + word + ".png", word, "", 1});
  }
  return samples;
}

}  // namespace

TEST_CASE("a batch depends on its seed and step only") {
  const FontSource source = font_source();
  const Batch first = words(source, 5);
  Batch again;
  source.characters(5, again);
  CHECK(again.texts[0].size() == 1);
  source.words(6, again);
  CHECK(first.texts != again.texts);
  source.words(5, again);  // over what it held
  CHECK(first.texts == again.texts);
  CHECK(first.widths == again.widths);
  const auto same = [](Columns a, Columns b) { return a.x0 == b.x0 && a.x1 == b.x1; };
  CHECK(std::ranges::equal(first.spans.columns, again.spans.columns, same));
  CHECK(std::ranges::equal(first.words.view().symbols, again.words.view().symbols));
  CHECK(first.images.shape() == again.images.shape());
  CHECK(std::ranges::equal(first.images.values(), again.images.values()));
}

TEST_CASE("an epoch over a folder shows every image once") {
  const ScratchFolder folder;
  const FolderSource source(seven_samples(folder), Alphabet(), 1, 3);
  REQUIRE(source.steps_per_epoch() == 3);
  for (int epoch = 0; epoch < 2; ++epoch) {
    std::multiset<std::string> seen;
    for (int64_t step = 0; step < 3; ++step) {
      const Batch batch = words(source, 3 * epoch + step);
      seen.insert(batch.texts.begin(), batch.texts.end());
      CHECK(batch.images.shape()[0] == int64_t(batch.texts.size()));
    }
    CHECK(seen == std::multiset<std::string>{"a", "bc", "def", "gh", "ijklm", "n", "op"});
  }
}

TEST_CASE("each epoch over a folder has an order of its own") {
  const ScratchFolder folder;
  const FolderSource source(seven_samples(folder), Alphabet(), 1, 3);
  std::set<std::vector<std::string>> orders;
  for (int epoch = 0; epoch < 4; ++epoch) {
    std::vector<std::string> order;
    for (int64_t step = 0; step < 3; ++step) {
      const Batch batch = words(source, 3 * epoch + step);
      order.insert(order.end(), batch.texts.begin(), batch.texts.end());
    }
    orders.insert(order);
  }
  CHECK(orders.size() > 1);
}

TEST_CASE("training moves through both stages, lowers the loss, and stops when it is told to") {
  const FontSource source = font_source();
  WordTrainer trainer(small_plan(6, 6), source);
  std::vector<bool> stages;
  std::vector<double> losses;
  CHECK_FALSE(trainer.run([&](const TrainingReport& r) {
    stages.push_back(r.words);
    losses.push_back(r.loss);
    return r.step + 1 < 6;
  }));
  CHECK(trainer.next_step() == 6);
  CHECK(losses.back() < losses.front());
  CHECK(trainer.run([&](const TrainingReport& r) {
    stages.push_back(r.words);
    CHECK(r.infeasible == 0);
    return true;
  }));
  CHECK(std::count(stages.begin(), stages.end(), true) == 6);
}

TEST_CASE("a run that processes share has the bytes of one, and so has one that fewer go on with") {
  const ScratchFolder folder;
  const FontSource source = font_source();
  TrainingPlan plan = small_plan(2, 4);
  plan.micro_batches = 3;
  WordTrainer alone(plan, source);
  alone.run();
  alone.save(folder / "alone");
  nn::run_ranks(3, [&](nn::Communicator& ranks) {
    WordTrainer trainer(plan, source);
    trainer.share(ranks, "words");
    CHECK_FALSE(trainer.run([](const TrainingReport& r) { return r.step + 1 < 3; }));
    if (ranks.rank() == 0) trainer.save(folder / "half");
  });
  nn::run_ranks(2, [&](nn::Communicator& ranks) {
    const auto trainer = WordTrainer::resume(folder / "half", source);
    trainer->share(ranks, "words");
    CHECK(trainer->run());
    if (ranks.rank() == 0) trainer->save(folder / "whole");
  });
  CHECK(io::read_file(folder / "whole") == io::read_file(folder / "alone"));
  CHECK(plan_in(model_info(nn::Checkpoint::load(folder / "whole")), "")->micro_batches == 3);
}

TEST_CASE("processes that are not alike, or too many, don't train together") {
  const FontSource source = font_source();
  std::array<std::string, 2> said;
  nn::run_ranks(2, [&](nn::Communicator& ranks) {
    TrainingPlan plan = small_plan(2, 4);
    plan.micro_batches = 2;
    plan.seed = uint64_t(ranks.rank());
    WordTrainer trainer(plan, source);
    try {
      trainer.share(ranks, "words");
    } catch (const Error& e) {
      said[std::size_t(ranks.rank())] = e.what();
    }
  });
  CHECK(said[0].empty());
  CHECK(said[1].starts_with("the plan: '"));
  nn::run_ranks(2, [&](nn::Communicator& ranks) {
    WordTrainer trainer(small_plan(2, 4), source);
    CHECK_THROWS_WITH_AS(trainer.share(ranks, "words"),
                         "2 processes can't share 1 micro-batches a step", Error);
  });
}

TEST_CASE("a word is read the same alone and among others, and by a model saved and loaded") {
  const ScratchFolder folder;
  const FontSource source = font_source();
  WordTrainer trainer(small_plan(6, 6), source);
  trainer.run();
  const std::string path = folder.path() + "/model.safetensors";
  trainer.save(path);
  const Recognizer recognizer = trainer.recognizer(), loaded = Recognizer::load(path);
  const ClassicTask task = ClassicTask::standard();
  std::vector<io::Gray8> images;
  for (const char* word : {"ab", "c", "de", "fghijk", "lm", "zz"}) {
    Rng rng(1);
    images.push_back(task.render(word, Variant::kPlain, rng));
  }
  const auto together = recognizer.energies(images), by_loaded = loaded.energies(images);
  for (std::size_t i = 0; i < images.size(); ++i) {
    CHECK(recognizer.energies(images[i]).values == together[i].values);
    CHECK(by_loaded[i].values == together[i].values);
  }
}

TEST_CASE("behind a narrow image stands background, as if it had been wider") {
  const FontSource source = font_source();
  const Recognizer recognizer = WordTrainer(small_plan(6, 6), source).recognizer();
  Rng rng(1);
  const io::Gray8 image = ClassicTask::standard().render("abc", Variant::kPlain, rng);
  REQUIRE(image.width == 54);
  io::Gray8 wide(64, image.height, 0);  // the width that both are read at
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) wide.at(x, y) = image.at(x, y);
  }
  const EnergyMap narrow_map = recognizer.energies(image), wide_map = recognizer.energies(wide);
  REQUIRE(narrow_map.values.size() < wide_map.values.size());
  CHECK(std::equal(narrow_map.values.begin(), narrow_map.values.end(), wide_map.values.begin()));
}

TEST_CASE("threads that share a recognizer read the same, again and again") {
  const FontSource source = font_source();
  const Recognizer recognizer = WordTrainer(small_plan(6, 6), source).recognizer();
  const Recognizer copy = recognizer;  // NOLINT(performance-unnecessary-copy-initialization)
  const ClassicTask task = ClassicTask::standard();
  std::vector<io::Gray8> images;
  for (const std::string& word : {std::string("a"), std::string(100, 'w'), std::string("cat")}) {
    Rng rng(1);
    images.push_back(task.render(word, Variant::kPlain, rng));
  }
  const auto expected = recognizer.energies(images);
  std::vector<std::thread> threads;
  std::array<int, 4> different{};
  for (std::size_t t = 0; t < different.size(); ++t) {
    threads.emplace_back([&, t] {
      for (std::size_t k = 0; k < 20; ++k) {
        const std::size_t i = (k + t) % images.size();
        const EnergyMap map = (k % 2 ? recognizer : copy).energies(images[i]);
        different[t] += map.values != expected[i].values;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(different == std::array<int, 4>{});
}

TEST_CASE("an image that can't be read is named, and its mates can be read afterwards") {
  const FontSource source = font_source();
  const Recognizer recognizer = WordTrainer(small_plan(6, 6), source).recognizer();
  std::vector<io::Gray8> images{io::Gray8(40, 32, 0), io::Gray8(40, 32, 0)};
  images[1].pixels.resize(100);
  CHECK_THROWS_WITH_AS(recognizer.read(images), doctest::Contains("100 pixels do not fill"), Error);
  images[1].pixels.resize(40 * 32);
  CHECK(recognizer.read(images).size() == 2);
}

TEST_CASE("an image too narrow for a window reads as empty, with the reason") {
  const FontSource source = font_source();
  const Recognizer recognizer = WordTrainer(small_plan(6, 6), source).recognizer();
  const Reading reading = recognizer.read(io::Gray8(2, 32, 0));
  CHECK(reading.text.empty());
  CHECK(reading.status == ebm::AlignStatus::too_short);
}

TEST_CASE("every topology, temperature and loss trains, and resumes to the same bytes") {
  const ScratchFolder folder;
  const FontSource source = font_source();
  std::set<std::vector<float>> different;
  struct Way {
    ebm::Topology topology;
    const char* beta;
    ebm::WordLoss loss = ebm::WordLoss::path_ce;
  };
  using enum ebm::Topology;
  using enum ebm::WordLoss;
  const std::vector<Way> ways = {
      {classic, "inf"},
      {classic, "0.3:inf"},
      {margins, "0.3:inf"},
      {ctc, "1"},
      {margins, "1", nll},
      {classic, "1", forward_ce},
      {margins, "inf", hinge},
      {classic, "inf", infonce},
      {classic, "inf", square_square},
      {ctc, "inf", perceptron},
  };
  for (const auto& [topology, beta, loss] : ways) {
    CAPTURE(ebm::to_string(topology));
    CAPTURE(ebm::to_string(loss));
    TrainingPlan plan = small_plan(6, 6);
    plan.topology = topology;
    plan.beta = BetaSchedule::parse(beta);
    plan.loss.loss = loss;
    plan.loss.margin = 2;
    plan.loss.negatives = 3;
    WordTrainer whole(plan, source), half(plan, source);
    whole.run([](const TrainingReport& r) {
      CHECK(std::isfinite(r.loss));
      return true;
    });
    half.run([](const TrainingReport& r) { return r.step < 7; });
    half.save(folder.path() + "/half.safetensors");
    const auto resumed = WordTrainer::resume(folder.path() + "/half.safetensors", source);
    CHECK(resumed->plan().topology == topology);
    CHECK(resumed->plan().beta == plan.beta);
    CHECK(resumed->plan().loss.loss == loss);
    CHECK(resumed->plan().loss.margin == 2);
    CHECK(resumed->plan().loss.negatives == 3);
    resumed->run();
    whole.save(folder.path() + "/whole.safetensors");
    resumed->save(folder.path() + "/resumed.safetensors");
    CHECK(io::read_file(folder / "whole.safetensors") ==
          io::read_file(folder / "resumed.safetensors"));
    const Recognizer recognizer = Recognizer::load(folder.path() + "/whole.safetensors");
    CHECK(recognizer.topology() == topology);
    different.insert(recognizer.energies(io::Gray8(40, 32, 255)).values);
  }
  CHECK(different.size() == ways.size());
}

TEST_CASE("a model that says nothing of its topology is classic; one we don't know is refused") {
  const ScratchFolder folder;
  const FontSource source = font_source();
  const WordTrainer trainer(small_plan(6, 6), source);
  trainer.save(folder.path() + "/model.safetensors");
  const nn::Checkpoint now = nn::Checkpoint::load(folder.path() + "/model.safetensors");
  nn::Metadata metadata = now.metadata();
  CHECK(metadata.at("topology") == "classic");
  metadata.erase("topology");
  CHECK(model_info(nn::Checkpoint(metadata)).topology == ebm::Topology::classic);
  metadata["topology"] = "knots";
  CHECK_THROWS_WITH_AS(model_info(nn::Checkpoint(metadata)), doctest::Contains("'knots'"), IoError);
}

TEST_CASE("a small file that speaks of a huge network is refused before room is made for it") {
  const ScratchFolder folder;
  const FontSource source = font_source();
  const std::string path = folder / "huge.safetensors";
  WordTrainer(small_plan(6, 6), source).save(path);
  nn::Metadata metadata = nn::Checkpoint::load(path).metadata();
  metadata["architecture"] = "net/4096-4096-4096-c4096";
  nn::Checkpoint(metadata).save(path);
  const auto refusal = thrown<IoError>([&] { Recognizer::load(path); });
  CHECK(contains(refusal,
                 "huge.safetensors: a network net/4096-4096-4096-c4096 for 27 symbols has "));
  CHECK(contains(refusal, "the file holds 0 numbers"));
}

TEST_CASE("a checkpoint whose numbers can't be is refused, and says which") {
  const ScratchFolder folder;
  const FontSource source = font_source();
  WordTrainer trainer(small_plan(2, 6), source);
  trainer.run([](const TrainingReport& r) { return r.step < 1; });
  const std::string path = folder / "checkpoint.safetensors";
  trainer.save(path);
  const io::Safetensors sound = io::load_safetensors(path);
  const auto refusal = [&](const auto& damage) {
    io::Safetensors file = sound;
    damage(file);
    io::save_safetensors(path, file);
    return thrown<IoError>([&] { WordTrainer::resume(path, source); });
  };
  const auto plan_with = [&](const std::string& from, const std::string& to) {
    return refusal([&](io::Safetensors& file) {
      std::string& plan = file.metadata["training_plan"];
      const size_t at = plan.find(from);
      REQUIRE(at != std::string::npos);
      plan.replace(at, from.size(), to);
    });
  };
  CHECK(contains(plan_with("\"word_steps\":6", "\"word_steps\":1e300"),
                 "its word_steps is 1e+300, expected a whole number from 0 to"));
  CHECK(contains(plan_with("\"seed\":1", "\"seed\":1e300"), "its seed is 1e+300"));
  CHECK(contains(plan_with("\"images\":", "\"images\":-"), "its images is -"));
  CHECK(contains(plan_with("path-ce", "magic"), "the training plan inside is damaged"));
  CHECK(contains(plan_with("\"negatives\":4", "\"negatives\":0"), "number of wrong words is 0"));
  const auto number_as = [&](const char* name, int64_t number) {
    return refusal([&](io::Safetensors& file) {
      file.tensors[name] = io::to_blob(std::span<const int64_t>(&number, 1), {1});
    });
  };
  CHECK(contains(number_as("training/step", -3), "training/step: -3 is no count"));
  CHECK(
      contains(number_as("training/step", 8), "step 8 comes next, but the plan inside ends with "));
  CHECK(contains(number_as("optimizer/adamw/steps", INT64_MIN), "is no count"));
}

TEST_CASE("the state that was kept is what is written, and a resumed run keeps it too") {
  const ScratchFolder folder;
  const FontSource source = font_source();
  const auto energies = [&](const std::string& name) {
    return Recognizer::load(folder / name).energies(io::Gray8(40, 32, 255)).values;
  };
  WordTrainer whole(small_plan(2, 6), source), half(small_plan(2, 6), source);
  whole.save_kept(folder / "fresh.safetensors");  // nothing is kept: the model as it is
  std::vector<float> at_step_4;
  const auto keep_at_4 = [&](WordTrainer& trainer, int64_t until) {
    trainer.run([&, until](const TrainingReport& r) {
      if (r.step + 1 == 4) trainer.keep();
      if (r.step + 1 == 4) {
        at_step_4 = trainer.recognizer().energies(io::Gray8(40, 32, 255)).values;
      }
      return r.step + 1 < until;
    });
  };
  keep_at_4(whole, 8);
  whole.save_kept(folder / "whole.safetensors");
  keep_at_4(half, 6);
  half.save(folder / "half.safetensors");
  const auto resumed = WordTrainer::resume(folder / "half.safetensors", source);
  resumed->run();
  resumed->save_kept(folder / "resumed.safetensors");
  CHECK(io::read_file(folder / "whole.safetensors") ==
        io::read_file(folder / "resumed.safetensors"));
  CHECK(energies("whole.safetensors") == at_step_4);
  CHECK(energies("whole.safetensors") != energies("fresh.safetensors"));
  CHECK(whole.kept_recognizer().energies(io::Gray8(40, 32, 255)).values == at_step_4);
  whole.save(folder / "last.safetensors");
  CHECK(energies("last.safetensors") != at_step_4);
  CHECK_FALSE(nn::Checkpoint::load(folder / "whole.safetensors").resumable());
}

TEST_CASE("a finished model can't be resumed, nor an unfinished one over another alphabet") {
  const ScratchFolder folder;
  const FontSource source = font_source();
  WordTrainer trainer(small_plan(6, 6), source);
  const std::string path = folder.path() + "/model.safetensors";
  trainer.run([](const TrainingReport& r) { return r.step < 3; });
  trainer.save(path);
  FontSourceOptions options;
  options.words.letters = U"abc";
  const FontSource other({ClassicTask::standard()}, Alphabet(U"abc"), options);
  CHECK_THROWS_WITH_AS(WordTrainer::resume(path, other), doctest::Contains("ask for 'abc'"),
                       IoError);
  trainer.run();
  trainer.save(path);
  CHECK_THROWS_WITH_AS(WordTrainer::resume(path, source), doctest::Contains("nothing to resume"),
                       IoError);
}

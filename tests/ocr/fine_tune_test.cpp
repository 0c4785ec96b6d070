#include "ocr/fine_tune.h"

#include <doctest/doctest.h>

#include "core/error.h"
#include "core/io/file.h"
#include "tests/ocr/scratch_folder.h"
#include "tests/ocr/small_training.h"

using namespace talweg;
using namespace talweg::ocr;

namespace {

/// A source of words of other letters than a-z.
FontSource source_of(const Alphabet& alphabet, const std::u32string& words) {
  FontSourceOptions options;
  options.letters_per_batch = 16;
  options.words.letters = words;
  const ClassicTask task(Font::load(find_font("Anonymous Pro")), words);
  return FontSource({task}, alphabet, options);
}

nn::Parameters<float> drawn(const Architecture& architecture, const Alphabet& alphabet, int seed) {
  return make_network(architecture, alphabet.size(), Rng(uint64_t(seed))).parameters;
}

io::Gray8 image_of(const std::string& word) {
  Rng rng(1);
  return ClassicTask::standard().render(word, Variant::kPlain, rng);
}

/// The largest difference of the energies of letters that both read, BETWEEN included.
double difference(const Recognizer& a, const Recognizer& b) {
  const EnergyMap one = a.energies(image_of("valley")), two = b.energies(image_of("valley"));
  REQUIRE(one.windows == two.windows);
  double largest = 0;
  for (int i = 0; i < one.windows; ++i) {
    const auto compare = [&](int32_t s, int32_t t) {
      const double d = double(one.row(i)[std::size_t(s)]) - double(two.row(i)[std::size_t(t)]);
      largest = std::max(largest, std::abs(d));
    };
    compare(a.alphabet().between(), b.alphabet().between());
    for (char32_t c : a.alphabet().letters()) {
      if (!b.alphabet().contains(c)) continue;
      compare(int32_t(a.alphabet().letters().find(c)), int32_t(b.alphabet().letters().find(c)));
    }
  }
  return largest;
}

}  // namespace

TEST_CASE("a model keeps its letters, joins new ones behind them, or takes the new ones alone") {
  const Alphabet loaded(U"cab");
  CHECK(resized(loaded, CharsetMode::keep, U"xyz") == loaded);
  CHECK(resized(loaded, CharsetMode::joint, U"zbaé") == Alphabet(U"cabzé"));
  CHECK(resized(loaded, CharsetMode::renew, U"zbbaé") == Alphabet(U"abzé"));
  CHECK(parse_charset_mode("union") == CharsetMode::joint);
  CHECK_THROWS_WITH_AS(parse_charset_mode("merge"), doctest::Contains("keep, union or new"), Error);
}

TEST_CASE("what a network has learned of a letter goes with the letter") {
  for (const char* text : {"net/4p-8p-8v-8-c16", "net/4p-8p-8v-8-c16/x2"}) {
    CAPTURE(text);
    const Architecture architecture = Architecture::parse(text);
    const Alphabet old(U"valeyxq");
    const auto learned = drawn(architecture, old, 1);
    const Recognizer before(architecture, old, learned);
    for (const Alphabet& now : {Alphabet(U"valeyxqbz"), Alphabet(U"yelavb"), old}) {
      CAPTURE(now.to_string());
      auto fresh = drawn(architecture, now, 2);
      CHECK(difference(before, Recognizer(architecture, now, fresh)) > 0.1);
      adopt(learned, old, fresh, now);
      CHECK(difference(before, Recognizer(architecture, now, fresh)) < 1e-5);
    }
  }
}

TEST_CASE("rows of letters that are new stay as they were drawn") {
  const Architecture architecture = Architecture::parse("net/4p-8p-8v-8-c16/x2");
  const Alphabet old(U"ab"), now(U"abc");
  auto fresh = drawn(architecture, now, 2);
  const auto untouched = fresh;
  adopt(drawn(architecture, old, 1), old, fresh, now);
  const int head = fresh.find("energies.weight");
  REQUIRE(head >= 0);
  const auto row = [](const nn::Parameter<float>& p, int64_t i) {
    const int64_t n = p.value.size() / p.value.shape()[0];
    return std::vector<float>(p.value.values().begin() + i * n,
                              p.value.values().begin() + (i + 1) * n);
  };
  const auto& const_fresh = fresh;
  for (const int64_t window : {0, 1}) {  // a b c BETWEEN of each
    CHECK(row(const_fresh[head], 4 * window + 2) == row(untouched[head], 4 * window + 2));
    CHECK(row(const_fresh[head], 4 * window + 3) != row(untouched[head], 4 * window + 3));
  }
}

TEST_CASE("networks of different architectures can't adopt each other") {
  const Alphabet letters(U"ab");
  const auto wide = drawn(Architecture::parse("net/4p-8p-8v-8-c32"), letters, 1);
  const auto twice = drawn(Architecture::parse("net/4p-8p-8v-8-c16/x2"), letters, 1);
  const auto more = drawn(Architecture::parse("net/4p-8p-8v-8-8-c16"), letters, 1);
  for (const auto* learned : {&wide, &twice, &more}) {
    auto fresh = drawn(Architecture::parse("net/4p-8p-8v-8-c16"), letters, 2);
    CHECK_THROWS_WITH_AS(adopt(*learned, letters, fresh, letters),
                         doctest::Contains("one architecture"), Error);
  }
}

TEST_CASE("a run begins from a model as it reads, and resumes to the same bytes") {
  const ScratchFolder folder;
  const FontSource first = font_source();
  WordTrainer trained(small_plan(6, 6), first);
  trained.run();
  trained.save(folder / "model.safetensors");

  const FontSource more = source_of(Alphabet(letters_of_spec("a-z") + U"0"), U"abc0");
  WordTrainer whole(small_plan(0, 6), more), half(small_plan(0, 6), more);
  whole.begin_from(folder / "model.safetensors");
  half.begin_from(folder / "model.safetensors");
  CHECK(difference(trained.recognizer(), whole.recognizer()) < 1e-5);
  whole.run();
  CHECK(difference(trained.recognizer(), whole.recognizer()) > 1e-3);
  half.run([](const TrainingReport& r) { return r.step < 2; });
  half.save(folder / "half.safetensors");
  const auto resumed = WordTrainer::resume(folder / "half.safetensors", more);
  resumed->run();
  whole.save(folder / "whole.safetensors");
  resumed->save(folder / "resumed.safetensors");
  CHECK(io::read_file(folder / "whole.safetensors") ==
        io::read_file(folder / "resumed.safetensors"));
  CHECK_THROWS_WITH_AS(whole.begin_from(folder / "model.safetensors"),
                       doctest::Contains("a run at step 6"), Error);

  // With a wider view, it reads the same to begin with, and learns.
  TrainingPlan wider = small_plan(0, 6);
  wider.architecture = Architecture::parse(wider.architecture.to_string() + "-r8d2-r8d4");
  WordTrainer grown(wider, more);
  grown.begin_from(folder / "model.safetensors");
  CHECK(difference(trained.recognizer(), grown.recognizer()) < 1e-4);
  grown.run();
  CHECK(difference(trained.recognizer(), grown.recognizer()) > 1e-3);

  TrainingPlan plan = small_plan(0, 6);
  plan.topology = ebm::Topology::ctc;
  WordTrainer other(plan, more);
  CHECK_THROWS_WITH_AS(other.begin_from(folder / "model.safetensors"),
                       doctest::Contains("classic; it can't begin a"), IoError);
}

TEST_CASE("a model says what it was trained by") {
  const ScratchFolder folder;
  const FontSource source = font_source();
  TrainingPlan plan = small_plan(3, 4);
  plan.guide = 0.25;
  plan.beta = BetaSchedule::parse("0.5:2");
  WordTrainer(plan, source).save(folder / "model.safetensors");
  ModelInfo info = model_info(nn::Checkpoint::load(folder / "model.safetensors"));
  const auto found = plan_in(info, "model");
  REQUIRE(found);
  CHECK(found->steps() == 7);
  CHECK(found->guide == 0.25);
  CHECK(found->beta == plan.beta);
  CHECK(found->architecture == plan.architecture);
  info.metadata["training_plan"] = "{}";
  CHECK_THROWS_WITH_AS(plan_in(info, "the file"), doctest::Contains("the file: the training plan"),
                       IoError);
  info.metadata.erase("training_plan");
  CHECK_FALSE(plan_in(info, "model"));
}

#include "ocr/training_report.h"

#include <doctest/doctest.h>

#include "tests/ocr/scratch_folder.h"
#include "tests/ocr/small_training.h"

using namespace talweg;
using namespace talweg::ocr;

namespace {

HeldOut drawn_words(int64_t count) {
  return HeldOut(count, [](int64_t i) {
    Rng rng = Rng(3).split(uint64_t(i));
    const std::string text = random_word({.min_length = 2, .max_length = 4}, rng);
    return HeldOutWord{ClassicTask::standard().render(text, Variant::kPlain, rng), text,
                       message("drawn word <", i, ">")};
  });
}

}  // namespace

TEST_CASE("the page of a run tells its plan, its curves, its mistakes, and is whole in itself") {
  const FontSource source = font_source();
  WordTrainer trainer(small_plan(6, 6), source);
  LearningRecord record({.every = 4});
  const HeldOut words = drawn_words(20);
  trainer.run([&](const TrainingReport& r) {
    record.add_step(r);
    if (record.is_due(r.steps)) {
      const auto pairs = read_held_out(trainer.recognizer(), words);
      record.add_point(evaluate(pairs).total, double(r.step));
    }
    return true;
  });
  TrainingReportPage report;
  report.model = "mine.safetensors";
  report.ended = "kept the model of step 12";
  report.facts = {{"network", "net/4p-8p-8v-8-c16"}, {"letters", "<&>"}};
  report.worst = 3;
  const std::string page = training_page(report, record, trainer.recognizer(), words, 1).str();
  for (const char* part : {"mine.safetensors", "kept the model of step 12", "net/4p-8p-8v-8-c16",
                           "&lt;&amp;&gt;", "Loss in training", "Errors on validation words",
                           "Confusions", "Worst words", "drawn word &lt;"}) {
    CAPTURE(part);
    CHECK(contains(page, part));
  }
  std::size_t shown = 0;
  for (std::size_t at = 0; (at = page.find("<div class=\"word\">", at)) != page.npos; ++at) ++shown;
  CHECK(shown == 3);
  CHECK_FALSE(contains(page, "src=\"http"));
  CHECK_FALSE(contains(page, "nan"));
}

TEST_CASE("a page without words to measure on says so") {
  const FontSource source = font_source();
  const WordTrainer trainer(small_plan(6, 6), source);
  LearningRecord record({});
  record.add_step({});
  record.add_point({}, 1);
  const std::string page = training_page({}, record, trainer.recognizer(), HeldOut(), 1).str();
  CHECK(contains(page, "no words to measure on"));
}

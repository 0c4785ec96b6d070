#include "ocr/step_trace.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace talweg;
using namespace talweg::ocr;

namespace {

TrainingPlan short_plan() {
  TrainingPlan plan;
  plan.architecture = Architecture::parse("net/2p-2p-2v-2-c2");
  plan.character_steps = 1;
  plan.word_steps = 2;
  return plan;
}

FontSource small_source() {
  FontSourceOptions options;
  options.letters_per_batch = 8;
  return FontSource({ClassicTask::standard()}, Alphabet::from_spec("a-z"), options);
}

}  // namespace

TEST_CASE("step trace: a step is recorded from the images to every parameter") {
  const FontSource source = small_source();
  WordTrainer trainer(short_plan(), source);
  for (const int order : {1, 2}) {
    const Trace t = trace_step(trainer, order);
    REQUIRE(t.passes.size() == std::size_t(order));
    CHECK(t.scalar == "float");
    int named = 0, reached = 0;
    for (std::size_t i = 0; i < t.nodes.size(); ++i) {
      if (t.nodes[i].op != "borrow" || !t.nodes[i].needs_grad) continue;
      ++named;
      CHECK_FALSE(t.nodes[i].name.empty());
      reached += std::ranges::any_of(t.steps, [&](const TraceStep& s) {
        return s.kind == TraceStep::Kind::kPassing && s.node == int(i) && s.pass == order - 1;
      });
    }
    CHECK(named >= 10);
    CHECK(reached == named);
  }
  CHECK_THROWS_WITH_AS(trace_step(trainer, 3), doctest::Contains("once or twice"), Error);
}

TEST_CASE("step trace: looking at a step changes nothing in the training") {
  const FontSource source = small_source();
  std::vector<double> plain, watched;
  WordTrainer a(short_plan(), source), b(short_plan(), source);
  a.run([&](const TrainingReport& r) { return plain.push_back(r.loss), true; });
  trace_step(b);
  b.run([&](const TrainingReport& r) { return watched.push_back(r.loss), false; });
  trace_step(b);
  b.run([&](const TrainingReport& r) {
    CHECK(r.images > 0);
    return watched.push_back(r.loss), true;
  });
  CHECK(plain == watched);
}

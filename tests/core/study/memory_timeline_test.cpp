#include "core/study/memory_timeline.h"

#include <doctest/doctest.h>

#include "core/ops/elementwise.h"
#include "core/ops/reduce.h"
#include "core/ops/shape_ops.h"
#include "core/study/checkpoint.h"

using namespace talweg;

namespace {

constexpr int64_t kSize = 1 << 12;
constexpr std::size_t kBytes = kSize * sizeof(double);

/// Four layers on kSize numbers, forward and backward.
void step(Tape<double>& tape, bool checkpointed) {
  const auto layers = [](std::span<const Var<double>> v) { return tanh(tanh(tanh(tanh(v[0])))); };
  const Var<double> x = tape.variable(Tensor<double>({kSize}, 0.5));
  const std::array in{x};
  tape.backward(sum(checkpointed ? checkpoint<double>(layers, {x}) : layers(std::span(in))));
}

}  // namespace

TEST_CASE("bytes are those of the values, event by event") {
  Tape<double> tape;
  MemoryTimeline<double> timeline(tape);
  step(tape, false);
  const auto& events = timeline.events();
  REQUIRE(events.size() > 6);
  for (std::size_t i = 0; i < 5; ++i) {  // the leaf and four tanh
    CHECK(events[i].values == (i + 1) * kBytes);
    CHECK(events[i].bytes == (i + 1) * kBytes);
    CHECK_FALSE(events[i].backward);
  }
  CHECK(std::string(events[1].op) == "tanh");
  CHECK(events.back().backward);
  // x, the leaf, is what remains of the values; its gradient is still on its way to it.
  CHECK(events.back().values < 2 * kBytes);
  CHECK(timeline.after_forward() == 5 * kBytes + 64 + 64);  // the sum, and the pass's seed
  CHECK(timeline.peak() >= 6 * kBytes);
  REQUIRE(timeline.holders().size() >= 5);
  CHECK(timeline.holders()[0].bytes == kBytes);
  if (why_no_call_sites().empty())
    CHECK(timeline.holders()[1].line.file.ends_with("memory_timeline_test.cpp"));
}

TEST_CASE("a view counts once, a scope's nodes no longer") {
  Tape<double> tape;
  MemoryTimeline<double> timeline(tape);
  const Var<double> x = tape.variable(Tensor<double>({kSize}, 0.5));
  reshape(x, {2, kSize / 2});
  CHECK(timeline.events().back().values == kBytes);
  {
    const TapeScope<double> scope(tape);
    exp(exp(x));
    CHECK(timeline.events().back().values == 3 * kBytes);
  }
  exp(x);
  CHECK(timeline.events().back().values == 2 * kBytes);
  CHECK(timeline.events().back().bytes == 2 * kBytes);
  CHECK(timeline.peak() == 3 * kBytes);
}

TEST_CASE("plain and checkpointed, as a table and as a picture") {
  Tape<double> plain_tape, tape;
  MemoryTimeline<double> plain(plain_tape), checkpointed(tape);
  step(plain_tape, false);
  step(tape, true);
  CHECK(checkpointed.after_forward() < plain.after_forward() / 2);
  const std::array<MemoryRun<double>, 2> runs{
      {{"plain", &plain, 2.0}, {"checkpointed", &checkpointed, 3.0}}};
  const std::string text = memory_text<double>(runs, 3);
  CHECK(text.find("plain           ") == text.find('\n') + 1);
  CHECK(text.find("1.5x") != std::string::npos);
  CHECK(text.find("tanh") != std::string::npos);
  const std::string svg = memory_svg<double>(runs);
  CHECK(svg.find("<svg") != std::string::npos);
  CHECK(svg.find("checkpointed: peak") != std::string::npos);
}

TEST_CASE("bytes as people write them") {
  CHECK(format_bytes(0) == "0 B");
  CHECK(format_bytes(999) == "999 B");
  CHECK(format_bytes(1000) == "1 kB");
  CHECK(format_bytes(12'345'678) == "12.3 MB");
  CHECK(format_bytes(999'999'999) == "1 GB");
}

#include "core/study/trace.h"

#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "core/ops.h"
#include "core/study/trace_expression.h"
#include "core/study/trace_layout.h"
#include "core/study/trace_page.h"
#include "core/study/trace_text.h"

using namespace talweg;

namespace {

using Kind = TraceStep::Kind;

const OpCard* card_of(std::string_view op) {
  for (const OpCard& card : ops()) {
    if (card.name == op) return &card;
  }
  return nullptr;
}

Trace example() {
  return trace_expression("y = relu(w*x + b); l = (y-1)^2", parse_settings("w=2,x=3,b=-1"));
}

int find(const Trace& trace, const std::string& name) {
  for (std::size_t i = 0; i < trace.nodes.size(); ++i) {
    if (trace.nodes[i].name == name) return int(i);
  }
  FAIL("no node is called ", name);
  return -1;
}

/// The last gradient that pass `pass` left at a node.
double gradient(const Trace& trace, int node, int pass = 0) {
  double g = std::nan("");
  for (const TraceStep& s : trace.steps) {
    if (s.kind == Kind::kPassing && s.node == node && s.pass == pass) g = s.value.whole.at(0);
  }
  return g;
}

}  // namespace

TEST_CASE("trace: nodes keep op, name, shape, value, inputs and place") {
  const Trace t = example();
  CHECK(t.scalar == "double");
  const TraceNode& y = t.nodes[std::size_t(find(t, "y"))];
  CHECK(y.op == "relu");
  CHECK(y.shape == Shape{});
  CHECK(y.value.whole == std::vector<double>{5});
  CHECK(y.place == "column 5: relu(w*x + b)");
  CHECK(y.bytes == 8);
  CHECK(y.micros > 0);
  REQUIRE(y.inputs.size() == 1);
  const int add = y.inputs[0].node;
  CHECK(t.nodes[std::size_t(add)].op == "add");
  CHECK(t.readers(add) == std::vector<int>{find(t, "y")});
  const TraceNode& w = t.nodes[std::size_t(find(t, "w"))];
  CHECK(w.op == "variable");
  CHECK(w.needs_grad);
  const TraceNode& one = t.nodes[std::size_t(t.nodes[std::size_t(find(t, "l"))].inputs[0].node)];
  CHECK(one.op == "sub");
  CHECK(one.inputs[0].recorded);
  CHECK_FALSE(one.inputs[1].recorded);  // the constant 1
}

TEST_CASE("trace: the way back shows the gradients done by hand") {
  const Trace t = example();
  REQUIRE(t.passes.size() == 1);
  CHECK(t.passes[0].root == find(t, "l"));
  CHECK_FALSE(t.passes[0].recorded);
  CHECK(gradient(t, find(t, "l")) == 1);
  CHECK(gradient(t, find(t, "w")) == 24);
  CHECK(gradient(t, find(t, "x")) == 16);
  CHECK(gradient(t, find(t, "b")) == 8);
  CHECK(t.steps.back().kind == Kind::kEnded);
}

TEST_CASE("trace: contributions to a node add up to its gradient") {
  const Trace t = trace_expression("x*x + exp(x)*x", parse_settings("x=0.5"));
  const int x = find(t, "x");
  double sum = 0;
  std::vector<int> slots;
  for (const TraceStep& s : t.steps) {
    if (s.kind != Kind::kRan) continue;
    REQUIRE(s.slot >= 0);
    const TraceInput& in = t.nodes[std::size_t(s.node)].inputs[std::size_t(s.slot)];
    CHECK(in.recorded);
    if (in.node != x) continue;
    sum += s.value.whole[0];
    if (t.nodes[std::size_t(s.node)].inputs[0].node == x &&
        t.nodes[std::size_t(s.node)].op == "mul")
      slots.push_back(s.slot);
  }
  CHECK(sum == doctest::Approx(gradient(t, x)).epsilon(1e-14));
  CHECK(sum == doctest::Approx(1 + std::exp(0.5) * 1.5).epsilon(1e-14));
  CHECK(slots == std::vector<int>{1, 0});  // x*x: both of its inputs, the last one first
}

TEST_CASE("trace: a rule's own nodes are told apart") {
  const Trace t = example();
  int rules = 0;
  for (const TraceStep& s : t.steps) {
    if (s.kind != Kind::kRan || t.nodes[std::size_t(s.node)].op != "square") continue;
    ++rules;
    REQUIRE(s.made.size() == 2);  // mul(dy, x), then scale by 2
    const TraceNode& mul = t.nodes[std::size_t(s.made[0])];
    CHECK(mul.op == "mul");
    CHECK_FALSE(mul.kept);
    CHECK(mul.by == s.node);
    REQUIRE(mul.inputs.size() == 2);
    CHECK(mul.inputs[0].is_adjoint);
    CHECK(mul.inputs[0].node == s.node);
    CHECK_FALSE(mul.inputs[1].is_adjoint);
    CHECK(mul.value.whole == std::vector<double>{4});
    CHECK(t.nodes[std::size_t(s.made[1])].op == "scale");
    CHECK(s.micros > 0);
  }
  CHECK(rules == 1);
}

TEST_CASE("trace: a recorded pass makes ordinary nodes, and goes back again") {
  const Trace t = trace_expression("x^3", parse_settings("x=2"), {.order = 2});
  REQUIRE(t.passes.size() == 2);
  CHECK(t.passes[0].recorded);
  CHECK_FALSE(t.passes[1].recorded);
  const int g = find(t, "d output/dx");
  CHECK(t.passes[1].root == g);
  CHECK(t.nodes[std::size_t(g)].value.whole[0] == 12);  // 3 x^2
  CHECK(gradient(t, find(t, "x"), 1) == 12);            // 6 x
  CHECK(t.nodes[std::size_t(g)].kept);
  CHECK(t.nodes[std::size_t(g)].pass == 0);
  const Trace third = trace_expression("x^4", parse_settings("x=2"), {.order = 3});
  CHECK(third.passes.size() == 3);
  CHECK(gradient(third, find(third, "x"), 2) == 48);  // 24 x
}

TEST_CASE("trace: the gradient of a vector is reduced to its sum of squares") {
  const Trace t = trace_expression("sum(x^2)", parse_settings("x=[1,2]"), {.order = 2});
  CHECK(t.nodes[std::size_t(find(t, "|d output/dx|^2"))].value.whole[0] == 20);  // (2x)^2
  for (const TraceStep& s : t.steps) {
    if (s.kind == Kind::kPassing && s.pass == 1 && s.node == find(t, "x")) {
      CHECK(s.value.whole == std::vector<double>{8, 16});  // 8 x
    }
  }
}

TEST_CASE("trace: impossible derivatives say what to do") {
  const auto error = [](const char* text, const char* settings, ExpressionOrder order = {}) {
    try {
      trace_expression(text, parse_settings(settings), order);
    } catch (const Error& e) {
      return std::string(e.what());
    }
    return std::string("no error");
  };
  CHECK(error("l = x*2", "x=[1,2]").find("'l' has shape [2], but the way back starts from one") ==
        0);
  CHECK(error("l = x*2", "x=[1,2]").find("such as l = sum(l)") != std::string::npos);
  CHECK(error("2*3", "").find("'output' depends on no variable") == 0);
  CHECK(error("2*x", "x=1", {.order = 2}).find("d output/dx is constant") == 0);
  CHECK(error("x*x", "x=1", {.order = 2, .by = "z"}).find("there is no variable 'z'") == 0);
}

TEST_CASE("trace: a value that is overwritten in place was seen before") {
  Tape<double> tape;
  TraceRecorder<double> recorder(tape);
  const Var<double> x = tape.variable(Tensor<double>({}, 3.0));
  const Var<double> twice = scale(x, 2.0);
  const Var<double> y = exp_(add_scalar(twice, -6.0));
  tape.backward(y);
  const Trace t = recorder.finish();
  CHECK(t.nodes[2].op == "add_scalar");
  CHECK(t.nodes[2].value.whole == std::vector<double>{0});
  CHECK(t.nodes[3].value.whole == std::vector<double>{1});
  CHECK(t.nodes[3].bytes == 0);  // it took add_scalar's memory over
  CHECK(gradient(t, 0) == 2);
}

TEST_CASE("trace: nothing is watched after the recorder's end, and one watches at a time") {
  Tape<float> tape;
  {
    TraceRecorder<float> recorder(tape);
    CHECK_THROWS_WITH_AS((TraceRecorder<float>(tape)), doctest::Contains("one observer"), Error);
    tape.constant(1.0f);
    const Trace t = recorder.finish();
    CHECK(t.nodes.size() == 1);
    tape.constant(2.0f);
    CHECK(t.nodes.size() == 1);
  }
  CHECK(tape.observe(nullptr) == nullptr);
  { TraceRecorder<float> recorder(tape); }
  CHECK(tape.observe(nullptr) == nullptr);
}

TEST_CASE("trace: lines of source name the caller, and a rule's own line") {
  if (!why_no_call_sites().empty()) {
    MESSAGE("SKIPPED: ", why_no_call_sites());
    return;
  }
  Tape<double> tape;
  TraceRecorder<double> recorder(tape);
  const Var<double> x = tape.variable(Tensor<double>({}, 3.0));
  const int line = __LINE__ + 1;
  const Var<double> y = square(x);
  tape.backward(y);
  const Trace t = recorder.finish();
  CHECK(t.nodes[1].place.find(message("tests/core/study/trace_test.cpp:", line)) == 0);
  CHECK(t.nodes.back().op == "scale");
  CHECK(t.nodes.back().place.find("core/ops/elementwise.h:") == 0);
}

TEST_CASE("summary: statistics, pictures, and what is not finite") {
  std::vector<double> x(100, 0.0);
  x[17] = -5, x[40] = 3, x[41] = NAN, x[42] = INFINITY;
  const ValueSummary s = summarise(Shape{10, 10}, x.data());
  CHECK(s.not_finite == 2);
  CHECK(s.low == -5);
  CHECK(s.high == 3);
  CHECK(s.mean == doctest::Approx(-2.0 / 98));
  CHECK(s.norm == doctest::Approx(std::sqrt(34.0)));
  CHECK(s.whole.empty());
  CHECK(s.picture.rows == 10);
  CHECK(s.picture.cells[17] == -5);
  CHECK(std::isnan(s.picture.cells[41]));
  const Thumbnail small = shrunk(s.picture, 25);
  CHECK(small.rows * small.cols <= 25);
  CHECK(*std::min_element(small.cells.begin(), small.cells.end()) == -5);  // the spike stays
  std::vector<float> image(2 * 10 * 8 * 3);
  for (std::size_t i = 0; i < image.size(); ++i) image[i] = float(i % 3);
  const ValueSummary im = summarise(Shape{2, 10, 8, 3}, image.data());
  CHECK(im.picture.rows == 30);  // three channels of the first image, one below the other
  CHECK(im.picture.cols == 8);
  CHECK(im.picture.cells[0] == 0);
  CHECK(im.picture.cells[80] == 1);
  CHECK(im.picture.cells[160] == 2);
  CHECK(to_line(summarise(Shape{2, 2}, x.data())) == "[0, 0; 0, 0]");
  CHECK(to_line(summarise(Shape{0}, x.data())) == "[]");
}

TEST_CASE("rules: numbers stand where names stood") {
  const Trace t = example();
  std::vector<std::string> rules;
  ValueSummary dy;
  for (const TraceStep& s : t.steps) {
    if (s.kind == Kind::kPassing) dy = s.value;
    if (s.kind == Kind::kRan) rules.push_back(rule_with_numbers(t, s, dy, card_of));
  }
  CHECK(rules == std::vector<std::string>{"dx = 2 dy x = 2 · 1 · 4 = 8", "da = dy = 8",
                                          "dx = x > 0 ? dy : 0 = 5 > 0 ? 8 : 0 = 8", "db = dy = 8",
                                          "da = dy = 8", "db = dy a = 8 · 2 = 16",
                                          "da = dy b = 8 · 3 = 24"});
  CHECK(formula_with_numbers(t, find(t, "l"), card_of) == "y = x^2 = 4^2 = 16");
  const std::string three = "da = dy b, db = dy a, summed";
  CHECK(rule_for_input(three, 0, 2) == "da = dy b");
  CHECK(rule_for_input(three, 1, 2) == "db = dy a, summed");
  CHECK(rule_for_input(three, 0, 3) == "");
  CHECK(rule_for_input("dx, dw as conv2d, db = sum of dy", 0, 1) == "");
}

TEST_CASE("layout: nodes stand below what they read, and never on each other") {
  for (const int order : {1, 2, 3}) {
    const Trace t = trace_expression("y = tanh(w*x + b); (y - 1)^2 * exp(-x) + sum(v*v)",
                                     parse_settings("w=2,x=3,b=-1,v=[1,2,3]"), {order, "w"});
    const TraceLayout layout = lay_out(t);
    std::vector<const TracePlace*> place(t.nodes.size(), nullptr);
    std::size_t kept = 0;
    for (const TraceNode& n : t.nodes) kept += n.kept;
    CHECK(layout.places.size() == kept);
    for (const TracePlace& p : layout.places) {
      place[std::size_t(p.node)] = &p;
      CHECK(p.x >= 0);
      CHECK(p.x + TraceLayout::kBoxWidth <= layout.width);
      CHECK(p.y + TraceLayout::kBoxHeight <= layout.height);
    }
    for (const TracePlace& a : layout.places) {
      for (const TracePlace& b : layout.places) {
        if (a.node >= b.node) continue;
        CHECK((std::abs(a.x - b.x) >= TraceLayout::kBoxWidth || a.y != b.y));
      }
      const TraceNode& n = t.nodes[std::size_t(a.node)];
      if (n.pass >= 0) continue;
      for (const TraceInput& in : n.inputs) {
        if (t.nodes[std::size_t(in.node)].pass < 0) CHECK(place[std::size_t(in.node)]->y < a.y);
      }
    }
  }
}

TEST_CASE("text and dot: every node and edge is there") {
  const Trace t = example();
  const std::string text = to_text(t, card_of), dot = to_dot(t);
  CHECK(text.find("db = dy a = 8 · 2 = 16") != text.npos);
  CHECK(text.find("#5 relu  y") != text.npos);
  CHECK(dot.starts_with("digraph tape {"));
  CHECK(dot.find("n0 -> n3;") != dot.npos);
  CHECK(dot.find("n6 -> n7 [style=dashed];") != dot.npos);
  const Trace second = trace_expression("x^3", parse_settings("x=2"), {.order = 2});
  CHECK(to_dot(second).find("subgraph cluster_0") != std::string::npos);
}

TEST_CASE("page: its data say what the trace says, and need no network") {
  const Trace t = example();
  const std::string page = trace_page(t, card_of, "</script><b>", "lead").str();
  const std::string open = "<script type=\"application/json\" id=\"trace\">";
  const std::size_t start = page.find(open) + open.size();
  const auto j = nlohmann::json::parse(page.substr(start, page.find("</script>", start) - start));
  CHECK(j["nodes"].size() == t.nodes.size());
  CHECK(j["steps"].size() == t.steps.size());
  CHECK(j["nodes"][5]["v"]["t"] == "5");
  CHECK(j["steps"].back()["k"] == int(Kind::kEnded));
  CHECK(page.find("<b>") == page.npos);  // the title is escaped
  for (const char* remote : {"http:", "https:", "src=\"//", "@import"}) {
    CHECK(page.find(remote) == page.npos);
  }
}

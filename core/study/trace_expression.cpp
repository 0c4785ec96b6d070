#include "core/study/trace_expression.h"

#include "core/ops/elementwise.h"
#include "core/ops/reduce.h"

namespace talweg {
namespace {

const NamedVar& variable_for(const ExpressionResult& e, const std::string& name) {
  std::string all;
  for (const NamedVar& v : e.variables) {
    if (name.empty() || v.name == name) return v;
    all += (all.empty() ? "" : ", ") + v.name;
  }
  throw Error(message("there is no variable '", name, "' to differentiate by; there ",
                      e.variables.size() == 1 ? "is " : "are ", all));
}

void check_output(const ExpressionResult& e) {
  const NamedVar& y = e.results.back();
  expect(y.value.size() == 1, "'", y.name, "' has shape ", y.value.shape(), ", but the way back ",
         "starts from one number; end with the sum or the mean of it, such as l = sum(",
         y.name == "output" ? "..." : y.name, ")");
  expect(y.value.needs_grad(), "'", y.name, "' depends on no variable, so there is nothing to ",
         "differentiate; use a name in the formula and give it a value with --set");
}

/// "d l/dx", "d2 l/dx2".
std::string derivative_name(const std::string& y, const std::string& x, int order) {
  const std::string n = order > 1 ? std::to_string(order) : "";
  return message("d", n, " ", y, "/d", x, n);
}

/// All passes; recorded ones first. Names what they gave where somebody watches.
void differentiate(Tape<double>& tape, const ExpressionResult& e, const ExpressionOrder& order,
                   TraceRecorder<double>* recorder) {
  Var<double> y = e.results.back().value;
  std::string name = e.results.back().name;
  for (int k = 1; k < order.order; ++k) {
    const NamedVar& x = variable_for(e, order.by);
    Var<double> g = tape.grad(y, std::span(&x.value, 1), /*create_graph=*/true)[0];
    std::string g_name = derivative_name(e.results.back().name, x.name, k);
    expect(g.needs_grad(), g_name, " is constant, so the derivative of order ", k + 1,
           " is 0 and has no graph; ask for order ", k);
    if (recorder) recorder->name(g, g_name);
    if (g.size() > 1) {
      g = sum(square(g));
      g_name = "|" + g_name + "|^2";
      if (recorder) recorder->name(g, g_name);
    }
    y = g, name = g_name;
  }
  tape.backward(y);
}

}  // namespace

Trace trace_expression(std::string_view text, const std::vector<Setting>& settings,
                       const ExpressionOrder& order) {
  {
    Tape<double> warm;
    const ExpressionResult e = evaluate(warm, text, settings);
    check_output(e);
    differentiate(warm, e, order, nullptr);
  }
  Tape<double> tape;
  TraceRecorder<double> recorder(tape);
  const ExpressionResult e = evaluate(
      tape, text, settings, [&](std::string place) { recorder.set_place(std::move(place)); });
  for (const NamedVar& v : e.variables) recorder.name(v.value, v.name);
  for (const NamedVar& v : e.results) recorder.name(v.value, v.name);
  recorder.set_place("");
  differentiate(tape, e, order, &recorder);
  return recorder.finish();
}

}  // namespace talweg

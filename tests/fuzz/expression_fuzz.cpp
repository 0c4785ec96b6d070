// Formulas and the values of their variables: refused with a caret below the place, or computed and
// differentiated.
#include <cmath>
#include <string>

#include "core/error.h"
#include "core/study/trace_expression.h"
#include "core/study/trace_page.h"
#include "core/study/trace_text.h"
#include "tests/fuzz/input.h"

namespace talweg {
namespace {

using fuzz::require;

const OpCard* no_card(std::string_view) { return nullptr; }

void check_formula(const std::string& text, const std::string& values, int order) {
  try {
    const std::vector<Setting> settings = parse_settings(values);
    const Trace trace = trace_expression(text, settings, {order, ""});
    require(!trace.nodes.empty() && !trace.steps.empty(), "what was computed left nodes and steps");
    require(!to_text(trace, no_card).empty() && !to_dot(trace).empty(), "a trace can be shown");
    require(!trace_page(trace, no_card, text, values).str().empty(), "and as a page");
  } catch (const Error& e) {
    require(e.what()[0] != 0, "a refusal says why");
  }
}

/// An input: the order, the formula, a NUL, the values.
std::string input_of(char order, std::string_view text, std::string_view values) {
  return std::string(1, order).append(text).append(1, '\0').append(values);
}

}  // namespace
}  // namespace talweg

talweg::fuzz::Corpus talweg::fuzz::corpus() {
  Corpus corpus{{input_of(0, "y = relu(w*x + b); l = (y - 1)^2", "w=2, x=3, b=-1"),
                 input_of(1, "x^3", "x=2"), input_of(3, "1/x + x^-2 + x^0.5 + 2^x", "x=1.5"),
                 input_of(0, "sum(softmax(x @ [1,2;3,4]))", "x=[1,2;3,4]"),
                 input_of(1, "a = x*x\nsum(a, 1) @ [1;2]", "x=[1,2;3,4]"),
                 input_of(2, "mean(max(x, 0)*y, -1)", "x=[1,2;3,4], y=[1;2]"),
                 input_of(0, "--+(((x)))", "x=-1e300"), input_of(0, "x = ", "x=[1,2;3]")},
                4000};
  for (const std::string& usage : expression_functions()) {
    const std::string call = usage.substr(0, usage.find(' '));
    corpus.seeds.push_back(
        input_of(1, "sum(" + call + ")", "x=[0.5,1;2,3],a=[1,2;3,4],b=[1,2;3,4]"));
    corpus.seeds.push_back(input_of(1, "sum(" + call + ")", "x=[0.5,1;2,3]"));
    corpus.seeds.push_back(input_of(1, "sum(" + call + ")", "a=[1,2;3,4],b=[1,2;3,4]"));
  }
  return corpus;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  talweg::fuzz::Input in(data, size);
  const int order = 1 + int(in.below(4));
  const std::string_view rest = in.rest();
  const size_t end = std::min(rest.find('\0'), rest.size());
  talweg::check_formula(std::string(rest.substr(0, end)),
                        std::string(rest.substr(std::min(end + 1, rest.size()))), order);
  return 0;
}

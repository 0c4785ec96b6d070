#include "core/study/trace_rule.h"

#include <cmath>
#include <map>
#include <vector>

#include "core/io/text.h"

namespace talweg {
namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// "da = dy b" -> name "a", body "dy b".
struct Clause {
  std::string name, body;
};

/// The parts of a rule that begin with "d<name> = ", where there is one for each of the op's inputs,
/// which rules speak of in the order in which they are recorded. Else none.
std::vector<Clause> clauses_of(const std::string& rule, std::size_t inputs) {
  std::vector<Clause> clauses;
  std::vector<std::size_t> starts, bodies;
  for (std::size_t i = 0; i + 1 < rule.size(); ++i) {
    if (rule[i] != 'd' || (i > 0 && (is_letter(rule[i - 1]) || is_digit(rule[i - 1])))) continue;
    std::size_t end = i + 1;
    while (end < rule.size() && (is_letter(rule[end]) || is_digit(rule[end]))) ++end;
    if (end == i + 1 || rule.compare(end, 3, " = ") != 0) continue;
    clauses.push_back({rule.substr(i + 1, end - i - 1), ""});
    starts.push_back(i);
    bodies.push_back(end + 3);
  }
  if (clauses.size() != inputs || starts[0] != 0) return {};
  for (std::size_t k = 0; k < clauses.size(); ++k) {
    const std::size_t end = k + 1 < clauses.size() ? starts[k + 1] : rule.size();
    std::string& body = clauses[k].body = rule.substr(bodies[k], end - bodies[k]);
    while (!body.empty() && (body.back() == ' ' || body.back() == ',' || body.back() == ';'))
      body.pop_back();
  }
  return clauses;
}

/// Without what is said after the formula: ", summed over stretched axes", "; ties go to a".
std::string without_remark(const std::string& body) {
  int depth = 0;
  for (std::size_t i = 0; i < body.size(); ++i) {
    depth += body[i] == '(' || body[i] == '[';
    depth -= body[i] == ')' || body[i] == ']';
    if (depth == 0 && (body[i] == ',' || body[i] == ';' || body.compare(i, 7, " almost") == 0))
      return body.substr(0, i);
  }
  return body;
}

std::string number(double x) {
  const std::string s = io::format_short(x);
  return s.starts_with('-') ? "(" + s + ")" : s;
}

using Names = std::map<std::string, std::string>;

/// `formula` with numbers for names. Two factors side by side get a dot between them.
std::string put_in(const std::string& formula, const Names& names, bool& any) {
  std::string out;
  bool factor_before = false;  // did a factor stand just before, with nothing but a space since?
  for (std::size_t i = 0; i < formula.size();) {
    const char c = formula[i];
    const bool word = is_letter(c), digit = is_digit(c);
    std::size_t end = i + 1;
    while ((word || digit) && end < formula.size() &&
           (is_letter(formula[end]) ? word : is_digit(formula[end]) || formula[end] == '.'))
      ++end;
    std::string token = formula.substr(i, end - i);
    const auto known = names.find(token);
    const bool is_call = word && end < formula.size() && formula[end] == '(';
    const bool factor = digit || (word && known != names.end()) || c == '(' || is_call;
    if (c == ' ') {
      const char next = i + 1 < formula.size() ? formula[i + 1] : ' ';
      std::size_t stop = i + 1;
      while (stop < formula.size() && is_letter(formula[stop])) ++stop;
      const std::string next_word = formula.substr(i + 1, stop - i - 1);
      const bool next_factor =
          is_digit(next) || next == '(' || names.count(next_word) > 0 ||
          (!next_word.empty() && stop < formula.size() && formula[stop] == '(');
      out += factor_before && next_factor ? " · " : " ";
      factor_before = false;
      i = end;
      continue;
    }
    if (word && known != names.end() && !is_call) {
      out += known->second;
      any = true;
    } else {
      out += token;
    }
    factor_before = (factor && c != '(' && !is_call) || c == ')';
    i = end;
  }
  return out;
}

const ValueSummary* value_of(const Trace& trace, const TraceInput& in) {
  if (in.node < 0 || in.is_adjoint) return nullptr;
  return &trace.nodes[std::size_t(in.node)].value;
}

bool is_number(const ValueSummary& v) { return v.known && v.shape.size() == 1; }

/// y, dy and the inputs' names with their numbers; empty unless all of them are scalars.
Names names_of(const Trace& trace, const TraceNode& node, const ValueSummary* dy,
               const std::vector<Clause>& clauses) {
  Names names;
  if (!is_number(node.value)) return {};
  const double y = node.value.whole[0];
  names["y"] = number(y);
  if (dy) {
    if (!is_number(*dy)) return {};
    names["dy"] = number(dy->whole[0]);
  }
  for (std::size_t k = 0; k < node.inputs.size(); ++k) {
    const ValueSummary* v = value_of(trace, node.inputs[k]);
    if (!v || !is_number(*v)) return {};
    const std::string name = k < clauses.size() ? clauses[k].name : k == 0 ? "x" : "";
    if (!name.empty()) names[name] = number(v->whole[0]);
  }
  if (node.inputs.size() != 1) return names;
  // The number that an op was given beside its input is known from what it made.
  const double x = value_of(trace, node.inputs[0])->whole[0];
  if (node.op.starts_with("scale") && x != 0) names["c"] = number(y / x);
  if (node.op == "add_scalar") names["c"] = number(y - x);
  if (node.op == "mean") names["n"] = "1";
  return names;
}

}  // namespace

std::string tape_op_text(std::string_view op) {
  if (op == "variable") return "a leaf: a value given from outside, whose gradient is asked for";
  if (op == "constant") return "a constant: no gradient goes to it";
  if (op == "borrow") return "a leaf that reads a tensor outside of the tape where it stands";
  if (op == "detach") return "the same value, seen as a constant: no gradient goes through";
  if (op == "accumulate") return "y = a + b: two gradients of one value meet; da = dy, db = dy";
  if (op == "overwrite") return "takes its input's memory over";
  return {};
}

std::string rule_for_input(const std::string& rule_text, int slot, int inputs) {
  const std::vector<Clause> clauses = clauses_of(rule_text, std::size_t(inputs));
  if (slot < 0 || std::size_t(slot) >= clauses.size()) return {};
  const Clause& c = clauses[std::size_t(slot)];
  return "d" + c.name + " = " + c.body;
}

std::string rule_with_numbers(const Trace& trace, const TraceStep& step, const ValueSummary& dy,
                              const CardLookup& cards) {
  const TraceNode& node = trace.nodes[std::size_t(step.node)];
  const OpCard* card = cards ? cards(node.op) : nullptr;
  const std::string rule = card                      ? card->rule_text
                           : node.op == "accumulate" ? "da = dy, db = dy"
                                                     : "";
  if (rule.empty()) return {};
  const std::string own = rule_for_input(rule, step.slot, int(node.inputs.size()));
  if (own.empty()) return rule;
  const std::vector<Clause> clauses = clauses_of(rule, node.inputs.size());
  const Names names = names_of(trace, node, &dy, clauses);
  if (names.empty() || !is_number(step.value)) return own;
  const Clause& clause = clauses[std::size_t(step.slot)];
  const std::string bare = without_remark(clause.body);
  bool any = false;
  const std::string numbers = put_in(bare, names, any);
  const std::string result = io::format_short(step.value.whole[0]);
  std::string line = "d" + clause.name + " = " + bare;
  if (any && numbers != result && numbers != "(" + result + ")") line += " = " + numbers;
  return line + " = " + result;
}

std::string formula_with_numbers(const Trace& trace, int id, const CardLookup& cards) {
  const TraceNode& node = trace.nodes[std::size_t(id)];
  const OpCard* card = cards ? cards(node.op) : nullptr;
  if (!card || card->formula_text.empty()) return tape_op_text(node.op);
  const std::string& formula = card->formula_text;
  Names names = names_of(trace, node, nullptr, clauses_of(card->rule_text, node.inputs.size()));
  names.erase("y");
  if (names.empty() || !formula.starts_with("y = ")) return formula;
  const std::string bare = without_remark(formula.substr(4));
  bool any = false;
  const std::string numbers = put_in(bare, names, any);
  const std::string result = io::format_short(node.value.whole[0]);
  if (!any) return formula;
  return message("y = ", bare, " = ", numbers, numbers == result ? "" : " = " + result);
}

}  // namespace talweg

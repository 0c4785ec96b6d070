#include "core/study/expression.h"

#include <cmath>
#include <map>
#include <optional>

#include "core/edit_distance.h"
#include "core/ops/elementwise.h"
#include "core/ops/matmul.h"
#include "core/study/expression_functions.h"
#include "core/study/expression_reader.h"

namespace talweg {
namespace {

using V = Var<double>;

/// A number as written, made a node only where an op needs one; or a node.
struct Value {
  V var;
  std::optional<double> number;
};

/// Reads and computes in one go, by recursive descent.
class Evaluator {
 public:
  Evaluator(Tape<double>& tape, std::string_view text, const std::vector<Setting>& settings,
            const std::function<void(std::string)>& on_place)
      : tape_(tape), in_(text), on_place_(on_place) {
    for (const Setting& s : settings) {
      if (find_expression_function(s.name)) {
        throw Error(message("'", s.name, "' is a function; give the variable another name"));
      }
      tell("--set " + s.name);
      const V leaf = tape.variable(s.value);
      result_.variables.push_back({s.name, leaf});
      names_[s.name] = {leaf, {}};
    }
  }

  ExpressionResult run() {
    while (skip_separators()) statement();
    if (result_.results.empty()) {
      throw Error("the expression is empty; write one such as 'y = relu(w*x + b)'");
    }
    for (const NamedVar& v : result_.variables) {
      if (used_.count(v.name)) continue;
      throw Error(message("--set gives '", v.name, "', which the expression never uses; ",
                          "take it away, or use it"));
    }
    return std::move(result_);
  }

 private:
  static constexpr int kMaxDepth = 200, kMaxPower = 16;

  bool skip_separators() {
    while (in_.take(';') || in_.take('\n')) {
    }
    return !in_.at_end();
  }

  void statement() {
    const std::size_t start = in_.at();
    in_.peek();
    const std::size_t name_at = in_.at();
    std::string name(in_.name());
    if (!name.empty() && in_.take('=')) {
      if (in_.peek() == '=') in_.fail(in_.at(), "one '=' gives a name; there are no comparisons");
      if (find_expression_function(name)) {
        in_.fail(name_at, message("'", name, "' is a function; give the result another name"));
      }
    } else {
      name.clear();
      in_.move_to(start);
    }
    const V value = node(sum_of_terms(), "a number by itself");
    const bool more = in_.peek() == ';' || in_.peek() == '\n';
    if (!more && !in_.at_end()) {
      in_.fail(in_.at(), message("expected an operator, ';' or the end, found ", in_.found()));
    }
    if (name.empty() && skip_separators()) {
      in_.fail(start, "a statement before the last needs a name: name = expression");
    }
    if (!name.empty()) names_[name] = {value, {}};
    result_.results.push_back({name.empty() ? "output" : name, value});
  }

  // --- from weak to strong ---

  Value sum_of_terms() {
    in_.peek();
    const std::size_t start = in_.at();
    Value a = product();
    while (in_.peek() == '+' || in_.peek() == '-') {
      const char op = in_.peek();
      const std::size_t at = in_.at();
      in_.take(op);
      const Value b = product();
      a = {apply(start, at, {a, b},
                 [&](auto x) { return op == '+' ? add(x[0], x[1]) : sub(x[0], x[1]); }),
           {}};
    }
    return a;
  }

  Value product() {
    in_.peek();
    const std::size_t start = in_.at();
    Value a = signed_power();
    while (in_.peek() == '*' || in_.peek() == '/' || in_.peek() == '@') {
      const char op = in_.peek();
      const std::size_t at = in_.at();
      in_.take(op);
      if (op == '*' && in_.touches('*')) in_.fail(at, "a power is written with ^");
      const Value b = signed_power();
      a = {apply(start, at, {a, b},
                 [&](auto x) {
                   return op == '*'   ? mul(x[0], x[1])
                          : op == '/' ? div(x[0], x[1])
                                      : matmul(x[0], x[1]);
                 }),
           {}};
    }
    return a;
  }

  Value signed_power() {
    const Deeper deeper(*this);
    in_.peek();
    const std::size_t start = in_.at();
    if (in_.take('+')) return signed_power();
    if (!in_.take('-')) return power();
    const Value x = signed_power();
    if (x.number) return {{}, -*x.number};
    return {apply(start, start, {x}, [](auto v) { return -v[0]; }), {}};
  }

  Value power() {
    in_.peek();
    const std::size_t start = in_.at();
    const Value base = primary();
    in_.peek();
    const std::size_t at = in_.at();
    if (!in_.take('^')) return base;
    const Value exponent = signed_power();
    if (base.number && exponent.number) return {{}, std::pow(*base.number, *exponent.number)};
    if (!exponent.number) {
      return {apply(start, at, {base, exponent}, [](auto x) { return exp(mul(x[1], log(x[0]))); }),
              {}};
    }
    return {number_power(start, at, base, *exponent.number), {}};
  }

  V number_power(std::size_t start, std::size_t at, const Value& base, double n) {
    return apply(start, at, {base}, [&](auto x) {
      if (n == 0.5) return sqrt(x[0]);
      if (n != std::round(n) || std::abs(n) > kMaxPower) {
        return exp(mul(tape_.constant(n), log(x[0])));
      }
      V y = n == 0 ? tape_.full(x[0].shape(), 1) : x[0];
      int left = std::max(0, int(std::abs(n)) - 1);
      if (left > 0) y = square(x[0]), --left;
      for (; left > 0; --left) y = mul(y, x[0]);
      return n < 0 ? div(tape_.constant(1.0), y) : y;
    });
  }

  Value primary() {
    in_.peek();
    const std::size_t at = in_.at();
    if (const std::optional<double> x = in_.number()) return {{}, x};
    if (in_.take('(')) {
      const Value x = sum_of_terms();
      in_.require(')', "to close the parenthesis");
      return x;
    }
    if (in_.take('[')) {
      const Tensor<double> m = in_.matrix();
      tell_op(at);
      return {tape_.constant(m), {}};
    }
    const std::string name(in_.name());
    if (name.empty()) {
      in_.fail(at, message("expected a number, a name, '(' or '[', found ", in_.found()));
    }
    return in_.peek() == '(' ? call(at, name) : variable(at, name);
  }

  Value variable(std::size_t at, const std::string& name) {
    const auto found = names_.find(name);
    if (found != names_.end()) {
      used_[name] = true;
      return found->second;
    }
    if (find_expression_function(name)) {
      in_.fail(at, message("'", name, "' is a function: ", find_expression_function(name)->usage));
    }
    std::vector<std::string> candidates;
    for (const auto& n : names_) candidates.push_back(n.first);
    const std::string near = nearest_name(name, candidates);
    in_.fail(at, message("'", name, "' has no value; ",
                         near.empty() ? "" : "did you mean '" + near + "'? if not, ",
                         "give it one ", "with --set ", name, "=1"));
  }

  Value call(std::size_t at, const std::string& name) {
    const ExpressionFunction* f = find_expression_function(name);
    if (!f) {
      std::vector<std::string> candidates;
      for (const ExpressionFunction& g : all_expression_functions()) candidates.push_back(g.name);
      const std::string near = nearest_name(name, candidates);
      if (names_.count(name))
        in_.fail(at, message("'", name, "' is a value, not a function; ", "write ", name,
                             "*(...) to multiply"));
      in_.fail(at, message("there is no function '", name, "'; ",
                           near.empty() ? "these exist: " + all_functions()
                                        : "did you mean " + near + "?"));
    }
    in_.take('(');
    std::vector<Value> arguments;
    std::vector<std::size_t> starts;
    if (in_.peek() != ')') {
      do {
        in_.peek();
        starts.push_back(in_.at());
        arguments.push_back(sum_of_terms());
      } while (in_.take(','));
    }
    in_.require(')', message("to close ", name, "("));
    std::optional<int> axis;
    if (f->takes_axis && int(arguments.size()) == f->arguments + 1) {
      const std::optional<double> n = arguments.back().number;
      if (!n || *n != std::round(*n) || std::abs(*n) > kMaxRank)
        in_.fail(starts.back(), "an axis is a whole number: 0, 1 or -1");
      axis = int(*n);
      arguments.pop_back();
    }
    if (int(arguments.size()) != f->arguments) {
      in_.fail(at, message("write ", f->usage, "; found ", arguments.size(), " arguments"));
    }
    return {apply(at, at, arguments, [&](auto x) { return f->call(x, axis); }), {}};
  }

  static std::string all_functions() {
    std::string all;
    for (const ExpressionFunction& f : all_expression_functions())
      all += (all.empty() ? "" : ", ") + std::string(f.name);
    return all;
  }

  // --- nodes ---

  V node(const Value& x, const std::string& place) {
    if (!x.number) return x.var;
    tell(place);
    return tape_.constant(*x.number);
  }

  /// Runs an op whose text began at `start`; its own errors get the column `at`.
  template <class Op>
  V apply(std::size_t start, std::size_t at, const std::vector<Value>& arguments, Op op) {
    const std::size_t end = in_.at();
    try {
      std::vector<V> nodes;
      for (const Value& x : arguments) {
        nodes.push_back(
            node(x, message("column ", in_.column(start), ": a number of ", in_.from(start))));
      }
      tell_op(start);
      return op(std::span<const V>(nodes));
    } catch (const Error& error) {
      in_.move_to(end);
      in_.fail(at, error.what());
    }
  }

  void tell_op(std::size_t start) {
    tell(message("column ", in_.column(start), ": ", in_.from(start)));
  }
  void tell(std::string place) {
    if (on_place_) on_place_(std::move(place));
  }

  struct Deeper {
    explicit Deeper(Evaluator& e) : e(e) {
      if (++e.depth_ > kMaxDepth) e.in_.fail(e.in_.at(), "nested too deeply; name a part of it");
    }
    ~Deeper() { --e.depth_; }
    Evaluator& e;
  };

  Tape<double>& tape_;
  ExpressionReader in_;
  const std::function<void(std::string)>& on_place_;
  std::map<std::string, Value> names_;
  std::map<std::string, bool> used_;
  ExpressionResult result_;
  int depth_ = 0;
};

}  // namespace

std::vector<Setting> parse_settings(std::string_view text) {
  ExpressionReader in(text);
  std::vector<Setting> settings;
  while (!in.at_end()) {
    const std::size_t at = in.at();
    const std::string name(in.name());
    if (name.empty()) in.fail(in.at(), message("expected a name, found ", in.found()));
    for (const Setting& s : settings) {
      if (s.name == name) in.fail(at, message("'", name, "' is set twice"));
    }
    in.require('=', message("behind '", name, "'"));
    if (in.take('[')) {
      settings.push_back({name, in.matrix()});
    } else {
      settings.push_back({name, Tensor<double>(Shape{}, in.signed_number())});
    }
    if (in.at_end()) break;
    in.require(',', "between settings");
  }
  return settings;
}

ExpressionResult evaluate(Tape<double>& tape, std::string_view text,
                          const std::vector<Setting>& settings,
                          const std::function<void(std::string)>& on_place) {
  return Evaluator(tape, text, settings, on_place).run();
}

std::vector<std::string> expression_functions() {
  std::vector<std::string> usages;
  for (const ExpressionFunction& f : all_expression_functions()) usages.push_back(f.usage);
  return usages;
}

}  // namespace talweg

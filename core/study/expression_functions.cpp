#include "core/study/expression_functions.h"

#include "core/ops/elementwise.h"
#include "core/ops/matmul.h"
#include "core/ops/reduce.h"
#include "core/ops/shape_ops.h"
#include "core/ops/softmax.h"

namespace talweg {
namespace {

using V = Var<double>;

V flat(V x) { return reshape(x, {x.size()}); }

#define TALWEG_UNARY(f)                                                                        \
  {                                                                                            \
#f, 1, false, #f "(x)", [](std::span <const V> x, std::optional <int>) { return f(x[0]); } \
  }
#define TALWEG_BINARY(f)                                                         \
  {                                                                              \
#f, 2, false, #f "(a, b)",                                                   \
        [](std::span <const V> x, std::optional <int>) { return f(x[0], x[1]); } \
  }

const ExpressionFunction kFunctions[] = {
    TALWEG_UNARY(abs),
    TALWEG_UNARY(exp),
    TALWEG_UNARY(log),
    TALWEG_UNARY(log_softmax),
    TALWEG_UNARY(logsumexp),
    TALWEG_UNARY(relu),
    TALWEG_UNARY(sigmoid),
    TALWEG_UNARY(sign),
    TALWEG_UNARY(softmax),
    TALWEG_UNARY(softplus),
    TALWEG_UNARY(sqrt),
    TALWEG_UNARY(square),
    TALWEG_UNARY(tanh),
    TALWEG_UNARY(transpose),
    TALWEG_BINARY(add),
    TALWEG_BINARY(div),
    TALWEG_BINARY(matmul),
    TALWEG_BINARY(maximum),
    TALWEG_BINARY(mul),
    TALWEG_BINARY(sub),
    {"detach", 1, false, "detach(x)",
     [](std::span<const V> x, std::optional<int>) { return x[0].detach(); }},
    {"sum", 1, true, "sum(x) or sum(x, axis)",
     [](std::span<const V> x, std::optional<int> axis) {
       return axis ? sum(x[0], *axis) : sum(x[0]);
     }},
    {"mean", 1, true, "mean(x) or mean(x, axis)",
     [](std::span<const V> x, std::optional<int> axis) {
       return axis ? mean(x[0], *axis) : mean(x[0]);
     }},
    {"max", 1, true, "max(x) or max(x, axis)",
     [](std::span<const V> x, std::optional<int> axis) {
       return axis ? max(x[0], *axis) : max(flat(x[0]), 0);
     }},
    {"min", 1, true, "min(x) or min(x, axis)",
     [](std::span<const V> x, std::optional<int> axis) {
       return axis ? min(x[0], *axis) : min(flat(x[0]), 0);
     }},
};

#undef TALWEG_UNARY
#undef TALWEG_BINARY

}  // namespace

std::span<const ExpressionFunction> all_expression_functions() { return kFunctions; }

const ExpressionFunction* find_expression_function(std::string_view name) {
  for (const ExpressionFunction& f : kFunctions) {
    if (name == f.name) return &f;
  }
  return nullptr;
}

}  // namespace talweg

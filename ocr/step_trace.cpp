#include "ocr/step_trace.h"

#include "core/ops/elementwise.h"
#include "core/ops/reduce.h"

namespace talweg::ocr {
namespace {

Var<float> squared_gradient(Var<float> loss, std::span<const Var<float>> leaves) {
  Var<float> total;
  for (const Var<float> g : loss.tape().grad(loss, leaves, /*create_graph=*/true)) {
    const Var<float> squares = sum(square(g));
    total = total ? total + squares : squares;
  }
  return total;
}

}  // namespace

Trace trace_step(WordTrainer& trainer, int order) {
  expect(order == 1 || order == 2, "a training step is differentiated once or twice, not ", order,
         " times");
  Trace trace;
  trainer.study_step([&](nn::Context<float>& context, const auto& build_loss) {
    TraceRecorder<float> recorder(context.tape());
    Var<float> loss = build_loss();
    recorder.name(loss, "loss");
    std::vector<Var<float>> leaves;
    for (int id = 0; id < context.parameters().size(); ++id) {
      if (!context.parameters()[id].trained) continue;
      leaves.push_back(context.leaf(id));
      recorder.name(leaves.back(), context.parameters()[id].name);
    }
    if (order == 2) {
      loss = squared_gradient(loss, leaves);
      recorder.name(loss, "|gradient|^2");
    }
    loss.tape().backward(loss);
    trace = recorder.finish();
  });
  return trace;
}

}  // namespace talweg::ocr

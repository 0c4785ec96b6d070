#include "ocr/step_memory.h"

#include <algorithm>
#include <chrono>
#include <limits>

#include "ebm/losses/word_losses.h"
#include "nn/checkpointed.h"

namespace talweg::ocr {
namespace {

using Layers = nn::Sequential<float>;

/// A layer that its neighbours do not see into, and so do not fuse with.
Layers alone(const nn::LayerPtr<float>& layer) {
  Layers one;
  one.add(layer);
  return one;
}

Layers rearranged(const nn::Network<float>& network, bool fused, bool checkpointed) {
  const auto& layers = network.layers.layers();
  Layers result;
  for (std::size_t i = 0; i < layers.size();) {
    Layers block;  // a convolution and what follows it
    do {
      if (fused) {
        block.add(layers[i]);
      } else {
        block.add(alone(layers[i]));
      }
      ++i;
    } while (i < layers.size() && !dynamic_cast<const nn::Conv2d<float>*>(layers[i].get()));
    const bool last = i == layers.size();  // its gradient comes first: nothing to save
    if (checkpointed && !last) {
      result.add(nn::Checkpointed<float>(network.parameters, std::move(block)));
    } else {
      result.add(std::move(block));
    }
  }
  return result;
}

}  // namespace

std::vector<StepMemory> step_memory(const Architecture& architecture, const BatchSource& source,
                                    uint64_t seed, int repeats) {
  const Alphabet& alphabet = source.alphabet();
  Batch batch;
  source.words(0, batch);
  std::vector<int64_t> windows;
  for (int width : batch.widths) windows.push_back(architecture.windows(width));
  std::vector<StepMemory> runs;
  for (const bool checkpointed : {false, true}) {
    for (const bool fused : {false, true}) {
      nn::Network<float> network = make_network(architecture, alphabet.size(), Rng(seed));
      network.layers = rearranged(network, fused, checkpointed);
      ebm::WordObjective<float> objective({}, {alphabet.between(), ebm::Topology::classic});
      StepMemory run;
      run.name = fused ? "fused" : "plain";
      if (checkpointed) run.name = fused ? "fused, checkpointed" : "checkpointed";
      run.tape = std::make_unique<Tape<float>>();
      auto context =
          nn::Context<float>::for_training(*run.tape, network.parameters, Rng(seed).split(1));
      const auto step = [&] {
        const TapeScope<float> scope(*run.tape);
        context.begin_step();
        const Var<float> images = run.tape->borrow(batch.images, false);
        const Var<float> e = energies(architecture, network, context, images);
        const double beta = std::numeric_limits<double>::infinity();
        const Var<float> loss = objective(e, windows, batch.words.view(), beta).loss;
        run.loss = loss.item();
        run.tape->backward(loss);
      };
      run.milliseconds = std::numeric_limits<double>::infinity();
      for (int i = 0; i < repeats + 1; ++i) {  // the first fills the pool
        const auto begin = std::chrono::steady_clock::now();
        step();
        const std::chrono::duration<double, std::milli> took =
            std::chrono::steady_clock::now() - begin;
        if (i > 0) run.milliseconds = std::min(run.milliseconds, took.count());
      }
      run.timeline = std::make_unique<MemoryTimeline<float>>(*run.tape);
      step();
      run.tape->observe(nullptr);
      runs.push_back(std::move(run));
      expect(runs.back().loss == runs.front().loss, "[step_memory] ", runs.back().name,
             " gives the loss ", runs.back().loss, ", plain gives ", runs.front().loss);
    }
  }
  return runs;
}

}  // namespace talweg::ocr

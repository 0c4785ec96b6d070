#include "nn/shared_step.h"

#include <algorithm>

#include "nn/pass.h"

namespace talweg::nn {
namespace {

/// The generator before pass `part` of a step: each pass draws one number, as it would in a run of its
/// own.
Rng rng_of_pass(const Rng& step, int64_t part) {
  return Rng(step.key(), step.counter() + uint64_t(part));
}

}  // namespace

template <class T>
SharedStep<T>::SharedStep(Context<T>& context, Optimizer<T>& optimizer, const Training<T>& training,
                          Communicator& ranks)
    : context_(context),
      optimizer_(optimizer),
      training_(training),
      sum_(ranks, shared_evenly(training.micro_batches, ranks.size())),
      begins_{0} {
  expect(ranks.size() <= training.micro_batches, "[train] ", ranks.size(),
         " processes can't share ", training.micro_batches,
         " micro-batches a step; start fewer, or make more micro-batches");
  constexpr std::size_t kUnit = kAlignment / sizeof(T);
  for (const Parameter<T>& p : context.parameters()) {
    begins_.push_back(begins_.back() + (std::size_t(p.value.size()) + kUnit - 1) / kUnit * kUnit);
  }
  gradients_.resize(begins_.size() - 1);
  const std::size_t size = begins_.back() + gradients_.size() + 1 + StepReport().counts.size();
  total_ = Tensor<T>({int64_t(size)}, T(0));
}

template <class T> StepReport SharedStep<T>::run(int64_t step) {
  const Rng rng = context_.rng();
  StepReport report{step, 0, training_.schedule(step), 0, {}};
  try {
    sum_(total_.values(), [&](int part, std::span<T> to) { one(step, rng, part, to); });
    context_.begin_step();
    lend_mean();
    report.gradient_norm = gradient_norm(context_);
  } catch (...) {
    context_.begin_step();  // forgets what was staged
    context_.set_rng(rng);
    throw;
  }
  const T* loss = total_.data() + begins_.back() + gradients_.size();
  report.loss = double(*loss) / training_.micro_batches;
  std::copy_n(loss + 1, report.counts.size(), report.counts.begin());
  optimizer_.step(context_, report.learning_rate,
                  clip_scale(report.gradient_norm, training_.max_gradient_norm));
  context_.commit();
  context_.begin_step();  // which forgets the gradients lent
  context_.set_rng(rng_of_pass(rng, training_.micro_batches));
  return report;
}

/// Runs a pass and packs what it leaves.
template <class T>
void SharedStep<T>::one(int64_t step, const Rng& rng, int part, std::span<T> to) {
  const PassAt at{step, part, training_.micro_batches, rng_of_pass(rng, part)};
  run_pass(context_, training_, at, [&](double loss, double) {
    T* tail = to.data() + begins_.back();
    const Parameters<T>& parameters = context_.parameters();
    for (int id = 0; id < parameters.size(); ++id) {
      const Parameter<T>& p = parameters[id];
      const std::span<const T> left = p.trained ? context_.gradient(id) : context_.staged(id);
      *tail++ = left.empty() ? T(0) : T(1);
      T* begin = to.data() + begin_of(id);
      if (!left.empty()) {
        std::copy(left.begin(), left.end(), begin);
      } else if (p.trained) {
        std::fill_n(begin, p.value.size(), T(0));
      } else {
        std::copy_n(p.value.data(), p.value.size(), begin);  // an average that nothing moved
      }
    }
    *tail++ = T(loss);
    const auto counts = training_.count ? training_.count() : StepReport().counts;
    for (const int64_t count : counts) *tail++ = T(count);
  });
}

/// Makes the means of total_ the context's gradients and staged values.
template <class T> void SharedStep<T>::lend_mean() {
  const T share = T(1) / T(training_.micro_batches);
  T* total = total_.data();
  const T* used = total + begins_.back();
  for (std::size_t i = 0; i < begins_.back(); ++i) total[i] *= share;
  const Parameters<T>& parameters = context_.parameters();
  for (int id = 0; id < parameters.size(); ++id) {
    const std::span<const T> mean(total + begin_of(id), std::size_t(parameters[id].value.size()));
    const bool trained = parameters[id].trained, moves = used[id] > 0;
    gradients_[std::size_t(id)] = trained && moves ? mean : std::span<const T>();
    if (!trained && moves) std::copy(mean.begin(), mean.end(), context_.stage(id).data());
  }
  context_.lend_gradients(gradients_);
}

template class SharedStep<float>;
template class SharedStep<double>;

}  // namespace talweg::nn

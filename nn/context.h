// Context: what one forward pass needs besides its input. A tape to stand on, the parameters, a
// random stream for dropout, how to compute convolutions, and whether this is training.
//
//   auto context = Context<float>::for_inference(tape, parameters);
//   for (const Tensor<float>& image : images) {
//     TapeScope<float> scope(tape);
//     context.begin_step();
//     Var<float> y = net.forward(context, tape.borrow(image, false));
//   }
//
// A context belongs to one thread. Threads share network and parameters, and have a tape and a
// context each.
#pragma once

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "core/ops/conv_algo.h"
#include "core/rng.h"
#include "core/tape.h"
#include "nn/parameters.h"

namespace talweg::nn {

template <class T> class Context {
 public:
  /// Layers behave as in training (dropout drops, normalisations use the batch), parameters get
  /// gradients. `rng` feeds dropout. Tape and parameters must outlive the context.
  static Context for_training(Tape<T>& tape, Parameters<T>& parameters, Rng rng) {
    return Context(tape, parameters, &parameters, rng);
  }
  /// Layers behave as in use, parameters are constants and stay untouched.
  static Context for_inference(Tape<T>& tape, const Parameters<T>& parameters) {
    return Context(tape, parameters, nullptr, Rng());
  }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  Tape<T>& tape() const { return tape_; }
  bool training() const { return mutable_parameters_ != nullptr; }
  const Parameters<T>& parameters() const { return parameters_; }
  /// Throws Error outside training.
  Parameters<T>& mutable_parameters() {
    expect(training(), "[context] parameters are constant in inference; use Context::for_training");
    return *mutable_parameters_;
  }

  /// How convolutions are computed whose own configuration leaves it open. Where a layer's shape is
  /// not one that the algorithm can do, that layer is computed directly.
  ConvAlgo conv_algo() const { return conv_algo_; }
  void set_conv_algo(ConvAlgo algo) { conv_algo_ = algo; }

  /// Forgets the last pass: its leaves, its staged values and its random stream. Call it inside the
  /// TapeScope of every pass but the first. Allocates nothing once every parameter has been used.
  void begin_step() {
    leaves_.assign(std::size_t(parameters_.size()), Var<T>());
    for (Staged& s : staged_) s.pending = false;
    stream_ = Rng(rng_.next(), 0);
    streams_taken_ = 0;
    lent_ = {};
  }

  /// The parameter as a leaf of the tape: borrowed once a pass, so that its gradients add up. In
  /// inference its packed forms are lent with it; in training a step changes it anyway.
  Var<T> leaf(int id) {
    leaves_.resize(std::size_t(parameters_.size()));
    Var<T>& leaf = leaves_[std::size_t(id)];
    if (leaf) return leaf;
    if (training()) {
      const Parameter<T>& p = mutable_parameters()[id];  // and so what is packed is forgotten
      leaf = tape_.borrow(p.value, p.trained);
    } else {
      leaf = tape_.borrow(parameters_[id].value, false, &parameters_[id].packs);
    }
    return leaf;
  }

  /// What backward() left for a parameter in this pass; empty if nothing arrived.
  std::span<const T> gradient(int id) const {
    if (!lent_.empty()) return lent_[std::size_t(id)];
    const bool used = std::size_t(id) < leaves_.size() && leaves_[std::size_t(id)];
    return used && parameters_[id].trained ? leaves_[std::size_t(id)].grad_view()
                                           : std::span<const T>();
  }

  /// A running average's next value, which starts as a copy of the present one and takes its place
  /// in commit(): so a pass that turns out not finite leaves no trace. Throws Error in inference.
  Tensor<T>& stage(int id) {
    const Tensor<T>& now = mutable_parameters()[id].value;
    std::vector<Staged>& staged = again_ ? staged_again_ : staged_;
    auto it = std::find_if(staged.begin(), staged.end(), [=](auto& s) { return s.id == id; });
    if (it == staged.end()) it = staged.insert(it, {id, false, Tensor<T>(now.shape())});
    if (!it->pending) std::copy_n(now.data(), now.size(), it->value.data());
    it->pending = true;
    return it->value;
  }

  /// What this pass staged; empty if nothing.
  std::span<const T> staged(int id) const {
    const auto it =
        std::find_if(staged_.begin(), staged_.end(), [=](auto& s) { return s.id == id; });
    if (it == staged_.end() || !it->pending) return {};
    return it->value.values();
  }

  /// Until begin_step() these are the gradients, one a parameter: the sum over several passes.
  void lend_gradients(std::span<const std::span<const T>> by_id) { lent_ = by_id; }

  /// Makes this pass's staged values the parameters' values.
  void commit() {
    for (Staged& s : staged_) {
      if (!s.pending) continue;
      std::copy_n(s.value.data(), s.value.size(), mutable_parameters()[s.id].value.data());
      s.pending = false;
    }
  }

  /// A random stream of its own for each caller of a pass, and another one in the next pass.
  Rng next_stream() { return stream_.split(streams_taken_++); }

  /// Where the pass stands with its random streams.
  uint64_t streams_taken() const { return streams_taken_; }

  /// The generator that streams come from: what a checkpoint keeps.
  const Rng& rng() const { return rng_; }
  void set_rng(Rng rng) { rng_ = rng; }

 private:
  template <class U> friend class Replay;

  struct Staged {
    int id;
    bool pending;
    Tensor<T> value;
  };

  Context(Tape<T>& tape, const Parameters<T>& parameters, Parameters<T>* mutable_parameters,
          Rng rng)
      : tape_(tape),
        parameters_(parameters),
        mutable_parameters_(mutable_parameters),
        rng_(rng),
        stream_(rng.split(0)) {}

  Tape<T>& tape_;
  const Parameters<T>& parameters_;
  Parameters<T>* mutable_parameters_;  // null in inference
  Rng rng_, stream_;
  uint64_t streams_taken_ = 0;
  ConvAlgo conv_algo_ = ConvAlgo::automatic;
  std::vector<Var<T>> leaves_;  // by parameter id
  std::span<const std::span<const T>> lent_;
  std::vector<Staged> staged_;        // in the order of first use; a handful
  bool again_ = false;                // is a Replay under way that must not stage twice?
  std::vector<Staged> staged_again_;  // what it stages: read by nobody
};

/// While it lives, layers find other values for some parameters, and the pass's random streams begin
/// at an earlier place: how a part of a pass is run apart, or once more (nn/checkpointed.h).
template <class T> class Replay {
 public:
  /// leaf(ids[i]) is leaves[i]; the next stream is number `streams_taken` of the pass. `again`: the
  /// part ran before; what it stages, and how many streams it takes, counts for nothing.
  Replay(Context<T>& context, std::span<const int> ids, std::span<const Var<T>> leaves,
         uint64_t streams_taken, bool again)
      : context_(context),
        leaves_(context.leaves_),
        streams_taken_(std::exchange(context.streams_taken_, streams_taken)),
        keeps_count_(again),
        again_(std::exchange(context.again_, context.again_ || again)) {
    context.leaves_.resize(std::size_t(context.parameters_.size()));
    for (std::size_t i = 0; i < ids.size(); ++i) context.leaves_[std::size_t(ids[i])] = leaves[i];
    for (auto& s : context.staged_again_) s.pending = false;
  }
  ~Replay() {
    context_.leaves_ = std::move(leaves_);
    if (keeps_count_) context_.streams_taken_ = streams_taken_;
    context_.again_ = again_;
  }
  Replay(const Replay&) = delete;

 private:
  Context<T>& context_;
  std::vector<Var<T>> leaves_;
  uint64_t streams_taken_;
  bool keeps_count_, again_;
};

}  // namespace talweg::nn

// What a network has learned: named tensors, kept apart from the architecture that uses them.
// Layers refer to entries by id, so that a trained model is immutable and threads share it.
#pragma once

#include <deque>
#include <string>
#include <string_view>

#include "core/ops/pack_cache.h"
#include "core/tensor.h"

namespace talweg::nn {

/// How an optimiser treats an entry.
enum class ParameterKind {
  weight,   ///< trained and decayed
  bias,     ///< trained, never decayed: biases, scales and shifts of a normalisation
  running,  ///< not trained: a running average that the layer itself keeps
};

/// One named tensor.
template <class T> struct Parameter {
  std::string name;
  Tensor<T> value;
  bool trained = true;
  bool decay = true;
  mutable PackCache<T> packs = {};  ///< forms of `value` that passes share until it changes
};

/// The tensors of a network, in the order in which its layers were made.
template <class T> class Parameters {
 public:
  /// Appends a tensor and returns its id. Throws Error where the name is empty or taken.
  int add(std::string name, Tensor<T> value, ParameterKind kind) {
    const bool trained = kind != ParameterKind::running;
    return add({std::move(name), std::move(value), trained, kind == ParameterKind::weight});
  }
  int add(Parameter<T> entry) {
    expect(!entry.name.empty(), "[parameters] a parameter needs a name, such as conv1.weight");
    expect(find(entry.name) < 0, "[parameters] the name ", entry.name,
           " is taken; give each layer its own name");
    entries_.push_back(std::move(entry));
    return size() - 1;
  }

  int size() const { return int(entries_.size()); }
  /// Throws Error where there is no such id.
  const Parameter<T>& operator[](int id) const { return entries_[check(id)]; }
  /// For changing the value: packed forms of it are forgotten. Ask again for a change after a pass
  /// in inference, which packs what it finds; a reference kept from before would not tell.
  Parameter<T>& operator[](int id) {
    Parameter<T>& p = entries_[check(id)];
    p.packs.invalidate();
    return p;
  }

  /// The id of the entry called `name`, or -1. Linear: for set-up, not for steps.
  int find(std::string_view name) const {
    for (int id = 0; id < size(); ++id) {
      if (entries_[std::size_t(id)].name == name) return id;
    }
    return -1;
  }

  /// How many numbers are trained.
  int64_t trained_scalars() const {
    int64_t count = 0;
    for (const Parameter<T>& p : entries_) count += p.trained ? p.value.size() : 0;
    return count;
  }

  auto begin() const { return entries_.begin(); }
  auto end() const { return entries_.end(); }

 private:
  std::size_t check(int id) const {
    expect(0 <= id && id < size(), "[parameters] there is no parameter ", id, " among ", size(),
           "; was the layer made with other Parameters?");
    return std::size_t(id);
  }

  std::deque<Parameter<T>> entries_;  // which never moves an entry: tapes point at them
};

}  // namespace talweg::nn

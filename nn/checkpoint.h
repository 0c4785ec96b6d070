// A checkpoint: everything needed to use a network, or to go on training it as if nothing had
// happened, in one safetensors file.
//
//   Checkpoint c(Metadata{{"charset", "abc"}});   auto c = Checkpoint::load(path);
//   c.store(parameters);                          auto charset = c.metadata().at("charset");
//   c.store(optimizer, parameters);               c.restore(parameters);
//   c.store(TrainingState{next_step, rng});       c.restore(optimizer, parameters);
//   c.save(path);                                 auto [next_step, rng] = c.training_state();
//
// Inside: model/<parameter>, kept/<parameter>, optimizer/<optimiser>/<slot>/<parameter>,
// optimizer/<optimiser>/steps, training/step, training/rng (key, counter); the metadata, and the
// format's name and version.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "core/io/safetensors.h"
#include "nn/optim.h"

namespace talweg::nn {

using Metadata = std::map<std::string, std::string>;

/// Where a run stands.
struct TrainingState {
  int64_t next_step = 0;
  Rng rng;  ///< Context::rng()
};

/// Which values of a network's parameters: those in use, or an earlier state that was worth keeping
/// beside them.
enum class ParameterSet { model, kept };

class Checkpoint {
 public:
  /// An empty checkpoint with the user's metadata: architecture, charset, summary. Keys that begin
  /// with "talweg." are the format's own; throws Error for them.
  explicit Checkpoint(Metadata metadata = {});

  /// Reads a file and checks that it is a checkpoint of this version. Throws IoError, in one
  /// sentence, where it is missing, damaged, foreign or of another version.
  static Checkpoint load(const std::filesystem::path& path);
  /// Writes the file atomically: the old one or the new one, never half of one.
  void save(const std::filesystem::path& path) const;

  /// The user's metadata.
  const Metadata& metadata() const { return metadata_; }
  /// Does it hold what resuming needs, optimiser and training state?
  bool resumable() const;
  bool holds(ParameterSet set) const;
  /// Bytes of all its tensors.
  uint64_t tensor_bytes() const;
  /// The file it was read from, for messages.
  const std::string& origin() const { return origin_; }

  template <class T>
  void store(const Parameters<T>& parameters, ParameterSet set = ParameterSet::model);
  template <class T> void store(const Optimizer<T>& optimizer, const Parameters<T>& parameters);
  void store(const TrainingState& state);

  /// Copies the stored values into parameters of the same names and shapes, all or none. Throws
  /// IoError naming the tensor where one is missing, left over, or has another shape or dtype.
  template <class T>
  void restore(Parameters<T>& parameters, ParameterSet set = ParameterSet::model) const;
  /// The same for an optimiser's memory; throws IoError also where another optimiser wrote it.
  template <class T> void restore(Optimizer<T>& optimizer, const Parameters<T>& parameters) const;
  /// Throws IoError where there is none.
  TrainingState training_state() const;

 private:
  std::string origin_ = "checkpoint";  // names the file in messages
  Metadata metadata_;
  std::map<std::string, io::TensorBlob> tensors_;
};

}  // namespace talweg::nn

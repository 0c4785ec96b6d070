// One face of a convolution done by oneDNN, to be timed beside ours. Only bench/ links it, and only
// with -DTALWEG_PEERS=ON.
//
// oneDNN is fastest in layouts that it chooses itself (blocks of 16 channels, say), so a primitive
// here reads and writes those, and a caller who keeps images in a usual order pays reorders before
// and after. Both are measured: run() is the primitive alone, run_with_reorders() what that caller
// waits for. Preparing (choosing, generating code, the first reorder) is never timed.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bench/row.h"
#include "core/kernels/kernels.h"

namespace talweg::bench {

enum class OneDnnAlgo { direct, winograd };

/// Layout of images inside: what oneDNN chooses where it may ("any"), or channels last as a program
/// that never reorders would have it. Weights are in the order that oneDNN chooses in both.
enum class OneDnnInside { chosen, nhwc };

/// What the caller keeps, where reorders begin and end: nchw with weights oihw, the order of most
/// frameworks and of oneDNN's documentation; or nhwc with weights ohwi, which is ours.
enum class OneDnnCaller { nchw, nhwc };

/// What to prepare, for omp_get_max_threads() threads as they are set then.
struct OneDnnConfig {
  kernels::Conv2dShape shape;
  kernels::Conv2dFace face = kernels::Conv2dFace::forward;
  OneDnnAlgo algo = OneDnnAlgo::direct;
  OneDnnInside inside = OneDnnInside::chosen;
  OneDnnCaller caller = OneDnnCaller::nchw;
};

class OneDnnConv2d {
 public:
  /// Throws Error where oneDNN has no implementation; onednn_lacks() asks first.
  explicit OneDnnConv2d(const OneDnnConfig& config);
  ~OneDnnConv2d();
  OneDnnConv2d(const OneDnnConv2d&) = delete;
  OneDnnConv2d& operator=(const OneDnnConv2d&) = delete;

  /// Takes the face's two inputs, in the order x, w, g without the one that is computed, in our
  /// layouts; whatever reorders that needs are done here.
  void load(const float* first, const float* second);
  /// The primitive alone. As many threads as there were when it was prepared must be set.
  void run();
  /// The inputs from the caller's order into oneDNN's, the primitive, the output back. Where both
  /// orders are the same nothing is copied.
  void run_with_reorders();
  /// The last run's output in our layout.
  void read(float* out);

  /// All its arrays, the caller's copies with them: the weights; the images.
  std::vector<Memory> memory_of_weights() const;
  std::vector<Memory> memory_of_images() const;

  /// The implementation and its layouts: "jit:avx512_core x aBcd16b w ABcd16b16a y aBcd16b".
  std::string description() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Why oneDNN cannot do this ("no winograd implementation ..."), or nothing where it can.
std::optional<std::string> onednn_lacks(const OneDnnConfig& config);

/// The instruction set that oneDNN generates code for, in our names: "avx512", "avx2", "portable".
std::string onednn_isa();

/// "oneDNN 2.6.3".
std::string onednn_version();

}  // namespace talweg::bench

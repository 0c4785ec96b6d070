// The environment variables by which the peers choose their kernels.
#pragma once

#include <string>
#include <vector>

namespace talweg::bench {

/// Both peers read the environment when they are loaded, before main(): so where it is not as this
/// run needs it, this mends it and starts the program anew with the same arguments. To be called
/// before anything is measured or printed; `isas` are those of the run.
///  - What would make OpenBLAS less than it can be (OPENBLAS_CORETYPE, OPENBLAS_L2_SIZE, which some
///    machines set for all programs) is taken out.
///  - Where our own rows are held to a lesser instruction set than the processor's, so are the
///    peers: with --isa avx2 alone oneDNN and OpenBLAS use AVX2 at most.
void prepare_peer_environment(const std::vector<std::string>& isas, char** argv);

/// What must be in the environment, or, where the value is empty, must not be.
struct PeerVariable {
  std::string name, value;
};
std::vector<PeerVariable> peer_variables(const std::vector<std::string>& isas);

}  // namespace talweg::bench

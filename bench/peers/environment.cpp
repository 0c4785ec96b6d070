#include "bench/peers/environment.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "core/error.h"
#include "core/kernels/kernels.h"

namespace talweg::bench {

std::vector<PeerVariable> peer_variables(const std::vector<std::string>& isas) {
  const auto asked = [&](const char* isa) {
    return std::find(isas.begin(), isas.end(), isa) != isas.end();
  };
  std::string core_type, max_isa;  // empty: the best there is
  const std::string best = kernels::available_isas().front();
  if (!isas.empty() && !asked("avx512") && best == "avx512")
    core_type = "Haswell", max_isa = "AVX2";
  if (!isas.empty() && !asked("avx512") && !asked("avx2") && best != "portable") {
    core_type = "Nehalem", max_isa = "SSE41";
  }
  return {
      {"OPENBLAS_CORETYPE", core_type}, {"OPENBLAS_L2_SIZE", ""}, {"ONEDNN_MAX_CPU_ISA", max_isa}};
}

void prepare_peer_environment(const std::vector<std::string>& isas, char** argv) {
  bool changed = false;
  for (const auto& [name, value] : peer_variables(isas)) {
    const char* found = std::getenv(name.c_str());
    if (value == (found == nullptr ? "" : found)) continue;
    changed = true;
    if (value.empty()) {
      unsetenv(name.c_str());
    } else {
      setenv(name.c_str(), value.c_str(), 1);
    }
  }
  if (!changed) return;
  execv("/proc/self/exe", argv);
  throw IoError(message("[peers] the program could not be started anew: ", std::strerror(errno),
                        "; start it with env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE"));
}

}  // namespace talweg::bench

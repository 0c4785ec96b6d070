#include "ocr/cli/short_spins.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <vector>

namespace talweg::ocr::cli {

void begin_with_short_spins() {
#if defined(__linux__) && defined(_OPENMP)
  for (const char* said : {"GOMP_SPINCOUNT", "OMP_WAIT_POLICY"}) {
    if (std::getenv(said) != nullptr) return;
  }
  std::vector<std::string> arguments;
  std::ifstream command_line("/proc/self/cmdline", std::ios::binary);
  for (std::string one; std::getline(command_line, one, '\0');) arguments.push_back(one);
  std::error_code none;
  const std::string self = std::filesystem::read_symlink("/proc/self/exe", none);
  if (none || arguments.empty()) return;
  std::vector<char*> argv;
  for (std::string& a : arguments) argv.push_back(a.data());
  argv.push_back(nullptr);
  // 3000 spins are some microseconds. Set in any case: a second time ends above.
  if (setenv("GOMP_SPINCOUNT", "3000", 1) == 0) execv(self.c_str(), argv.data());
#endif
}

}  // namespace talweg::ocr::cli

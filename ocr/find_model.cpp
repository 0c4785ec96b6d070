#include "ocr/find_model.h"

#include <array>
#include <cstdlib>
#include <system_error>

#include "core/error.h"

namespace talweg::ocr {

namespace fs = std::filesystem;

fs::path find_model() {
  if (const char* named = std::getenv("TALWEG_MODEL"); named != nullptr && *named != '\0') {
    return named;  // whether it is there or not: who names a file wants no other
  }
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  const fs::path above = program.parent_path().parent_path();
  const std::array places{above / "models" / "reader.safetensors",
                          above / "share" / "talweg" / "reader.safetensors"};
  for (const fs::path& place : places) {
    std::error_code absent;
    if (!error && fs::is_regular_file(place, absent)) return place;
  }
  throw IoError(message("no model is at hand: none is named, and there is no ", places[0].string(),
                        " and no ", places[1].string(),
                        "; name one with -m or in the environment variable TALWEG_MODEL"));
}

}  // namespace talweg::ocr

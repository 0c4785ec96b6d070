// Where the model that comes with the program lies.
#pragma once

#include <filesystem>

namespace talweg::ocr {

/// The model to read with where none is named: the file that the environment variable TALWEG_MODEL
/// names, or else the first that exists of, beside the folder of the running program,
///   ../models/reader.safetensors         in a build tree
///   ../share/talweg/reader.safetensors   where the program is installed.
/// Throws IoError where there is none.
std::filesystem::path find_model();

}  // namespace talweg::ocr

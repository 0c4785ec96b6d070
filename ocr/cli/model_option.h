// The option of the subcommands that read: with which model.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "ocr/find_model.h"

namespace talweg::ocr::cli {

/// -m, --model.
inline void add_model_option(CLI::App& command, std::string& model) {
  command.add_option("-m,--model", model,
                     "Model file (default: the one that $TALWEG_MODEL names, or that came with the "
                     "program)");
}

/// The file that was named, or else the one that find_model finds; throws as that does.
inline std::filesystem::path model_file(const std::string& model) {
  return model.empty() ? find_model() : std::filesystem::path(model);
}

}  // namespace talweg::ocr::cli

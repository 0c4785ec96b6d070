// The option --outside of the subcommands that read lists of images.
#pragma once

#include <CLI/CLI.hpp>

namespace talweg::ocr::cli {

inline void add_outside_option(CLI::App& command, bool& outside) {
  command.add_flag("--outside", outside,
                   "Let a list name images that do not lie below its own folder");
}

}  // namespace talweg::ocr::cli

// The program's command line: all subcommands and what they share.
#pragma once

#include <string>
#include <vector>

#include "ocr/cli/command.h"

namespace talweg::ocr::cli {

/// Adds every subcommand, and to each the options of Settings behind its name, where people write them.
void add_commands(CLI::App& app, Settings& settings);

/// What a command line would come to, nothing run: its exit code if it asks for help or can't be meant,
/// -1 if a subcommand would run; and what is said then. `arguments` are without the program's name.
struct ParsedLine {
  int code = -1;
  std::string said;
};
ParsedLine parse_only(const std::vector<std::string>& arguments);

}  // namespace talweg::ocr::cli

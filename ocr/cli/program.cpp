#include "ocr/cli/program.h"

#include <CLI/CLI.hpp>
#include <algorithm>

namespace talweg::ocr::cli {
namespace {

void add_shared_options(CLI::App& command, Settings& settings) {
  command.add_option("--threads", settings.threads, "Threads; all the machine has if not given")
      ->check(CLI::Range(1, 1024));
  command.add_option("--seed", settings.seed, "Seed of everything random")
      ->check(CLI::NonNegativeNumber)  // or a minus would wrap around
      ->capture_default_str();
  command.add_flag("--quiet", settings.quiet, "No progress or notes on stderr");
}

/// Thrown where a command line is understood.
struct Understood {};

}  // namespace

void add_commands(CLI::App& app, Settings& settings) {
  app.require_subcommand(1);
  for (const auto add : {add_demo, add_render, add_data, add_train, add_read, add_eval, add_explore,
                         add_align, add_inspect, add_memory, add_lm, add_lab, add_ops, add_tape,
                         add_check, add_man, add_completion}) {
    add(app, settings);
  }
  for (CLI::App* command : app.get_subcommands({})) {
    add_shared_options(*command, settings);
    command->immediate_callback(false);
  }
}

ParsedLine parse_only(const std::vector<std::string>& arguments) {
  Settings settings;
  CLI::App app("", "talweg");
  add_commands(app, settings);
  // After every check, before the subcommand's own callback.
  app.parse_complete_callback([] { throw Understood(); });
  std::vector<std::string> last_first(arguments.rbegin(), arguments.rend());  // as CLI11 wants it
  try {
    app.parse(last_first);
  } catch (const Understood&) {
    return {};
  } catch (const CLI::CallForHelp&) {
    return {0, app.help()};
  } catch (const CLI::ParseError& e) {
    return {e.get_exit_code() == 0 ? 0 : kMisused, e.what()};
  } catch (const UsageError& e) {
    return {kMisused, e.what()};
  }
  return {};
}

}  // namespace talweg::ocr::cli

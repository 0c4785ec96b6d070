// What the subcommands of `talweg` share: settings, the way they are added, their errors, Ctrl-C.
#pragma once

#include <cstdint>
#include <string>

#include "core/error.h"
#include "core/io/file_lock.h"

namespace CLI {  // NOLINT(readability-identifier-naming): the library's own name
class App;
}

namespace talweg::ocr::cli {

/// Exit codes: what was asked for failed, or can't be meant.
inline constexpr int kFailed = 1, kMisused = 2;

/// Options that every subcommand takes.
struct Settings {
  int threads = 0;  ///< 0: as many as the machine has
  uint64_t seed = 1;
  bool quiet = false;
};

/// A command line that can't be meant: exit code 2. Everything else thrown ends with exit code 1.
class UsageError : public Error {
 public:
  using Error::Error;
};

/// Ends the program with an exit code of its own after all output is written: a command that did what
/// it could, and says so (`read` that skipped a file, `check` that found a fault).
struct Exit {
  int code;
};

// One function a file cmd_<name>.cpp: adds the subcommand, with a callback that runs it.
void add_align(CLI::App& app, const Settings& settings);
void add_check(CLI::App& app, const Settings& settings);
void add_completion(CLI::App& app, const Settings& settings);
void add_data(CLI::App& app, const Settings& settings);
void add_demo(CLI::App& app, const Settings& settings);
void add_eval(CLI::App& app, const Settings& settings);
void add_explore(CLI::App& app, const Settings& settings);
void add_inspect(CLI::App& app, const Settings& settings);
void add_lab(CLI::App& app, const Settings& settings);
void add_lm(CLI::App& app, const Settings& settings);
void add_man(CLI::App& app, const Settings& settings);
void add_memory(CLI::App& app, const Settings& settings);
void add_ops(CLI::App& app, const Settings& settings);
void add_read(CLI::App& app, const Settings& settings);
void add_render(CLI::App& app, const Settings& settings);
void add_tape(CLI::App& app, const Settings& settings);
void add_train(CLI::App& app, const Settings& settings);

/// Makes Ctrl-C (SIGINT), SIGTERM, and SIGUSR1, which batch systems send ahead of a time limit, a request
/// that interrupted() answers; a second one kills.
void catch_interrupts();
/// Has the user asked to stop?
bool interrupted();

/// Throws IoError, before work starts, unless files can be written into `folder`, which is made if it
/// is missing.
void require_writable_folder(const std::string& folder);
/// The same for the folder that `file` will be written into; "." where it names none.
void require_writable_for(const std::string& file);
/// The same for what is written over and over, a while long; and while the lock lives, no other talweg
/// that asks for the same folder or file gets it.
[[nodiscard]] io::FileLock claim_folder(const std::string& folder);
[[nodiscard]] io::FileLock claim_file(const std::string& file);

}  // namespace talweg::ocr::cli

#include "ocr/cli/command.h"

#include <csignal>
#include <filesystem>

#include "core/io/file.h"

namespace talweg::ocr::cli {

namespace {

// A signal handler may touch nothing else: the one flag of the program.
volatile std::sig_atomic_t stop_asked = 0;

void ask_to_stop(int signal) {
  stop_asked = 1;
  std::signal(signal, SIG_DFL);
}

}  // namespace

void catch_interrupts() {
  std::signal(SIGINT, ask_to_stop);
  std::signal(SIGTERM, ask_to_stop);
  std::signal(SIGUSR1, ask_to_stop);
}

bool interrupted() { return stop_asked != 0; }

void require_writable_folder(const std::string& folder) {
  io::make_directories(folder);
  const auto probe = std::filesystem::path(folder) / ".talweg-write-test";
  io::write_file_atomically(probe, "");
  std::error_code ignored;
  std::filesystem::remove(probe, ignored);
}

void require_writable_for(const std::string& file) {
  const auto parent = std::filesystem::path(file).parent_path();
  if (std::filesystem::is_directory(file)) {
    throw IoError(message(file, " is a folder; name a file in it"));
  }
  require_writable_folder(parent.empty() ? "." : parent.string());
}

io::FileLock claim_folder(const std::string& folder) {
  require_writable_folder(folder);
  return io::FileLock(folder);
}

io::FileLock claim_file(const std::string& file) {
  require_writable_for(file);
  return io::FileLock(file);
}

}  // namespace talweg::ocr::cli

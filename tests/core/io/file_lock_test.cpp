#include "core/io/file_lock.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include <fstream>
#include <optional>

#include "core/io/file.h"
#include "tests/core/io/scratch.h"

namespace fs = std::filesystem;
using talweg::IoError;
using namespace talweg::io;

namespace {

std::string refusal(const fs::path& written) {
  return sentence<IoError>([&] { FileLock{written}; });
}

}  // namespace

TEST_CASE("a file that is being written is refused to others, by every name it has") {
  const ScratchFolder folder;
  const fs::path file = folder / "file";
  fs::create_symlink("file", folder / "link");
  std::optional<FileLock> mine(std::in_place, file);
  CHECK(refusal(file) == file.string() + ": another talweg (process " + std::to_string(::getpid()) +
                             ") is writing there; wait until it ends, or name another place");
  CHECK_FALSE(refusal(folder / "." / "file").empty());
  write_file_atomically(file, "x");
  CHECK_FALSE(refusal(folder / "link").empty());
  CHECK(refusal(folder / "other").empty());
  mine.reset();
  CHECK(refusal(file).empty());
  CHECK_FALSE(fs::exists(folder / ".file.lock"));
}

TEST_CASE("a folder that is being filled is refused to others, its files are not") {
  const ScratchFolder folder;
  const FileLock mine(folder.path());
  CHECK_FALSE(refusal(folder / ".").empty());
  CHECK(refusal(folder / "file").empty());
}

TEST_CASE("who gets a folder clears away what killed writers left in it, and nothing else") {
  const ScratchFolder folder;
  for (const char* name : {".a.0.talweg-tmp", ".b.0.talweg-tmp", ".c.0.tmp", "d.talweg-tmp"}) {
    std::ofstream(folder / name) << "half";
  }
  const int living = ::open((folder / ".b.0.talweg-tmp").c_str(), O_WRONLY);
  REQUIRE(::flock(living, LOCK_EX) == 0);
  { const FileLock mine(folder.path()); }
  CHECK_FALSE(fs::exists(folder / ".a.0.talweg-tmp"));
  for (const char* name : {".b.0.talweg-tmp", ".c.0.tmp", "d.talweg-tmp"}) {
    CHECK(fs::exists(folder / name));
  }
  ::close(living);
}

TEST_CASE("a lock goes with the process that has it, and its mark is taken over") {
  const ScratchFolder folder;
  const fs::path file = folder / "file";
  int ready[2];
  REQUIRE(::pipe(ready) == 0);
  const pid_t other = ::fork();
  if (other == 0) {
    const FileLock theirs(file);
    if (::write(ready[1], "x", 1) == 1) ::pause();
    ::_exit(1);
  }
  char said;
  REQUIRE(::read(ready[0], &said, 1) == 1);
  CHECK(refusal(file).find("(process " + std::to_string(other) + ")") != std::string::npos);
  ::kill(other, SIGKILL);
  ::waitpid(other, nullptr, 0);
  CHECK(fs::exists(folder / ".file.lock"));
  CHECK(refusal(file).empty());
  CHECK_FALSE(fs::exists(folder / ".file.lock"));
  ::close(ready[0]), ::close(ready[1]);
}

TEST_CASE("a device can be written by many") {
  const FileLock first("/dev/null"), second("/dev/null");
  CHECK_FALSE(fs::exists("/dev/.null.lock"));
}

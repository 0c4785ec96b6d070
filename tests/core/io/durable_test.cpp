// What a power cut would leave. Nobody can pull the plug here; but the library's calls of fsync() and
// rename() go through the functions below, which note what is on the disk by then.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/syscall.h>

#include <cstdio>
#include <vector>

#include "core/io/file.h"
#include "tests/core/io/scratch.h"

namespace fs = std::filesystem;

namespace {

struct Event {
  std::string what;
  fs::path path;
  uint64_t bytes = 0;  // of a file
  bool operator==(const Event&) const = default;
};
std::vector<Event>* events = nullptr;  // where they are noted, by the one thread that asks

}  // namespace

extern "C" int fsync(int fd) {
  if (events != nullptr) {
    const fs::path path = fs::read_symlink("/proc/self/fd/" + std::to_string(fd));
    events->push_back({"flushed", path, fs::is_regular_file(path) ? fs::file_size(path) : 0});
  }
  return int(::syscall(SYS_fsync, fd));
}

extern "C" int rename(const char* from, const char* to) noexcept {
  if (events != nullptr) events->push_back({"renamed", to, fs::file_size(from)});
  return ::renameat(AT_FDCWD, from, AT_FDCWD, to);
}

namespace talweg::io {

TEST_CASE(
    "a file's bytes are on the disk before its name is, and the name before the call returns") {
  const ScratchFolder folder;
  if (!fs::exists("/proc/self/fd")) return;
  std::vector<Event> seen;
  events = &seen;
  write_file_atomically(folder / "file", "valley");
  events = nullptr;
  REQUIRE(seen.size() == 3);
  CHECK(seen[0].what == "flushed");
  CHECK(seen[0].path.filename().string().starts_with(".file."));
  CHECK(seen[0].bytes == 6);
  CHECK(seen[1] == Event{"renamed", folder / "file", 6});
  CHECK(seen[2] == Event{"flushed", folder.path(), 0});
}

}  // namespace talweg::io

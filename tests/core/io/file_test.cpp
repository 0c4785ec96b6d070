#include "core/io/file.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>

#include <csignal>
#include <fstream>
#include <thread>
#include <vector>

#include "tests/core/io/scratch.h"

namespace fs = std::filesystem;
using talweg::IoError;
using namespace talweg::io;

TEST_CASE("what is written is read back, byte for byte, also nothing and zeros") {
  const ScratchFolder folder;
  const std::string long_text(300'000, 'x');
  for (const std::string& bytes : {std::string(), std::string("a\0b\n\xFF", 5), long_text}) {
    write_file_atomically(folder / "file", bytes);
    CHECK(read_file(folder / "file") == bytes);
  }
}

TEST_CASE("writing replaces the old file and leaves no temporary behind") {
  const ScratchFolder folder;
  write_file_atomically(folder / "file", "old and long");
  write_file_atomically(folder / "file", "new");
  CHECK(read_file(folder / "file") == "new");
  CHECK(std::distance(fs::directory_iterator(folder.path()), {}) == 1);
}

TEST_CASE("what a killed writer left behind is cleared away, what a living one writes is not") {
  const ScratchFolder folder;
  std::ofstream(folder / ".file.0.talweg-tmp") << "half";
  const int living = ::open((folder / ".file.1.talweg-tmp").c_str(), O_WRONLY | O_CREAT, 0666);
  REQUIRE(::flock(living, LOCK_EX) == 0);
  write_file_atomically(folder / "file", "whole");
  CHECK_FALSE(fs::exists(folder / ".file.0.talweg-tmp"));

  std::ofstream(folder / ".file.0.talweg-tmp") << "half";
  const int other = ::open((folder / ".file.0.talweg-tmp").c_str(), O_WRONLY);
  REQUIRE(::flock(other, LOCK_EX) == 0);
  write_file_atomically(folder / "file", "new");
  CHECK(read_file(folder / "file") == "new");
  CHECK(fs::exists(folder / ".file.0.talweg-tmp"));
  CHECK(fs::exists(folder / ".file.1.talweg-tmp"));
  ::close(living), ::close(other);
}

TEST_CASE("threads that write one file leave one of theirs, whole") {
  const ScratchFolder folder;
  std::vector<std::thread> threads;
  for (char c : {'a', 'b', 'c', 'd'}) {
    threads.emplace_back([&folder, c] {
      for (int i = 0; i < 20; ++i) write_file_atomically(folder / "file", std::string(10'000, c));
    });
  }
  for (std::thread& t : threads) t.join();
  const std::string bytes = read_file(folder / "file");
  CHECK(bytes == std::string(10'000, bytes[0]));
  CHECK(std::distance(fs::directory_iterator(folder.path()), {}) == 1);
}

TEST_CASE("writing through a link replaces what it points to and keeps the link") {
  const ScratchFolder folder;
  write_file_atomically(folder / "real", "old");
  fs::create_symlink("real", folder / "link");
  write_file_atomically(folder / "link", "new");
  CHECK(fs::is_symlink(folder / "link"));
  CHECK(read_file(folder / "real") == "new");
}

TEST_CASE("reading says in one sentence that a file is missing, a folder or too large") {
  const ScratchFolder folder;
  const std::string missing = (folder / "missing").string();
  CHECK(sentence<IoError>([&] { read_file(missing); }) ==
        missing + ": no such file; check the name");
  CHECK(sentence<IoError>([&] { read_file(folder.path()); }) ==
        folder.path().string() + ": is a folder, not a file; name a file in it");
  write_file_atomically(folder / "large", std::string(1001, 'x'));
  CHECK(sentence<IoError>([&] { read_file(folder / "large", 1000); }) ==
        (folder / "large").string() +
            ": file is too large: 1,001 bytes, at most 1,000 are read here; name another file");
  CHECK(read_file(folder / "large", 1001).size() == 1001);
}

TEST_CASE("a file that is too large is refused before room is made for it") {
  const ScratchFolder folder;
  std::ofstream(folder / "sparse") << "x";
  constexpr uint64_t kTerabyte = uint64_t{1} << 40;
  fs::resize_file(folder / "sparse", kTerabyte);  // takes no room itself
  CHECK(sentence<IoError>([&] { read_file(folder / "sparse", 1000); }) ==
        (folder / "sparse").string() +
            ": file is too large: 1,099,511,627,776 bytes, at most 1,000 are read here; name "
            "another file");
}

TEST_CASE("an endless device is cut off at the limit") {
  const std::string text = sentence<IoError>([] { read_file("/dev/zero", 1'000'000); });
  CHECK(text.find("/dev/zero: file is too large") == 0);
}

TEST_CASE("writing says in one sentence what is wrong with the place") {
  const ScratchFolder folder;
  const fs::path nowhere = folder / "missing" / "file", below_file = folder / "file" / "below";
  CHECK(sentence<IoError>([&] { write_file_atomically(nowhere, "x"); }) ==
        nowhere.string() + ": can't be written: the folder " + nowhere.parent_path().string() +
            " does not exist; create it first or choose another place");
  CHECK_FALSE(fs::exists(nowhere.parent_path()));

  write_file_atomically(folder / "file", "old");
  CHECK(sentence<IoError>([&] { write_file_atomically(below_file, "x"); }) ==
        below_file.string() + ": can't be written: " + below_file.parent_path().string() +
            " is a file, not a folder; choose another place");
  CHECK(read_file(folder / "file") == "old");

  CHECK(sentence<IoError>([&] { write_file_atomically(folder.path(), "x"); }) ==
        folder.path().string() + ": can't be written: it is a folder; name a file in it");
}

TEST_CASE("a full disk is said to be full") {
  if (!fs::exists("/dev/full")) return;
  CHECK(sentence<IoError>([] { write_file_atomically("/dev/full", "x"); }) ==
        "/dev/full: can't be written: No space left on device; free some space or choose another "
        "disk");
}

TEST_CASE("a write that fails half-way leaves the old file and no temporary") {
  const ScratchFolder folder;
  write_file_atomically(folder / "file", "old");
  // A limit on file sizes makes the system refuse bytes after the first 4096, even to root.
  rlimit before;
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{4096, before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  const std::string text =
      sentence<IoError>([&] { write_file_atomically(folder / "file", std::string(100'000, 'x')); });
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);

  CHECK(text == (folder / "file").string() + ": can't be written: File too large; check the path");
  CHECK(read_file(folder / "file") == "old");
  CHECK(std::distance(fs::directory_iterator(folder.path()), {}) == 1);
}

TEST_CASE("folders are made with all above them, and standing ones are fine") {
  const ScratchFolder folder;
  make_directories(folder / "a" / "b" / "c");
  make_directories(folder / "a" / "b");
  CHECK(fs::is_directory(folder / "a" / "b" / "c"));
}

TEST_CASE("a file in the way of a folder is named") {
  const ScratchFolder folder;
  write_file_atomically(folder / "file", "x");
  for (const fs::path& path : {folder / "file", folder / "file" / "below"}) {
    CHECK(sentence<IoError>([&] { make_directories(path); }) ==
          path.string() + ": can't create this folder: a file is in the way; choose another name");
  }
}

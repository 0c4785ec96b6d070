#include "core/io/file.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "core/error.h"
#include "core/io/descriptor.h"
#include "core/io/temporary.h"
#include "core/io/text.h"

namespace fs = std::filesystem;

namespace talweg::io {
namespace {

/// The system's reason as a clause, followed by the remedy a person would want.
std::string reason(int error) {
  const std::string text = std::generic_category().message(error);
  switch (error) {
    case EACCES:
    case EPERM:
      return text + "; change its permissions or choose another place";
    case EROFS:
      return text + "; choose a place that can be written";
    case ENOSPC:
    case EDQUOT:
      return text + "; free some space or choose another disk";
    default:
      return text + "; check the path";
  }
}

[[noreturn]] void fail(const fs::path& path, const char* what, int error) {
  throw IoError(message(path.string(), ": ", what, ": ", reason(error)));
}

/// Removes a file that has not been renamed away.
class Temporary {
 public:
  explicit Temporary(fs::path path) : path_(std::move(path)) {}
  ~Temporary() {
    if (!path_.empty()) ::unlink(path_.c_str());
  }
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;

  void keep() { path_.clear(); }

 private:
  fs::path path_;
};

/// False, with errno set, if the system takes no more.
bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    bytes.remove_prefix(size_t(n));
  }
  return true;
}

/// A device or a pipe (/dev/stdout, /dev/null) can't be replaced by a rename; it takes the bytes as
/// they come.
void write_straight(const fs::path& path, std::string_view bytes) {
  Descriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file.ok() || !write_all(file.get(), bytes) || file.close() != 0) {
    fail(path, "can't be written", errno);
  }
}

void expect_folder(const fs::path& path, const fs::path& folder) {
  std::error_code ec;
  const fs::file_status status = fs::status(folder, ec);
  if (fs::is_directory(status)) return;
  if (fs::exists(status)) {
    throw IoError(message(path.string(), ": can't be written: ", folder.string(),
                          " is a file, not a folder; choose another place"));
  }
  if (status.type() == fs::file_type::not_found) {
    throw IoError(message(path.string(), ": can't be written: the folder ", folder.string(),
                          " does not exist; create it first or choose another place"));
  }
  fail(path, "can't be written", ec.value());
}

/// Opens a new, locked file beside `target`, under a name that says what it is to become; its path
/// goes to `name`. The mode follows the umask, as for any file a program creates. What a killed
/// writer of the same target left behind is removed, so that at most one such file ever stays.
Descriptor open_temporary(const fs::path& target, fs::path& name) {
  constexpr int kAttempts = 1000;
  constexpr std::size_t kLongest = 200;  // of 255 that a name may have
  const std::string stem = "." + target.filename().string().substr(0, kLongest) + ".";
  int number = 0;
  for (int i = 0; i < kAttempts; ++i) {
    name = target.parent_path() / message(stem, number, kTemporary);
    Descriptor file(::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
    if (!file.ok() && errno != EEXIST) return file;
    if (!file.ok()) {
      if (!remove_abandoned(name)) ++number;
    } else if ((file.lock() || errno != EWOULDBLOCK) && file.is_at(name)) {
      return file;
    }  // else somebody took it for abandoned before it was locked
  }
  errno = EEXIST;
  return Descriptor(-1);
}

}  // namespace

std::string read_file(const fs::path& path, uint64_t max_bytes) {
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.ok() && errno == ENOENT) {
    throw IoError(message(path.string(), ": no such file; check the name"));
  }
  if (!file.ok()) fail(path, "can't be read", errno);
  struct stat status;
  if (::fstat(file.get(), &status) != 0) fail(path, "can't be read", errno);
  if (S_ISDIR(status.st_mode)) {
    throw IoError(message(path.string(), ": is a folder, not a file; name a file in it"));
  }

  // The promised size is a hint only: pipes promise nothing and files grow while they are read.
  constexpr uint64_t kStep = uint64_t{1} << 16;
  const uint64_t promised = S_ISREG(status.st_mode) ? uint64_t(status.st_size) : 0;
  std::string bytes;
  uint64_t filled = 0;
  while (filled <= max_bytes && promised <= max_bytes) {
    if (filled == bytes.size()) {
      bytes.resize(std::max({promised + 1, filled + kStep, filled + filled / 2}));
    }
    const ssize_t n = ::read(file.get(), bytes.data() + filled, bytes.size() - filled);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail(path, "can't be read", errno);
    if (n == 0) {
      bytes.resize(filled);
      return bytes;
    }
    filled += uint64_t(n);
  }
  throw IoError(
      message(path.string(), ": file is too large: ", format_grouped(std::max(promised, filled)),
              " bytes, at most ", format_grouped(max_bytes), " are read here; name another file"));
}

void write_file_atomically(const fs::path& path, std::string_view bytes) {
  std::error_code ec;
  const fs::file_status status = fs::status(path, ec);
  if (fs::is_directory(status)) {
    throw IoError(message(path.string(), ": can't be written: it is a folder; name a file in it"));
  }
  if (fs::exists(status) && !fs::is_regular_file(status)) return write_straight(path, bytes);

  // A link stays a link: what it points to is replaced.
  const fs::path target =
      fs::is_symlink(fs::symlink_status(path, ec)) ? fs::weakly_canonical(path, ec) : path;
  const fs::path folder = target.has_parent_path() ? target.parent_path() : fs::path(".");
  expect_folder(path, folder);

  fs::path name;
  Descriptor file = open_temporary(folder / target.filename(), name);
  if (!file.ok()) fail(path, "can't be written", errno);
  Temporary temporary(name);
  // Renamed while it is open, since closing ends the lock that says that it is in use; fsync() has
  // told by then of every write that failed.
  if (!write_all(file.get(), bytes) || ::fsync(file.get()) != 0 ||
      ::rename(name.c_str(), target.c_str()) != 0) {
    fail(path, "can't be written", errno);
  }
  temporary.keep();
  // The file stands; flushing the folder makes its new name survive a power cut. Some file systems
  // can't flush folders, which is no reason to fail.
  Descriptor parent(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (parent.ok()) ::fsync(parent.get());
}

void make_directories(const fs::path& path) {
  std::error_code ec;
  fs::create_directories(path, ec);
  if (!ec) return;
  if (ec.value() == ENOTDIR || ec.value() == EEXIST) {
    throw IoError(message(path.string(),
                          ": can't create this folder: a file is in the way; choose another name"));
  }
  fail(path, "can't create this folder", ec.value());
}

}  // namespace talweg::io

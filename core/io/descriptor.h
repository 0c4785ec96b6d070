// An open file that closes itself, and the system's lock on it, which ends with the process that has
// it, however that ends. For the writers of core/io alone.
#pragma once

#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <utility>

namespace talweg::io {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }

  int get() const { return fd_; }
  bool ok() const { return fd_ >= 0; }
  /// Some file systems tell of a failed write only here, so the result matters.
  int close() { return ::close(std::exchange(fd_, -1)); }

  /// Takes the lock on this file, if nobody has it. Else false, with EWOULDBLOCK in errno; another
  /// errno where the file system knows no locks.
  bool lock() const { return ::flock(fd_, LOCK_EX | LOCK_NB) == 0; }
  /// Is this the file that `path` names now, or was that one removed or replaced meanwhile?
  bool is_at(const std::filesystem::path& path) const {
    struct stat mine, there;
    return ::fstat(fd_, &mine) == 0 && ::lstat(path.c_str(), &there) == 0 &&
           mine.st_dev == there.st_dev && mine.st_ino == there.st_ino;
  }

 private:
  int fd_;
};

}  // namespace talweg::io

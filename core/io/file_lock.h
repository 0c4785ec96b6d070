// Two programs must not write one file or fill one folder at the same time: the later one refuses.
#pragma once

#include <filesystem>

#include "core/io/descriptor.h"

namespace talweg::io {

/// Holds what is to be written, a file or a folder, for as long as it lives. The mark is a hidden
/// file beside the file, .NAME.lock, or in the folder, .talweg.lock, on which the system keeps a
/// lock: it ends with the process, and the mark that a killed one leaves behind is taken over. Who
/// gets a folder clears away the files that killed ones left unfinished in it.
class FileLock {
 public:
  /// Throws IoError, in one sentence with the other's process number, where another has it, and
  /// where the mark can't be made. On a file system without locks everybody gets it.
  explicit FileLock(const std::filesystem::path& written);
  ~FileLock();
  FileLock(const FileLock&) = delete;

 private:
  std::filesystem::path mark_;
  Descriptor file_;
};

}  // namespace talweg::io

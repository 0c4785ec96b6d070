// Ground truth as others read it: x.png with x.gt.txt, and one labels.tsv.
#include <filesystem>

#include "core/error.h"
#include "core/io/file.h"
#include "ocr/dataset.h"

namespace talweg::ocr {
namespace fs = std::filesystem;

void write_sample(const std::string& dir, std::string_view name, const io::Gray8& image,
                  std::string_view text) {
  expect(!name.empty() && name.find('/') == std::string_view::npos, "[data] '", name,
         "' can't name a sample; give a file name without folder or ending");
  expect(!text.empty() && text.find_first_of("\r\n") == std::string_view::npos,
         "[data] the label of ", name, " must be one line of text");
  io::make_directories(dir);
  const std::string stem = (fs::path(dir) / name).string();
  io::save_png(stem + ".png", image);
  io::write_file_atomically(stem + ".gt.txt", message(text, '\n'));
}

void write_list(const std::string& path, const std::vector<Label>& labels) {
  std::string bytes = "file\ttext\n";
  for (const Label& label : labels) {
    const bool plain = (label.file + label.text).find_first_of("\t\r\n") == std::string::npos;
    expect(plain, "[data] the label of ", label.file, " holds a tab or line end, which a list ",
           "can't hold; leave it out");
    bytes += label.file + '\t' + label.text + '\n';
  }
  io::write_file_atomically(path, bytes);
}

void write_labels(const std::string& dir, const std::vector<Label>& labels) {
  io::make_directories(dir);
  write_list((fs::path(dir) / "labels.tsv").string(), labels);
}

}  // namespace talweg::ocr

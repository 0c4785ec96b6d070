#include "ocr/dataset.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <set>
#include <utility>

#include "core/error.h"
#include "core/io/file.h"
#include "ocr/label_json.h"
#include "ocr/text.h"

namespace talweg::ocr {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kTextEnding = ".gt.txt";
constexpr std::array<std::string_view, 7> kImageEndings = {".png", ".jpg", ".jpeg", ".bmp",
                                                           ".pgm", ".ppm", ".pnm"};

bool is_image_name(const fs::path& path) {
  std::string ending = path.extension().string();
  for (char& c : ending) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
  return std::find(kImageEndings.begin(), kImageEndings.end(), ending) != kImageEndings.end();
}

bool is_file(const fs::path& path) {
  std::error_code absent;
  return fs::is_regular_file(path, absent);
}

bool is_folder(const fs::path& path) {
  std::error_code absent;
  return fs::is_directory(path, absent);
}

void find_fault(Dataset& dataset, Fault fault, const Sample& sample, const std::string& what) {
  dataset.findings.push_back({fault, sample.path, sample.where() + ": " + what});
}

// Puts a sample among the good ones or its first fault among the findings.
void add_sample(Dataset& dataset, Sample sample) {
  if (trim(sample.text).empty()) {
    find_fault(dataset, Fault::kEmptyLabel, sample, "the label of " + sample.path + " is empty");
    return;
  }
  try {
    sample.text = to_nfc(sample.text);
  } catch (const Error& error) {
    find_fault(dataset, Fault::kUndecodable, sample,
               "the label of " + sample.path + " can't be decoded: " + error.what());
    return;
  }
  const std::u32string text = decode_utf8(sample.text);
  const auto corrupt = std::ranges::find_if(text, is_corrupt);
  if (corrupt != text.end()) {
    find_fault(
        dataset, Fault::kCorruptText, sample,
        message("the label of ", sample.path, " holds ", describe(*corrupt), " as character ",
                corrupt - text.begin() + 1, ", which no image shows; mend the text"));
    return;
  }
  if (!is_file(sample.path)) {
    find_fault(dataset, Fault::kMissingImage, sample, "there is no image " + sample.path);
    return;
  }
  dataset.samples.push_back(std::move(sample));
}

// --- x.png + x.gt.txt ---

void add_pair(Dataset& dataset, const fs::path& image, const fs::path& text_path) {
  const std::string bytes = io::read_file(text_path);
  Sample sample{image.string(), "", text_path.string(), 1};
  int labels = 0;
  for (const TextLine& line : lines_of(bytes)) {
    if (trim(line.text).empty()) continue;
    if (++labels == 1) sample.text = line.text, sample.line = line.number;
  }
  if (labels > 1) {
    find_fault(dataset, Fault::kBadLine, sample,
               message("the file holds ", labels, " lines of text, but a label is one line"));
    return;
  }
  add_sample(dataset, std::move(sample));
}

Dataset open_pairs(const fs::path& folder) {
  Dataset dataset;
  dataset.format = "x.png + x.gt.txt";
  std::vector<fs::path> images;
  std::set<fs::path> texts, used;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    if (is_image_name(entry.path())) images.push_back(entry.path());
    if (entry.path().filename().string().ends_with(kTextEnding)) texts.insert(entry.path());
  }
  if (texts.empty()) {
    throw IoError(message("[data] ", folder.string(), " holds no labelled images: neither ",
                          "labels.tsv, nor labels.json, nor x.gt.txt beside x.png"));
  }
  std::sort(images.begin(), images.end());
  for (const fs::path& image : images) {
    const fs::path text = folder / (image.stem().string() + std::string(kTextEnding));
    if (texts.contains(text)) {
      used.insert(text);
      add_pair(dataset, image, text);
    } else {
      dataset.findings.push_back(
          {Fault::kMissingText, image.string(),
           image.string() + ": its label " + text.string() + " is missing; write the text there"});
    }
  }
  for (const fs::path& text : texts) {
    if (used.contains(text)) continue;
    const std::string stem = text.string().substr(0, text.string().size() - kTextEnding.size());
    dataset.findings.push_back({Fault::kMissingImage, text.string(),
                                text.string() + ": there is no image " + stem +
                                    ".png (or .jpg, .jpeg, .bmp, .pgm, .ppm, .pnm)"});
  }
  return dataset;
}

// --- lists ---

// Turns (image name, label) entries of a list into samples.
class ListReader {
 public:
  ListReader(const fs::path& list, fs::path folder, const DatasetOptions& options)
      : list_(list.string()), folder_(std::move(folder)), options_(options) {}

  void add(const std::string& name, std::string_view text, int line) {
    const auto control =
        std::ranges::find_if(name, [](unsigned char c) { return c < 0x20 || c == 0x7F; });
    if (control != name.end()) {
      bad_entry(line, message("the name of the image holds ",
                              code_point_name(static_cast<unsigned char>(*control)), " as byte ",
                              control - name.begin() + 1, "; rename the image"));
      return;
    }
    const Sample sample{(folder_ / name).lexically_normal().string(), std::string(text), list_,
                        line};
    if (!options_.allow_outside && !stays_inside(name)) {
      find_fault(dataset, Fault::kOutsideFolder, sample,
                 "the image path " + name + " leaves the list's folder; move the image there, or " +
                     "allow it with --outside");
    } else if (!seen_.insert(sample.path).second) {
      find_fault(dataset, Fault::kDuplicate, sample, "the image " + name + " is listed twice");
    } else {
      add_sample(dataset, sample);
    }
  }

  void bad_entry(int line, const std::string& what) {
    find_fault(dataset, Fault::kBadLine, {list_, "", list_, line}, what);
  }

  Dataset dataset;

 private:
  std::string list_;
  fs::path folder_;
  DatasetOptions options_;
  std::set<std::string> seen_;
};

bool is_header(std::string_view first, std::string_view second) {
  return (first == "file" || first == "image") && second == "text";
}

Dataset open_tsv(const fs::path& list, const DatasetOptions& options) {
  const std::string bytes = io::read_file(list);
  ListReader reader(list, list.parent_path(), options);
  reader.dataset.format = "labels.tsv";
  for (const TextLine& line : lines_of(bytes)) {
    if (trim(line.text).empty()) continue;
    const size_t tab = line.text.find('\t');
    const std::string_view name = line.text.substr(0, tab);
    if (tab == std::string_view::npos || name.empty()) {
      reader.bad_entry(line.number, "the line is not of the form image<TAB>text");
      continue;
    }
    const std::string_view rest = line.text.substr(tab + 1);
    const std::string_view text = rest.substr(0, rest.find('\t'));
    if (line.number == 1 && is_header(name, text)) continue;
    reader.add(std::string(name), text, line.number);
  }
  return std::move(reader.dataset);
}

Dataset open_json(const fs::path& list, const DatasetOptions& options) {
  const std::string bytes = io::read_file(list);
  const std::vector<LabelEntry> entries = read_label_json(bytes, list.string());
  const fs::path images = list.parent_path() / "images";
  ListReader reader(list, is_folder(images) ? images : list.parent_path(), options);
  reader.dataset.format = "labels.json";
  for (const LabelEntry& entry : entries) {
    if (entry.text && !entry.image.empty()) {
      reader.add(entry.image, *entry.text, entry.line);
    } else {
      reader.bad_entry(entry.line, "the entry is not of the form \"image\": \"text\"");
    }
  }
  return std::move(reader.dataset);
}

Dataset open_folder(const fs::path& folder, const DatasetOptions& options) {
  if (is_file(folder / "labels.tsv")) return open_tsv(folder / "labels.tsv", options);
  if (is_file(folder / "labels.json")) return open_json(folder / "labels.json", options);
  return open_pairs(folder);
}

Dataset open_any(const fs::path& path, const DatasetOptions& options) {
  if (is_folder(path)) return open_folder(path, options);
  if (!is_file(path)) {
    throw IoError(message("[data] there is no folder or list ", path.string(),
                          "; give a folder of labelled images or a labels.tsv"));
  }
  const std::string ending = path.extension().string();
  if (ending == ".json") return open_json(path, options);
  if (ending == ".tsv" || ending == ".txt") return open_tsv(path, options);
  throw IoError(message("[data] ", path.string(), " is neither a folder nor a list (.tsv, .txt or ",
                        ".json); give the folder of the images or their list"));
}

}  // namespace

bool stays_inside(const fs::path& path) {
  return !path.is_absolute() && *path.lexically_normal().begin() != "..";
}

Dataset open_dataset(const std::string& path, const DatasetOptions& options) {
  try {
    Dataset dataset = open_any(path, options);
    std::sort(dataset.samples.begin(), dataset.samples.end(),
              [](const Sample& a, const Sample& b) { return a.path < b.path; });
    return dataset;
  } catch (const fs::filesystem_error& error) {
    throw IoError(message("[data] ", path, " can't be read: ", error.code().message()));
  }
}

std::u32string charset_of(const std::vector<Sample>& samples) {
  std::set<char32_t> letters;
  for (const Sample& sample : samples) {
    for (char32_t c : decode_utf8(sample.text)) letters.insert(c);
  }
  return {letters.begin(), letters.end()};
}

}  // namespace talweg::ocr

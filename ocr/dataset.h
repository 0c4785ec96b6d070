// Labelled images on disk: three formats are told apart by what is there, and every fault is found
// and named before training starts.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/io/image.h"
#include "ebm/align/topology.h"
#include "ocr/alphabet.h"

namespace talweg::ocr {

/// An image and its text (UTF-8 in Normalization Form C, text.h), and where the text was written down.
struct Sample {
  std::string path;    // of the image
  std::string text;    // UTF-8, line ends stripped
  std::string source;  // the file that holds the text
  int line = 1;        // in `source`, from 1

  /// "list.tsv:3": how messages about this sample start.
  std::string where() const;
};

/// What can be wrong with ground truth.
enum class Fault {
  kMissingImage,     // a text whose image is not there
  kMissingText,      // an image without its .gt.txt
  kBadLine,          // a line, JSON entry or text file that does not hold one image and one text,
                     // or an image's name that holds control characters
  kOutsideFolder,    // a path that leaves the list's folder
  kDuplicate,        // an image that a list names twice
  kEmptyLabel,       // nothing, or only spaces
  kUndecodable,      // a label that is not UTF-8
  kCorruptText,      // characters that no image shows: controls, U+FFFD, invisible marks
  kOutsideCharset,   // characters that the model's alphabet lacks
  kUnreadableImage,  // no picture, damaged, without pixels, or far too wide
  kLabelTooLong,     // fewer windows in the image than the label needs
};

/// "missing image", "empty label", ...: for counting findings by kind.
std::string_view fault_name(Fault fault);

/// One fault. `message` is a whole sentence that starts with the file and, where it has one, line.
struct Finding {
  Fault fault;
  std::string path;  // of the image; of the list where no image is named
  std::string message;
};

/// The samples that are sound so far, sorted by path, and what was wrong with the others.
struct Dataset {
  std::string format;  // "x.png + x.gt.txt", "labels.tsv" or "labels.json"
  std::vector<Sample> samples;
  std::vector<Finding> findings;
};

struct DatasetOptions {
  /// Let a list name absolute paths, or paths that leave its folder through "..".
  bool allow_outside = false;
};

/// May a list name this path? A relative one that is still below the folder when ".." is resolved.
bool stays_inside(const std::filesystem::path& path);

/// Opens ground truth. `path` is
/// - a list: a .tsv or .txt file of `image<TAB>text` lines (further columns are ignored; a first
///   line `file<TAB>text`, or `image<TAB>text`, is a header), or a .json file as docTR writes it,
///   `{"image": "text"}`;
/// - a folder with labels.tsv, else labels.json, else pairs of x.png (or .jpg, .jpeg, .bmp, .pgm,
///   .ppm, .pnm) and x.gt.txt in it.
/// Paths in a list are relative to its folder; those of a .json list to `images/` if that exists.
/// Images are looked for, but not opened: see check_samples. Throws IoError if the path does not
/// exist, can't be read, or holds none of these.
Dataset open_dataset(const std::string& path, const DatasetOptions& options = {});

/// Each character of the labels once, by code point: the charset this ground truth asks for.
std::u32string charset_of(const std::vector<Sample>& samples);

/// The number of windows (positions) a model has for an image `model_width` columns wide.
using WindowCount = std::function<int(int model_width)>;

/// Opens every image and checks every label against `alphabet` (if given) and `windows` (if given:
/// a word needs at least least_windows). Faulty samples move from dataset.samples to
/// dataset.findings.
void check_samples(Dataset& dataset, const Alphabet* alphabet, const WindowCount& windows = {},
                   ebm::Topology topology = ebm::Topology::classic);

/// The labels alone against `alphabet`, without opening an image.
void check_letters(Dataset& dataset, const Alphabet& alphabet);

/// The fewest windows that can spell a word: one a letter, and one for each gap that the topology
/// asks for: after every letter (classic), between letters (margins), or between equal letters (ctc).
int64_t least_windows(std::u32string_view word, ebm::Topology topology);

/// Writes `name`.png and `name`.gt.txt into `dir`, which is made if need be. Throws IoError.
void write_sample(const std::string& dir, std::string_view name, const io::Gray8& image,
                  std::string_view text);

/// One line of labels.tsv: an image's file name, relative to the folder, and its text.
struct Label {
  std::string file;
  std::string text;
};

/// Writes a list with its header line. Throws Error on a tab or line end in a cell, IoError if the file
/// cannot be written.
void write_list(const std::string& path, const std::vector<Label>& labels);
/// Writes dir/labels.tsv, making the folder if need be.
void write_labels(const std::string& dir, const std::vector<Label>& labels);

}  // namespace talweg::ocr

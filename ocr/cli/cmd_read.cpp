// talweg read: what is written on images.
#include <malloc.h>  // mallopt
#include <sys/mman.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <memory>
#include <utility>

#include "ocr/cli/command.h"
#include "ocr/cli/conv_algo_option.h"
#include "ocr/cli/decoder_option.h"
#include "ocr/cli/inputs.h"
#include "ocr/cli/model_option.h"
#include "ocr/cli/outside_option.h"
#include "ocr/cli/reading_printer.h"
#include "ocr/cli/short_spins.h"
#include "ocr/recognizer.h"

namespace talweg::ocr::cli {

namespace {

/// Images read together: enough for all threads, few enough, and of few enough pixels, to stream.
constexpr std::size_t kChunk = 96;
constexpr std::size_t kChunkPixels = std::size_t(16) << 20;

struct ReadArguments {
  std::string model, format = "txt", conv_algo = "auto";
  DecoderArguments decoder;
  int alternatives = 0;
  double min_confidence = 0;
  std::vector<std::string> images;
  bool outside = false;

  /// The only image, or nothing where there may be several.
  std::string only_image() const {
    std::error_code ignored;
    const bool one = images.size() == 1 && images[0] != "-" && !is_list(images[0]) &&
                     !std::filesystem::is_directory(images[0], ignored);
    return one ? images[0] : "";
  }
};

/// Both sides of a photographed page are long, and neither is much longer than the other.
bool looks_like_page(const io::Gray8& image) {
  constexpr int kSide = 400;
  constexpr double kRatio = 2.5;
  const auto [shorter, longer] = std::minmax(image.width, image.height);
  return shorter > kSide && longer < kRatio * shorter;
}

/// Takes the names of images as they come, and reads and prints them in that order.
class Reader {
 public:
  Reader(const ReadArguments& a, const Settings& settings, const Recognizer& recognizer,
         DecoderOptions decoder)
      : min_confidence_(a.min_confidence),
        quiet_(settings.quiet),
        recognizer_(recognizer),
        decoder_(std::move(decoder)),
        printer_(make_printer(a.format, a.only_image(), decoder_)) {}

  void take(const std::string& path) {
    names_.push_back(path);
    if (names_.size() == kChunk) flush();
  }

  /// Reads and prints what was taken.
  void flush() {
    for (std::size_t done = 0; done < names_.size();) done += load_some(done);
    read_loaded();
    names_.clear();
    std::fflush(stdout);
  }

  /// Ends the output. After a failure only where there is some: then it is whole to that point.
  void finish(bool failed) {
    if (!failed || printer_->opened()) printer_->finish();
  }

  int64_t skipped() const { return skipped_; }

  void report() const {
    if (quiet_) return;
    const auto n = [](int64_t count) { return static_cast<long long>(count); };
    if (rejected_ > 0) {
      std::fprintf(stderr, "talweg: %lld of %lld readings are rejected: less sure than %g\n",
                   n(rejected_), n(read_), min_confidence_);
    }
    if (skipped_ > 0 && skipped_ + read_ > 1) {
      std::fprintf(stderr, "talweg: %lld image%s could not be read\n", n(skipped_),
                   skipped_ == 1 ? "" : "s");
    }
  }

 private:
  struct Loaded {
    io::Gray8 image;
    std::string fault;  ///< why there is no image
  };

  static Loaded load(const std::string& path) {
    Loaded l;
    try {
      l.image = io::load_gray(path);
      model_width(l.image.width, l.image.height);  // refuses what the model can't take
    } catch (const std::exception& e) {
      l.fault = e.what();
      if (l.fault.find(path) == std::string::npos) l.fault = path + ": " + l.fault;
    }
    return l;
  }

  /// Loads a few images side by side, from names_[begin] on. How many depends on no thread count.
  std::size_t load_some(std::size_t begin) {
    constexpr std::size_t kTogether = 16;
    const std::size_t count = std::min(kTogether, names_.size() - begin);
    std::vector<Loaded> loaded(count);
#pragma omp parallel for schedule(dynamic)
    for (std::size_t i = 0; i < count; ++i) loaded[i] = load(names_[begin + i]);
    for (std::size_t i = 0; i < count; ++i) {
      if (!loaded[i].fault.empty()) {
        read_loaded();  // those before it come first
        std::fprintf(stderr, "talweg: %s\n", loaded[i].fault.c_str());
        printer_->print_fault(names_[begin + i], loaded[i].fault);
        ++skipped_;
        continue;
      }
      pixels_ += loaded[i].image.pixels.size();
      images_.push_back(std::move(loaded[i].image));
      image_names_.push_back(names_[begin + i]);
      if (pixels_ > kChunkPixels) read_loaded();
    }
    return count;
  }

  void read_loaded() {
    std::vector<Reading> readings = recognizer_.read(images_, decoder_);
    for (std::size_t i = 0; i < readings.size(); ++i) {
      print(image_names_[i], images_[i], std::move(readings[i]));
    }
    read_ += std::ssize(readings);
    images_.clear();
    image_names_.clear();
    pixels_ = 0;
  }

  void print(const std::string& name, const io::Gray8& image, Reading reading) {
    ReadImage shown{name, image.width, image.height, std::move(reading), false, ""};
    const auto note = [&](const std::string& text) {
      shown.note += (shown.note.empty() ? "" : ", ") + text;
    };
    if (shown.reading.status != ebm::AlignStatus::ok) note(ebm::to_string(shown.reading.status));
    if (shown.reading.confidence < min_confidence_) {
      shown.rejected = true;
      ++rejected_;
      note("rejected");
    }
    if (looks_like_page(image)) {
      note("page-sized");
      if (!quiet_) {
        std::fprintf(stderr,
                     "talweg: %s: %d x %d px look like a page; this program reads a word or a line "
                     "an image, so cut pages into lines first\n",
                     name.c_str(), image.width, image.height);
      }
    }
    printer_->print(shown);
  }

  double min_confidence_;
  bool quiet_;
  const Recognizer& recognizer_;
  DecoderOptions decoder_;
  std::unique_ptr<ReadingPrinter> printer_;
  std::vector<std::string> names_;  // taken
  std::vector<io::Gray8> images_;   // loaded
  std::vector<std::string> image_names_;
  std::size_t pixels_ = 0;
  int64_t read_ = 0, skipped_ = 0, rejected_ = 0;
};

/// A page that the system gives, takes back and gives again costs a microsecond, and to the first word
/// that was half of the time. So freed memory is kept, and the heap's first part, which a model and its
/// packed weights fill, is asked for in huge pages: 16 ms to the first word instead of 26.
void prepare_heap() {
#ifdef __GLIBC__
  constexpr int kLarge = 1 << 30;
  constexpr std::size_t kModel = std::size_t(24) << 20, kHugePage = std::size_t(2) << 20;
  mallopt(M_MMAP_THRESHOLD, kLarge);
  mallopt(M_TRIM_THRESHOLD, kLarge);

  const auto end_of_heap = [] { return reinterpret_cast<std::uintptr_t>(::sbrk(0)); };
  const std::uintptr_t begin = (end_of_heap() + kHugePage - 1) / kHugePage * kHugePage;
  void* volatile model =
      std::malloc(kModel);  // makes the heap as large; volatile, or it is left out
  std::free(model);
  if (const std::uintptr_t end = end_of_heap(); begin < end) {
    ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);  // a wish, may fail
  }
#endif
}

void run_read(const ReadArguments& a, const Settings& settings) {
  if (a.only_image().empty()) begin_with_short_spins();
  prepare_heap();
  decoder_of(a.decoder);  // refuses what contradicts itself before anything is read
  if (a.alternatives > 0 && a.format != "tsv" && !a.format.starts_with("json")) {
    throw UsageError("--alternatives are shown in tables; ask for one with -f tsv, json or jsonl");
  }
  const Recognizer recognizer = Recognizer::load(model_file(a.model), parse_conv_algo(a.conv_algo));
  DecoderOptions decoder = decoder_options(a.decoder, recognizer.alphabet());
  decoder.alternatives = a.alternatives;
  Reader reader(a, settings, recognizer, std::move(decoder));
  try {
    for_each_image(
        a.images, a.outside, [&](const std::string& path) { reader.take(path); },
        [&] { reader.flush(); });
  } catch (const IoError&) {
    if (std::ferror(stdout)) throw;
    // What was read before the fault still comes out whole.
    reader.flush();
    reader.finish(true);
    throw;
  }
  reader.flush();
  reader.finish(false);
  reader.report();
  if (reader.skipped() > 0) throw Exit{1};
}

}  // namespace

void add_read(CLI::App& app, const Settings& settings) {
  auto a = std::make_shared<ReadArguments>();
  CLI::App* command = app.add_subcommand("read", "Reads images of words");
  add_model_option(*command, a->model);
  command
      ->add_option(
          "-f,--format", a->format,
          "txt; tsv (file, text, confidence, energy, note, the characters' confidences, what "
          "probabilities are over); "
          "json (boxes and alternatives of every character too); jsonl (the same, one line an "
          "image, "
          "'error' where it can't be read); hocr or alto (one page an image). json, hocr and alto "
          "are "
          "documents, whole only when all is read; the others stream")
      ->check(CLI::IsMember({"txt", "tsv", "json", "jsonl", "hocr", "alto"}))
      ->capture_default_str();
  add_decoder_options(*command, a->decoder);
  command
      ->add_option("--alternatives", a->alternatives,
                   "How many best words to list beside the reading, each with its probability")
      ->check(CLI::Range(1, 1000));
  command
      ->add_option("--min-confidence", a->min_confidence,
                   "Reject readings that are less sure: their text is left empty and their note "
                   "(tsv, json, jsonl) says 'rejected'; how many there are is said at the end")
      ->check(CLI::Range(0.0, 1.0));
  add_conv_algo_option(*command, a->conv_algo);
  add_outside_option(*command, a->outside);
  command
      ->add_option("images", a->images,
                   "Images, folders, lists of paths (.txt, .tsv), or - for paths on stdin, read as "
                   "they come: before it waits for the next, it has answered all before")
      ->required();
  command->footer(
      "The confidence of a reading is the exact probability of its word, summed over all paths, "
      "among\nall words (among those of --lexicon and --allow, where given), at the temperature "
      "that makes it\nas often right as it says.\n\n"
      "Examples: talweg read -f tsv words/\n"
      "          talweg read --allow 0-9,. --min-confidence 0.9 -f json price.png\n"
      "          find scans -name '*.png' | talweg read -f jsonl -");
  command->callback([=, &settings] { run_read(*a, settings); });
}

}  // namespace talweg::ocr::cli

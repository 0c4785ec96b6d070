// Readings as they are printed: text, tables, JSON, and the page formats of other readers. Text, tables and
// lines of JSON are streams: what stands there is whole at every moment. The others are documents, which
// are whole only when they end.
#pragma once

#include <memory>
#include <string>

#include "ocr/decoder.h"

namespace talweg::ocr::cli {

/// An image that was read.
struct ReadImage {
  std::string file;
  int width = 0, height = 0;
  Reading reading;
  /// Its confidence is too low for the user: it is shown without its text.
  bool rejected = false;
  /// What else is to be said of it, in a word or two.
  std::string note;
};

/// Prints images to stdout in one of the formats, in order, as they come.
class ReadingPrinter {
 public:
  virtual ~ReadingPrinter() = default;
  /// Throws IoError where the output can't be written.
  void print(const ReadImage& image);
  /// Says in its place that an image can't be read, in the format that has words for it: jsonl.
  void print_fault(const std::string& file, const std::string& fault);
  /// Ends the output; where nothing was printed, that is an empty table, array or page.
  void finish();
  /// Has anything been printed?
  bool opened() const { return opened_; }

 protected:
  virtual void begin() = 0;
  virtual void one(const ReadImage& image) = 0;
  virtual void fault(const std::string&, const std::string&) {}
  virtual void end() = 0;

 private:
  void open();
  bool opened_ = false;
};

/// What the probabilities of readings sum to one over: "all words", "lexicon", and either "of the allowed
/// letters".
std::string words_summed(const DecoderOptions& decoder);

/// A printer of txt, tsv, json, jsonl, hocr or alto. `source` is the only image's name; empty where there may
/// be several, which are then named one by one.
std::unique_ptr<ReadingPrinter> make_printer(const std::string& format, const std::string& source,
                                             const DecoderOptions& decoder);
/// Those of them that print XML: hocr and alto.
std::unique_ptr<ReadingPrinter> make_page_printer(const std::string& format,
                                                  const std::string& source,
                                                  const DecoderOptions& decoder);

}  // namespace talweg::ocr::cli

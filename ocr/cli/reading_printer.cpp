#include "ocr/cli/reading_printer.h"

#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/error.h"
#include "core/io/text.h"
#include "ocr/cli/decoder_option.h"
#include "ocr/cli/json_text.h"

namespace talweg::ocr::cli {

namespace {

void check_written() {
  if (std::ferror(stdout)) throw IoError("the output can't be written; is the pipe closed?");
}

std::string cell(double value, int decimals) {
  return std::isfinite(value) ? io::format_number(value, decimals) : "";
}

class TextPrinter : public ReadingPrinter {
 public:
  explicit TextPrinter(bool with_names) : with_names_(with_names) {}

 private:
  void begin() override {}
  void one(const ReadImage& i) override {
    if (with_names_) std::printf("%s\t", i.file.c_str());
    std::printf("%s\n", i.rejected ? "" : i.reading.text.c_str());
  }
  void end() override {}

  bool with_names_;
};

class TablePrinter : public ReadingPrinter {
 public:
  explicit TablePrinter(const DecoderOptions& decoder)
      : over_(words_summed(decoder)), alternatives_(decoder.alternatives) {}

 private:
  void begin() override {
    std::fputs("file\ttext\tconfidence\tenergy\tnote\tconfidences\tprobability_over", stdout);
    for (int k = 1; k <= alternatives_; ++k) std::printf("\ttext%d\tprobability%d", k, k);
    std::fputs("\n", stdout);
  }

  void one(const ReadImage& i) override {
    const Reading& r = i.reading;
    std::string line = i.file + '\t' + (i.rejected ? "" : r.text) + '\t' + cell(r.confidence, 6) +
                       '\t' + cell(r.energy, 3) + '\t' + i.note + '\t';
    for (std::size_t k = 0; k < r.characters.size(); ++k) {
      line += (k ? " " : "") + cell(r.characters[k].confidence, 4);
    }
    line += '\t' + over_;
    for (std::size_t k = 0; k < std::size_t(alternatives_); ++k) {
      const bool there = k < r.alternatives.size();
      line += '\t' + (there ? r.alternatives[k].text : "") + '\t' +
              (there ? cell(r.alternatives[k].probability, 6) : "");
    }
    std::printf("%s\n", line.c_str());
  }

  void end() override {}

  std::string over_;
  int alternatives_;
};

/// A reading with all that is known of it.
class JsonOf {
 public:
  explicit JsonOf(const DecoderOptions& decoder)
      : decoder_(decoder_name(decoder.way)), over_(words_summed(decoder)) {}

  std::string operator()(const ReadImage& i) const {
    const Reading& r = i.reading;
    Json j{{"file", i.file},
           {"width", i.width},
           {"height", i.height},
           {"text", i.rejected ? "" : r.text},
           {"decoder", decoder_},
           {"confidence", r.confidence},
           {"probability_over", over_},
           {"energy", r.energy},
           {"complete", r.complete},
           {"status", ebm::to_string(r.status)},
           {"note", i.note}};
    if (i.rejected) j["rejected_text"] = r.text;
    j["characters"] = Json::array();
    for (const CharReading& c : r.characters) j["characters"].push_back(to_json(c));
    for (const WordChoice& w : r.alternatives) {
      j["alternatives"].push_back(
          {{"text", w.text}, {"energy", w.energy}, {"probability", w.probability}});
    }
    return json_text(j);
  }

 private:
  using Json = nlohmann::ordered_json;

  static Json to_json(const CharReading& c) {
    Json shown{{"text", c.text},
               {"x0", c.x0},
               {"x1", c.x1},
               {"y0", c.y0},
               {"y1", c.y1},
               {"confidence", c.confidence},
               {"alternatives", Json::array()}};
    for (const SymbolChoice& s : c.alternatives) {
      shown["alternatives"].push_back({{"text", s.text}, {"probability", s.probability}});
    }
    return shown;
  }

  std::string decoder_, over_;
};

class JsonPrinter : public ReadingPrinter {
 public:
  explicit JsonPrinter(const DecoderOptions& decoder) : json_of_(decoder) {}

 private:
  void begin() override { std::fputs("[", stdout); }
  void one(const ReadImage& i) override {
    std::printf("%s\n  %s", std::exchange(first_, false) ? "" : ",", json_of_(i).c_str());
  }
  void end() override { std::fputs(first_ ? "]\n" : "\n]\n", stdout); }

  JsonOf json_of_;
  bool first_ = true;
};

/// A line for each path that was given, so that who waits for an answer gets one.
class JsonLinesPrinter : public ReadingPrinter {
 public:
  explicit JsonLinesPrinter(const DecoderOptions& decoder) : json_of_(decoder) {}

 private:
  void begin() override {}
  void one(const ReadImage& i) override { std::printf("%s\n", json_of_(i).c_str()); }
  void fault(const std::string& file, const std::string& fault) override {
    std::printf("%s\n", json_text({{"file", file}, {"error", fault}}).c_str());
  }
  void end() override {}

  JsonOf json_of_;
};

}  // namespace

std::string words_summed(const DecoderOptions& decoder) {
  const std::string words = decoder.lexicon ? "lexicon" : "all words";
  return decoder.letters ? words + " of the allowed letters" : words;
}

// Late, so that a failure before the first image leaves no half of a document behind.
void ReadingPrinter::open() {
  if (!std::exchange(opened_, true)) begin();
}

void ReadingPrinter::print(const ReadImage& image) {
  open();
  one(image);
  check_written();
}

void ReadingPrinter::print_fault(const std::string& file, const std::string& fault) {
  this->fault(file, fault);
  check_written();
}

void ReadingPrinter::finish() {
  open();
  end();
}

std::unique_ptr<ReadingPrinter> make_printer(const std::string& format, const std::string& source,
                                             const DecoderOptions& decoder) {
  if (format == "json") return std::make_unique<JsonPrinter>(decoder);
  if (format == "jsonl") return std::make_unique<JsonLinesPrinter>(decoder);
  if (format == "tsv") return std::make_unique<TablePrinter>(decoder);
  if (format == "txt") return std::make_unique<TextPrinter>(source.empty());
  return make_page_printer(format, source, decoder);
}

}  // namespace talweg::ocr::cli

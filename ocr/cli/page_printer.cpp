// hOCR (https://kba.github.io/hocr-spec/1.2/) and ALTO 4 (https://www.loc.gov/standards/alto/): an
// image is a page with one line of words, a word a run of characters without spaces.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "core/error.h"
#include "core/io/text.h"
#include "ocr/cli/reading_printer.h"

namespace talweg::ocr::cli {

namespace {

/// Whole pixels [x0, x1) x [y0, y1).
struct Box {
  int x0 = 0, y0 = 0, x1 = 0, y1 = 0;
};

Box whole(const ReadImage& i) { return {0, 0, i.width, i.height}; }

Box box_of(const CharReading& c, const ReadImage& i) {
  const auto pixel = [](double v, int most) { return std::clamp(int(std::lround(v)), 0, most); };
  return {pixel(c.x0, i.width), pixel(c.y0, i.height), pixel(c.x1, i.width), pixel(c.y1, i.height)};
}

/// A run of characters without spaces.
struct Word {
  std::string text;
  Box box;
  double confidence = 1;
  std::span<const CharReading> characters;
};

/// The words of an image, none where it was rejected. The confidence of one that is the whole reading
/// is the reading's; of one among others, that of its least sure character.
std::vector<Word> words_of(const ReadImage& i) {
  std::vector<Word> words;
  if (i.rejected) return words;
  const auto& all = i.reading.characters;
  for (std::size_t k = 0; k < all.size();) {
    std::size_t end = k;
    while (end < all.size() && all[end].text != " ") ++end;
    if (end == k) {
      ++k;
      continue;
    }
    Word word{"", box_of(all[k], i), 1, std::span(all).subspan(k, end - k)};
    for (const CharReading& c : word.characters) {
      const Box b = box_of(c, i);
      word.text += c.text;
      word.box = {std::min(word.box.x0, b.x0), std::min(word.box.y0, b.y0),
                  std::max(word.box.x1, b.x1), std::max(word.box.y1, b.y1)};
      word.confidence = std::min(word.confidence, c.confidence);
    }
    if (end - k == all.size()) word.confidence = i.reading.confidence;
    words.push_back(std::move(word));
    k = end;
  }
  return words;
}

/// What the confidences are, for people who open the file.
std::string explained(const DecoderOptions& decoder) {
  return "confidences are probabilities over: " + words_summed(decoder);
}

class HocrPrinter : public ReadingPrinter {
 public:
  explicit HocrPrinter(const DecoderOptions& decoder) : explained_(explained(decoder)) {}

 private:
  void begin() override {
    std::fputs(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 Transitional//EN\" "
        "\"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd\">\n"
        "<html xmlns=\"http://www.w3.org/1999/xhtml\">\n<head>\n<title></title>\n"
        "<meta http-equiv=\"Content-Type\" content=\"text/html; charset=utf-8\" />\n"
        "<meta name=\"ocr-system\" content=\"talweg " TALWEG_VERSION
        "\" />\n"
        "<meta name=\"ocr-capabilities\" content=\"ocr_page ocr_line ocrx_word ocrx_cinfo\" />\n",
        stdout);
    std::printf("<meta name=\"description\" content=\"%s\" />\n</head>\n<body>\n",
                explained_.c_str());
  }

  static std::string bbox(const Box& b) { return message(b.x0, ' ', b.y0, ' ', b.x1, ' ', b.y1); }

  void one(const ReadImage& i) override {
    ++pages_;
    std::string file = i.file;
    std::replace(file.begin(), file.end(), '"',
                 '\'');  // quotes end the name, and none escapes them
    std::string s = message("<div class=\"ocr_page\" id=\"page_", pages_, "\" title=\"image &quot;",
                            io::escape(file), "&quot;; bbox ", bbox(whole(i)), "; ppageno ",
                            pages_ - 1, "\">\n <span class=\"ocr_line\" id=\"line_", pages_,
                            "\" title=\"bbox ", bbox(whole(i)), "\">\n");
    int number = 0;
    for (const Word& w : words_of(i)) {
      s += message("  <span class=\"ocrx_word\" id=\"word_", pages_, '_', ++number,
                   "\" title=\"bbox ", bbox(w.box), "; x_wconf ", std::lround(100 * w.confidence),
                   "\">");
      for (const CharReading& c : w.characters) {
        s +=
            message("<span class=\"ocrx_cinfo\" title=\"x_bboxes ", bbox(box_of(c, i)), "; x_conf ",
                    io::format_number(100 * c.confidence, 2), "\">", io::escape(c.text), "</span>");
      }
      s += "</span>\n";
    }
    std::printf("%s </span>\n</div>\n", s.c_str());
  }

  void end() override { std::fputs("</body>\n</html>\n", stdout); }

  std::string explained_;
  int64_t pages_ = 0;
};

class AltoPrinter : public ReadingPrinter {
 public:
  AltoPrinter(std::string source, const DecoderOptions& decoder)
      : source_(std::move(source)), explained_(explained(decoder)) {}

 private:
  void begin() override {
    std::fputs(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<alto xmlns=\"http://www.loc.gov/standards/alto/ns-v4#\"\n"
        "      xmlns:xlink=\"http://www.w3.org/1999/xlink\"\n"
        "      xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"\n"
        "      xsi:schemaLocation=\"http://www.loc.gov/standards/alto/ns-v4# "
        "http://www.loc.gov/standards/alto/v4/alto-4-2.xsd\">\n"
        "<Description>\n <MeasurementUnit>pixel</MeasurementUnit>\n",
        stdout);
    if (!source_.empty()) {
      std::printf(" <sourceImageInformation><fileName>%s</fileName></sourceImageInformation>\n",
                  io::escape(source_).c_str());
    }
    std::printf(
        " <Processing ID=\"reading\"><processingStepDescription>%s"
        "</processingStepDescription>",
        explained_.c_str());
    std::fputs(
        "<processingSoftware><softwareName>talweg</softwareName>"
        "<softwareVersion>" TALWEG_VERSION
        "</softwareVersion></processingSoftware></Processing>\n"
        "</Description>\n<Layout>\n",
        stdout);
  }

  static std::string place(const Box& b) {
    return message(" HPOS=\"", b.x0, "\" VPOS=\"", b.y0, "\" WIDTH=\"", b.x1 - b.x0, "\" HEIGHT=\"",
                   b.y1 - b.y0, '"');
  }
  static std::string share(double p) { return io::format_number(p, 4); }

  // A block names its image, since a document has one name for all its pages at most.
  void one(const ReadImage& i) override {
    ++pages_;
    const std::string at = place(whole(i));
    std::string s =
        message("<Page ID=\"page_", pages_, "\" PHYSICAL_IMG_NR=\"", pages_, "\" WIDTH=\"", i.width,
                "\" HEIGHT=\"", i.height, "\"><PrintSpace", at, ">\n <TextBlock ID=\"block_",
                pages_, '"', at, " xlink:type=\"simple\" xlink:href=\"", io::escape(i.file),
                "\">\n  <TextLine ID=\"line_", pages_, '"', at, ">\n");
    const std::vector<Word> words = words_of(i);
    for (std::size_t k = 0; k < words.size(); ++k) s += string_element(i, words, k);
    std::printf("%s  </TextLine>\n </TextBlock>\n</PrintSpace></Page>\n", s.c_str());
  }

  std::string string_element(const ReadImage& i, const std::vector<Word>& words,
                             std::size_t k) const {
    const Word& w = words[k];
    const std::string id = message("word_", pages_, '_', k + 1);
    std::string s;
    if (k > 0) {
      const Box& before = words[k - 1].box;
      s += message("   <SP",
                   place({before.x1, before.y0, std::max(before.x1, w.box.x0), before.y1}), "/>\n");
    }
    s += message("   <String ID=\"", id, '"', place(w.box), " CONTENT=\"", io::escape(w.text),
                 "\" WC=\"", share(w.confidence), "\">\n");
    int number = 0;
    for (const CharReading& c : w.characters) {
      s += message("    <Glyph ID=\"", id, '_', ++number, '"', place(box_of(c, i)), " CONTENT=\"",
                   io::escape(c.text), "\" GC=\"", share(c.confidence), '"');
      if (c.alternatives.empty()) {
        s += "/>\n";
        continue;
      }
      s += ">";
      for (const SymbolChoice& a : c.alternatives) {
        s += message("<Variant CONTENT=\"", io::escape(a.text), "\" VC=\"", share(a.probability),
                     "\"/>");
      }
      s += "</Glyph>\n";
    }
    return s + "   </String>\n";
  }

  void end() override { std::fputs("</Layout>\n</alto>\n", stdout); }

  std::string source_, explained_;
  int64_t pages_ = 0;
};

}  // namespace

std::unique_ptr<ReadingPrinter> make_page_printer(const std::string& format,
                                                  const std::string& source,
                                                  const DecoderOptions& decoder) {
  if (format == "hocr") return std::make_unique<HocrPrinter>(decoder);
  if (format == "alto") return std::make_unique<AltoPrinter>(source, decoder);
  throw Error(message("there is no format '", format, "'"));
}

}  // namespace talweg::ocr::cli

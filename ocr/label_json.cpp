#include "ocr/label_json.h"

#include <cctype>
#include <cstdio>
#include <iterator>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/io/utf8.h"

namespace talweg::ocr {
namespace {

/// The number of a \\uXXXX escape that begins at `at`; -1 where there is none.
int escaped_unit(std::string_view bytes, std::size_t at) {
  constexpr std::size_t kLength = 6;
  const std::string_view escape = bytes.substr(std::min(at, bytes.size()), kLength);
  if (escape.size() < kLength || !escape.starts_with("\\u")) return -1;
  int unit = 0;
  for (const char c : escape.substr(2)) {
    if (std::isxdigit(static_cast<unsigned char>(c)) == 0) return -1;
    unit = 16 * unit + (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
  }
  return unit;
}

bool opens_pair(int unit) { return unit >= 0xD800 && unit < 0xDC00; }
bool closes_pair(int unit) { return unit >= 0xDC00 && unit < 0xE000; }

/// Copies strings so that JSON allows them; see read_label_json.
class Mender {
 public:
  explicit Mender(std::string_view bytes) : bytes_(bytes) { out_.reserve(bytes.size()); }

  std::string mended() {
    bool inside = false;
    while (at_ < bytes_.size()) {
      const char c = bytes_[at_];
      if (c == '"') inside = !inside;
      if (inside && c == '\\') {
        escape();
      } else if (inside && static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\r') {
        char name[8];
        std::snprintf(name, sizeof name, "\\u%04x", static_cast<unsigned>(c));
        put(name, 1);
      } else {
        const std::size_t length = io::utf8_length(bytes_.substr(at_));
        length == 0 ? put("\xEF\xBF\xBD", 1) : put(bytes_.substr(at_, length), length);
      }
    }
    return std::move(out_);
  }

 private:
  void put(std::string_view text, std::size_t instead_of) {
    out_ += text;
    at_ += instead_of;
  }

  void escape() {
    constexpr std::size_t kUnit = 6, kPair = 12;
    const int unit = escaped_unit(bytes_, at_);
    if (opens_pair(unit) && closes_pair(escaped_unit(bytes_, at_ + kUnit))) {
      put(bytes_.substr(at_, kPair), kPair);
    } else if (opens_pair(unit) || closes_pair(unit)) {
      put("\\ufffd", kUnit);
    } else {
      put(bytes_.substr(at_, 2), std::min<std::size_t>(2, bytes_.size() - at_));
    }
  }

  std::string_view bytes_;
  std::string out_;
  std::size_t at_ = 0;
};

/// Walks over characters and counts the lines behind it.
class LineCounter {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  LineCounter(const char* at, int& line) : at_(at), line_(&line) {}
  reference operator*() const { return *at_; }
  LineCounter& operator++() {
    *line_ += *at_ == '\n';
    ++at_;
    return *this;
  }
  bool operator==(const LineCounter& other) const { return at_ == other.at_; }
  bool operator!=(const LineCounter& other) const { return at_ != other.at_; }

 private:
  const char* at_;
  int* line_;
};

/// What the library tells of the document as it reads: an entry at each key and value of the outermost
/// object.
class EntryReader : public nlohmann::json_sax<nlohmann::json> {
 public:
  EntryReader(const int& line, const std::string& origin) : line_(line), origin_(origin) {}

  bool null() override { return other_value(); }
  bool boolean(bool) override { return other_value(); }
  bool number_integer(number_integer_t) override { return other_value(); }
  bool number_unsigned(number_unsigned_t) override { return other_value(); }
  bool number_float(number_float_t, const string_t&) override { return other_value(); }
  bool binary(binary_t&) override { return other_value(); }
  bool string(string_t& text) override {
    if (depth_ != 1) return other_value();
    entries.back().text = std::move(text);
    return true;
  }
  bool start_object(std::size_t) override { return open(); }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override {
    if (depth_ == 0) no_object();
    return open();
  }
  bool end_array() override { return close(); }
  bool key(string_t& name) override {
    if (depth_ == 1) entries.push_back({std::move(name), {}, line_});
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception& e) override {
    throw IoError(message("[data] ", origin_, " is not JSON: ", e.what()));
  }

  std::vector<LabelEntry> entries;

 private:
  bool other_value() const {
    if (depth_ == 0) no_object();
    return true;
  }
  bool open() { return ++depth_ > 0; }
  bool close() { return --depth_ >= 0; }
  [[noreturn]] void no_object() const {
    throw IoError(message("[data] ", origin_, " must be one object {\"image\": \"text\"}"));
  }

  const int& line_;
  const std::string& origin_;
  int depth_ = 0;
};

}  // namespace

std::vector<LabelEntry> read_label_json(std::string_view bytes, const std::string& origin) {
  const std::string text = Mender(bytes).mended();
  int line = 1;
  EntryReader reader(line, origin);
  const LineCounter begin(text.data(), line), end(text.data() + text.size(), line);
  nlohmann::json::sax_parse(begin, end, &reader);
  return std::move(reader.entries);
}

}  // namespace talweg::ocr

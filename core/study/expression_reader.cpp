#include "core/study/expression_reader.h"

#include <algorithm>
#include <charconv>

namespace talweg {
namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

std::string_view ExpressionReader::from(std::size_t start) const {
  std::string_view s = text_.substr(start, at_ - start);
  while (!s.empty() && s.back() == ' ') s.remove_suffix(1);
  return s;
}

int ExpressionReader::column(std::size_t byte) const {
  const std::size_t line = line_start(byte);
  return 1 + int(std::count_if(text_.begin() + long(line), text_.begin() + long(byte),
                               [](char c) { return (c & 0xC0) != 0x80; }));
}

char ExpressionReader::peek() {
  skip_spaces();
  return at_ < text_.size() ? text_[at_] : '\0';
}

bool ExpressionReader::at_end() { return peek() == '\0' && at_ >= text_.size(); }

bool ExpressionReader::take(char c) {
  if (at_end() || peek() != c) return false;
  ++at_;
  return true;
}

void ExpressionReader::require(char c, std::string_view what) {
  if (!take(c)) fail(at_, message("expected '", c, "' ", what, ", found ", found()));
}

std::string_view ExpressionReader::name() {
  skip_spaces();
  const std::size_t start = at_;
  while (at_ < text_.size() && (is_letter(text_[at_]) || (at_ > start && is_digit(text_[at_]))))
    ++at_;
  return text_.substr(start, at_ - start);
}

std::optional<double> ExpressionReader::number() {
  const char c = peek();
  if (!is_digit(c) && c != '.') return {};
  double x = 0;
  const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), x);
  if (error != std::errc()) fail(at_, message("'", text_.substr(at_, 12), "' is no number"));
  at_ = std::size_t(end - text_.data());
  return x;
}

std::string ExpressionReader::found() {
  if (at_end()) return "the end";
  const std::size_t start = at_;
  const std::string word(name());
  at_ = start;
  if (!word.empty()) return "'" + word + "'";
  std::size_t length = 1;
  while (at_ + length < text_.size() && (text_[at_ + length] & 0xC0) == 0x80) ++length;
  return message("'", text_.substr(at_, length), "'");
}

void ExpressionReader::fail(std::size_t byte, const std::string& what) const {
  const std::size_t start = line_start(byte), end = text_.find('\n', byte);
  throw Error(message("column ", column(byte), ": ", what, "\n  ",
                      text_.substr(start, end == text_.npos ? end : end - start), "\n  ",
                      std::string(std::size_t(column(byte) - 1), ' '), "^"));
}

std::size_t ExpressionReader::line_start(std::size_t byte) const {
  const std::size_t before = byte == 0 ? text_.npos : text_.rfind('\n', byte - 1);
  return before == text_.npos ? 0 : before + 1;
}

void ExpressionReader::skip_spaces() {
  while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\r'))
    ++at_;
}

double ExpressionReader::signed_number() {
  const bool minus = take('-');
  if (!minus) take('+');
  const std::optional<double> x = number();
  if (!x) fail(at(), message("expected a number, found ", found()));
  return minus ? -*x : *x;
}

Tensor<double> ExpressionReader::matrix() {
  std::vector<double> values;
  int64_t rows = 1, cols = 0, in_row = 0;
  while (true) {
    const std::size_t start = at();
    values.push_back(signed_number());
    ++in_row;
    if (take(',')) continue;
    const bool last = peek() == ']';
    if (rows == 1) cols = in_row;
    if (in_row != cols && (last || peek() == ';')) {
      fail(start, message("row ", rows, " has ", in_row, " numbers, the first has ", cols));
    }
    if (last) break;
    require(';', "or ',' or ']' in a matrix");
    ++rows, in_row = 0;
  }
  require(']', "at the end of a matrix");
  return Tensor<double>(rows == 1 ? Shape{cols} : Shape{rows, cols},
                        std::span<const double>(values));
}

}  // namespace talweg

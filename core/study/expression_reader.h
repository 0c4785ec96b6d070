// The text of a formula, read from front to back: names, numbers, signs, and errors with a caret.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/tensor.h"

namespace talweg {

/// Text that is read from front to back, and that shows where it could not be.
class ExpressionReader {
 public:
  explicit ExpressionReader(std::string_view text) : text_(text) {}

  std::size_t at() const { return at_; }  ///< the next byte
  void move_to(std::size_t at) { at_ = at; }
  std::string_view from(std::size_t start) const;  ///< what was read since, without spaces behind
  int column(std::size_t byte) const;              ///< counts characters of its line, from 1

  char peek();  ///< the next character that is no space, 0 at the end
  bool at_end();
  bool take(char c);  ///< reads c if it comes next
  bool touches(char c) const { return at_ < text_.size() && text_[at_] == c; }
  void require(char c, std::string_view what);
  std::string_view name();         ///< empty where none comes next
  std::optional<double> number();  ///< without a sign; nothing where none comes next
  double signed_number();          ///< as elements of matrices are written
  Tensor<double> matrix();         ///< [1,2,3] or [1,2;3,4], from behind the bracket

  std::string found();  ///< what comes next, for messages
  /// Throws Error: the message, then the line with a caret under the byte.
  [[noreturn]] void fail(std::size_t byte, const std::string& what) const;

 private:
  std::size_t line_start(std::size_t byte) const;
  void skip_spaces();

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace talweg

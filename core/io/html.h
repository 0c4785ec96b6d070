// The one builder of self-contained HTML pages: no script, no network, readable in light and dark.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/io/text.h"

namespace talweg::io {

/// A table of plain text. A column whose filled cells all read as numbers is set flush right.
struct Table {
  std::vector<std::string> header = {};
  std::vector<std::vector<std::string>> rows = {};  ///< as many cells a row as the header has
  std::string caption = {};                         ///< one sentence: what the numbers are
};

/// JSON to stand inside a <script> element: '<' is written as \u003c, so that nothing in it looks like the
/// element's end.
std::string json_for_script(std::string_view json);

/// Appends block after block; text is escaped unless a name says html or svg.
class HtmlPage {
 public:
  /// `lead` is the paragraph under the title: what this page shows.
  explicit HtmlPage(std::string_view title, std::string_view lead = "");

  /// Starts a section; its heading is an anchor and stands in the table of contents.
  void section(std::string_view heading);
  void subsection(std::string_view heading);
  void paragraph(std::string_view text);
  void list(const std::vector<std::string>& items);
  /// Monospaced text with its line breaks: a command, a program's output.
  void code(std::string_view text);
  /// `caption` is one sentence that says what the picture shows; it is the PNG's alternative text
  /// too. Pixels are shown `scale` times as large, kept sharp, and never wider than the page.
  void figure_png(std::string_view png, std::string_view caption, double scale = 1);
  /// `svg` is a whole <svg> element, as Svg::str and draw make it.
  void figure_svg(std::string_view svg, std::string_view caption);
  /// Throws Error if a row has not as many cells as the header.
  void table(const Table& table);
  /// Trusted markup, put in as it is.
  void raw_html(std::string_view markup);

  /// The finished page. The table of contents appears from two sections on.
  std::string str() const;
  /// Writes the page atomically.
  void save(const std::filesystem::path& path) const;

 private:
  struct Heading {
    std::string anchor, text;
  };
  std::string title_, lead_, body_;
  std::vector<Heading> contents_;
};

}  // namespace talweg::io

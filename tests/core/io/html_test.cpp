#include "core/io/html.h"

#include <doctest/doctest.h>

#include "core/io/file.h"
#include "core/io/image.h"
#include "core/io/svg.h"
#include "tests/core/io/scratch.h"

using talweg::Error;
using namespace talweg::io;

namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("text is escaped wherever it stands") {
  HtmlPage page("<t>", "<lead>");
  page.section("<s>");
  page.subsection("<sub>");
  page.paragraph("<p1> & \"q\"");
  page.list({"<item>"});
  page.code("a < b");
  page.figure_png(encode_png(Gray8(2, 1)), "<cap>\"");
  page.table({.header = {"<h>"}, .rows = {{"<cell>"}}, .caption = "<caption>"});
  const std::string html = page.str();
  for (const char* text : {"t", "lead", "s", "sub", "p1", "item", "cap", "h", "cell"}) {
    CAPTURE(text);
    CHECK(contains(html, "&lt;" + std::string(text) + "&gt;"));
  }
  CHECK(contains(html, "a &lt; b"));
  CHECK(contains(html, "<caption>&lt;caption&gt;</caption>"));
  CHECK_FALSE(contains(html, "<cell>"));
}

TEST_CASE("the page asks for nothing from outside and runs no script") {
  HtmlPage page("t");
  page.figure_png(encode_png(Gray8(2, 2)), "A picture.");
  page.figure_svg(draw(LineChart{.title = "chart"}), "A chart.");
  const std::string html = page.str();
  CHECK_FALSE(contains(html, "<script"));
  CHECK_FALSE(contains(html, "<link"));
  CHECK_FALSE(contains(html, "url("));
  CHECK_FALSE(contains(html, "src=\"http"));
  CHECK_FALSE(contains(html, "href=\"http"));
  CHECK(contains(html, "src=\"data:image/png;base64,"));
}

TEST_CASE("sections of one name get anchors of their own, and contents link to them") {
  HtmlPage page("t");
  page.section("Words, read both ways");
  CHECK_FALSE(contains(page.str(), "<nav"));
  page.section("Words, read both ways");
  page.section("\u4e2d");
  const std::string html = page.str();
  CHECK(contains(html, "<a href=\"#words-read-both-ways\">"));
  CHECK(contains(html, "<h2 id=\"words-read-both-ways-2\">"));
  CHECK(contains(html, "<h2 id=\"section\">"));
}

TEST_CASE("columns of numbers are set flush right, columns of text are not") {
  HtmlPage page("t");
  page.table({.header = {"n", "set", "interval"},
              .rows = {{"1,300", "plain", "99.2 [98.1, 99.9]"}, {"-2e-4", "3x3 conv", "-"}}});
  const std::string html = page.str();
  CHECK(contains(html, "<th class=\"num\">n</th><th>set</th><th class=\"num\">interval</th>"));
  CHECK(contains(html, "<td class=\"num\">-2e-4</td><td>3x3 conv</td><td class=\"num\">-</td>"));
}

TEST_CASE("a picture is shown as large as asked") {
  HtmlPage page("t");
  page.figure_png(encode_png(Gray8(20, 5)), "Twenty pixels, four times as large.", 4);
  CHECK(contains(page.str(), "<img width=\"80\""));
}

TEST_CASE("what does not fit a page is refused") {
  HtmlPage page("t");
  CHECK(sentence<Error>([&] {
          page.table({.header = {"a", "b"}, .rows = {{"1"}}});
        }) == "[html] a table row of 1 cells stands under a header of 2");
  CHECK(sentence<Error>([&] { page.figure_png("GIF89a", "No PNG."); }) ==
        "[html] a figure's picture must be the bytes of a PNG file, found 6 bytes of something "
        "else; encode it with encode_png");
}

TEST_CASE("JSON inside a script can't end it") {
  CHECK(json_for_script(R"({"a":"</script>"})") == R"({"a":"\u003c/script>"})");
}

TEST_CASE("a saved page holds what str gives") {
  const ScratchFolder folder;
  HtmlPage page("t");
  page.save(folder / "index.html");
  CHECK(read_file(folder / "index.html") == page.str());
}

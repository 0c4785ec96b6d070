#include "core/io/html.h"

#include <algorithm>

#include "core/error.h"
#include "core/io/file.h"
#include "core/io/image.h"

namespace talweg::io {
namespace {

constexpr const char* kStyle = R"css(
:root{color-scheme:light dark;--ink:#1f2328;--soft:#59636e;--paper:#ffffff;--panel:#f6f8fa;
--rule:#d1d9e0;--link:#0b62c4}
@media(prefers-color-scheme:dark){:root{--ink:#e6e8eb;--soft:#9aa4af;--paper:#12161c;
--panel:#1a2028;--rule:#333c47;--link:#6cb2ff}}
*{box-sizing:border-box}
body{margin:0 auto;padding:2.5rem 1.25rem 5rem;max-width:62rem;background:var(--paper);
color:var(--ink);font:16px/1.6 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
h1{font-size:2.1rem;line-height:1.2;margin:0 0 .6rem;letter-spacing:-.01em}
h2{font-size:1.45rem;line-height:1.3;margin:3rem 0 .8rem;padding-top:1.2rem;
border-top:1px solid var(--rule)}
h3{font-size:1.1rem;margin:2rem 0 .5rem}
p,ul{max-width:44rem}
.lead{font-size:1.15rem;color:var(--soft);margin-top:0}
a{color:var(--link);text-decoration:none}
a:hover{text-decoration:underline}
nav{background:var(--panel);border-radius:8px;padding:.9rem 1.2rem;margin:1.6rem 0}
nav ol{margin:0;padding-left:1.3rem;columns:16rem;column-gap:2rem}
figure{margin:1.6rem 0;overflow-x:auto}
figure img,figure svg{display:block;max-width:100%;height:auto}
figure img{image-rendering:pixelated;border-radius:3px}
figcaption,caption{color:var(--soft);font-size:.92rem;max-width:44rem;margin-top:.5rem}
.scroll{overflow-x:auto;margin:1.6rem 0}
table{border-collapse:collapse;font-size:.95rem}
caption{caption-side:bottom;text-align:left;padding-top:.5rem}
th,td{padding:.38rem .9rem;text-align:left;border-bottom:1px solid var(--rule);vertical-align:top}
th{border-bottom:2px solid var(--rule);font-weight:600}
tbody tr:hover{background:var(--panel)}
.num{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
pre{background:var(--panel);border-radius:8px;padding:.9rem 1.1rem;overflow-x:auto;
font:.88rem/1.5 ui-monospace,"DejaVu Sans Mono",Menlo,Consolas,monospace}
@media print{nav{display:none}figure,table{break-inside:avoid}}
)css";

bool is_ascii_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// "Words, read both ways" -> "words-read-both-ways".
std::string slug(std::string_view heading) {
  std::string anchor;
  for (const char c : heading) {
    if (is_ascii_alphanumeric(c)) {
      anchor += c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c;
    } else if (!anchor.empty() && anchor.back() != '-') {
      anchor += '-';
    }
  }
  if (!anchor.empty() && anchor.back() == '-') anchor.pop_back();
  return anchor.empty() ? "section" : anchor;
}

/// "12.5", "-3 %", "1,234", "99.2 [98.1, 99.9]", "1e-4", and what stands for a missing number.
bool reads_as_number(std::string_view cell) {
  if (cell == "-" || cell == "\u2013" || cell == "nan" || cell == "inf" || cell == "-inf") {
    return true;
  }
  const bool has_sign = cell.starts_with('-') || cell.starts_with('+');
  const size_t first = has_sign ? 1 : 0;
  if (cell.size() <= first || cell[first] < '0' || cell[first] > '9') return false;
  return std::all_of(cell.begin(), cell.end(), [](char c) {
    const bool letter = is_ascii_alphanumeric(c) && (c < '0' || c > '9');
    return !letter || c == 'e';
  });
}

bool is_numeric_column(const Table& table, size_t column) {
  bool any = false;
  for (const auto& row : table.rows) {
    if (row[column].empty()) continue;
    if (!reads_as_number(row[column])) return false;
    any = true;
  }
  return any;
}

std::string table_row(const std::vector<std::string>& cells, const std::vector<bool>& numeric,
                      const char* tag) {
  std::string out = "<tr>";
  for (size_t i = 0; i < cells.size(); ++i) {
    out +=
        message("<", tag, numeric[i] ? " class=\"num\">" : ">", escape(cells[i]), "</", tag, ">");
  }
  return out + "</tr>\n";
}

/// Width in pixels, from the header chunk that every PNG begins with.
uint32_t png_width(std::string_view png) {
  constexpr size_t kWidthAt = 16;
  expect(png.size() >= kWidthAt + 4 && png.starts_with("\x89PNG"),
         "[html] a figure's picture must be the bytes of a PNG file, found ", png.size(),
         " bytes of something else; encode it with encode_png");
  uint32_t width = 0;
  for (size_t i = 0; i < 4; ++i) {
    width = width << 8 | static_cast<unsigned char>(png[kWidthAt + i]);
  }
  return width;
}

}  // namespace

std::string json_for_script(std::string_view json) {
  std::string text;
  for (const char c : json) {
    if (c == '<') {
      text += "\\u003c";
    } else {
      text += c;
    }
  }
  return text;
}

HtmlPage::HtmlPage(std::string_view title, std::string_view lead) : title_(title), lead_(lead) {}

void HtmlPage::section(std::string_view heading) {
  const std::string base = slug(heading);
  const auto taken = [&](const std::string& anchor) {
    return std::any_of(contents_.begin(), contents_.end(),
                       [&](const Heading& h) { return h.anchor == anchor; });
  };
  std::string anchor = base;
  for (int i = 2; taken(anchor); ++i) anchor = base + "-" + std::to_string(i);
  contents_.push_back({anchor, std::string(heading)});
  body_ += "<h2 id=\"" + anchor + "\">" + escape(heading) + "</h2>\n";
}

void HtmlPage::subsection(std::string_view heading) {
  body_ += "<h3>" + escape(heading) + "</h3>\n";
}

void HtmlPage::paragraph(std::string_view text) { body_ += "<p>" + escape(text) + "</p>\n"; }

void HtmlPage::list(const std::vector<std::string>& items) {
  body_ += "<ul>\n";
  for (const std::string& item : items) body_ += "<li>" + escape(item) + "</li>\n";
  body_ += "</ul>\n";
}

void HtmlPage::code(std::string_view text) { body_ += "<pre>" + escape(text) + "</pre>\n"; }

void HtmlPage::figure_png(std::string_view png, std::string_view caption, double scale) {
  body_ += message("<figure><img width=\"", format_number(png_width(png) * scale, 0), "\" alt=\"",
                   escape(caption), "\" src=\"", png_data_uri(png), "\">\n<figcaption>",
                   escape(caption), "</figcaption></figure>\n");
}

void HtmlPage::figure_svg(std::string_view svg, std::string_view caption) {
  body_ += message("<figure>", svg, "<figcaption>", escape(caption), "</figcaption></figure>\n");
}

void HtmlPage::table(const Table& table) {
  for (const auto& row : table.rows) {
    expect(row.size() == table.header.size(), "[html] a table row of ", row.size(),
           " cells stands under a header of ", table.header.size());
  }
  std::vector<bool> numeric;
  for (size_t i = 0; i < table.header.size(); ++i) numeric.push_back(is_numeric_column(table, i));
  body_ += "<div class=\"scroll\"><table>\n";
  if (!table.caption.empty()) body_ += "<caption>" + escape(table.caption) + "</caption>\n";
  body_ += "<thead>" + table_row(table.header, numeric, "th") + "</thead>\n<tbody>\n";
  for (const auto& row : table.rows) body_ += table_row(row, numeric, "td");
  body_ += "</tbody></table></div>\n";
}

void HtmlPage::raw_html(std::string_view markup) { body_ += markup; }

std::string HtmlPage::str() const {
  std::string page =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n";
  page += "<title>" + escape(title_) + "</title>\n<style>" + kStyle + "</style>\n</head>\n<body>\n";
  page += "<h1>" + escape(title_) + "</h1>\n";
  if (!lead_.empty()) page += "<p class=\"lead\">" + escape(lead_) + "</p>\n";
  if (contents_.size() >= 2) {
    page += "<nav aria-label=\"Contents\"><ol>\n";
    for (const Heading& h : contents_) {
      page += "<li><a href=\"#" + h.anchor + "\">" + escape(h.text) + "</a></li>\n";
    }
    page += "</ol></nav>\n";
  }
  return page + body_ + "</body>\n</html>\n";
}

void HtmlPage::save(const std::filesystem::path& path) const { write_file_atomically(path, str()); }

}  // namespace talweg::io

#include "ocr/word_block.h"

#include <algorithm>
#include <vector>

#include "core/io/text.h"
#include "ocr/text.h"
#include "ocr/word_figure.h"

namespace talweg::ocr {
namespace {

constexpr const char* kWrittenColor = "#2aa47f";
constexpr const char* kReadColor = "#ff5fa2";

constexpr const char* kStyle = R"css(<style>
.word{margin:1.6rem 0 2.2rem;padding:.9rem 1.1rem 1rem;background:var(--panel);border-radius:8px}
.word dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem .9rem;margin:.1rem 0 .8rem}
.word dt{color:var(--soft)}
.word dd{margin:0;overflow-wrap:anywhere}
.word .t{font-family:ui-monospace,"DejaVu Sans Mono",Menlo,Consolas,monospace;font-size:1.15rem;
white-space:pre-wrap}
.word i{display:inline-block;width:1.4rem;height:.35rem;border-radius:2px;margin-left:.5rem;
vertical-align:middle}
.word mark{background:#ffd9a8;color:#3a2000;border-radius:3px;padding:0 .05em}
.word .scroll{margin:0}.word svg,.word img{display:block;max-width:none}
.word img{image-rendering:pixelated}
@media(prefers-color-scheme:dark){.word mark{background:#6a4310;color:#ffe9cc}}
</style>
)css";

std::string shown(char32_t c) {
  if (c == kNoCharacter) return "(nothing)";
  return c == U' ' ? "(space)" : encode_utf8(c);
}

std::string percent(double share) { return io::format_number(100 * share, 2); }

/// One side of an alignment, with what the other side has otherwise marked.
std::string marked(const TextAlignment& alignment, char32_t EditStep::*side) {
  std::string html;
  for (const EditStep& step : alignment.steps) {
    if (step.*side == kNoCharacter) continue;
    const std::string c = io::escape(encode_utf8(step.*side));
    html += step.reference == step.hypothesis ? c : "<mark>" + c + "</mark>";
  }
  return html.empty() ? "(nothing)" : html;
}

std::string line(const char* name, const std::string& html, const char* color) {
  const std::string key =
      color != nullptr ? message("<i style=\"background:", color, "\"></i>") : std::string();
  return message("<dt>", name, key, "</dt><dd>", html, "</dd>");
}

std::string number_line(const Spelling& s, const char* what, const char* color) {
  return line(what,
              message("F = ", io::format_number(s.energy, 2), ", probability ",
                      io::format_short(s.probability, 3)),
              color);
}

}  // namespace

io::Table confusion_table(const Evaluation& evaluation, int most) {
  io::Table table;
  table.header = {"written", "read", "times"};
  for (int i = 0; i < std::min<int>(most, int(evaluation.confusions.size())); ++i) {
    const Confusion& c = evaluation.confusions[std::size_t(i)];
    table.rows.push_back({shown(c.reference), shown(c.hypothesis), std::to_string(c.count)});
  }
  return table;
}

void add_word_style(io::HtmlPage& page) { page.raw_html(kStyle); }

void add_word_block(io::HtmlPage& page, const ShownWord& word, const Recognizer* recognizer) {
  const io::Gray8& image = word.image;
  const TextAlignment alignment =
      align_texts(decode_utf8(word.pair.reference), decode_utf8(word.pair.hypothesis));
  std::string html = "<div class=\"word\"><dl>" + line("file", io::escape(word.name), nullptr);
  html += line("written",
               "<span class=\"t\">" + marked(alignment, &EditStep::reference) + "</span>", nullptr);
  html += line("read", "<span class=\"t\">" + marked(alignment, &EditStep::hypothesis) + "</span>",
               nullptr);
  if (word.confidence) html += line("confidence", percent(*word.confidence) + " %", nullptr);
  if (recognizer == nullptr) {
    const io::Gray8 small = shrunk(image, 96);
    html += message("</dl><div class=\"scroll\"><img alt=\"", io::escape(word.pair.reference),
                    "\" width=\"", small.width * std::max(1, 64 / small.height), "\" src=\"",
                    io::png_data_uri(io::encode_png(small)), "\"></div></div>\n");
    page.raw_html(html);
    return;
  }
  const WordView view(*recognizer, image);
  const auto written = view.spell(word.pair.reference), read = view.spell(word.pair.hypothesis);
  std::vector<DrawnPath> paths;
  if (written) {
    html += number_line(*written, "path of what is written", kWrittenColor);
    paths.push_back({&*written, kWrittenColor});
  } else {
    html += line("path of what is written",
                 "none: the model has no such letters, or too few windows", nullptr);
  }
  if (read) {
    html += number_line(*read, "path of what was read", kReadColor);
    paths.push_back({&*read, kReadColor});
  }
  html += message("</dl><div class=\"scroll\">",
                  word_figure(view, paths, "Energies of '" + word.pair.reference + "'"),
                  "</div></div>\n");
  page.raw_html(html);
}

}  // namespace talweg::ocr

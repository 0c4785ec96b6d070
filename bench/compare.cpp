#include "bench/compare.h"

#include <charconv>
#include <cstdio>
#include <map>

#include "bench/report.h"
#include "core/error.h"
#include "core/io/file.h"
#include "core/io/text.h"

namespace talweg::bench {
namespace {

Comparison compare_rows(const RowRecord& a, const RowRecord& b, double threshold) {
  Comparison c = {.name = b.name(), .verdict = Verdict::same, .ratio = {}};
  if (!a.ok() || !b.ok()) {
    c.verdict = a.ok() ? Verdict::broke : b.ok() ? Verdict::mended : Verdict::no_number;
    return c;
  }
  c.ratio = speedup({b.samples}, {a.samples});
  // The two runs did not share their disturbances, which an interval over turns cannot know. What
  // really became slower is slower at its best, too.
  const double best = b.summary().min / a.summary().min;
  const double high = 1 + threshold, low = 1 / high;
  if (c.ratio.value > high && c.ratio.low > 1 && best > high) c.verdict = Verdict::slower;
  if (c.ratio.value < low && c.ratio.high < 1 && best < low) c.verdict = Verdict::faster;
  return c;
}

const char* word(Verdict verdict) {
  switch (verdict) {
    case Verdict::same:
      return "";
    case Verdict::faster:
      return "faster";
    case Verdict::slower:
      return "SLOWER";
    case Verdict::broke:
      return "BROKE";
    case Verdict::mended:
      return "mended";
    case Verdict::no_number:
      return "no number in either";
  }
  return "";
}

std::string line(const Comparison& c) {
  char text[256];
  if (c.ratio.value > 0) {
    std::snprintf(text, sizeof text, "%-84s %.3f [%.3f, %.3f] %s\n", c.name.c_str(), c.ratio.value,
                  c.ratio.low, c.ratio.high, word(c.verdict));
  } else {
    std::snprintf(text, sizeof text, "%-84s %s\n", c.name.c_str(), word(c.verdict));
  }
  return text;
}

}  // namespace

std::vector<Comparison> compare(const RunRecord& a, const RunRecord& b, double threshold) {
  std::map<std::string, const RowRecord*> before;
  for (const RowRecord& row : a.rows) before[row.name()] = &row;
  std::vector<Comparison> out;
  for (const RowRecord& row : b.rows) {
    const auto found = before.find(row.name());
    if (found != before.end()) out.push_back(compare_rows(*found->second, row, threshold));
  }
  return out;
}

std::string difference(const RunRecord& a, const RunRecord& b) {
  const auto differ = [](const char* what, const std::string& x, const std::string& y) {
    return x == y ? "" : message("their ", what, " differ, '", x, "' and '", y, "'");
  };
  std::string text = differ("processors", a.machine.cpu, b.machine.cpu);
  if (text.empty()) text = differ("instruction sets", a.machine.isas, b.machine.isas);
  if (text.empty() && a.machine.processors != b.machine.processors) {
    text = message("they may use ", a.machine.processors, " and ", b.machine.processors,
                   " processors");
  }
  const auto cold = [](const RunRecord& r) {
    const auto found = r.settings.find("cold");
    return found == r.settings.end() ? std::string("none") : found->second;
  };
  return text.empty() ? differ("caches' states", cold(a), cold(b)) : text;
}

double parse_threshold(const std::string& text) {
  double value = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const std::string rest(end, text.data() + text.size());
  const bool percent = rest == "%" || rest == " %";
  expect(error == std::errc() && (rest.empty() || percent) && value >= 0 && value < 1000,
         "[compare] the threshold '", text, "' must be like 3% or 0.03");
  return percent || value >= 1 ? value / 100 : value;
}

Outcome compare_files(const std::string& a_name, const std::string& b_name,
                      const std::string& threshold_text, bool across_machines) {
  Outcome out;
  const double threshold = parse_threshold(threshold_text);
  const RunRecord a = parse_json(a_name, io::read_file(a_name));
  const RunRecord b = parse_json(b_name, io::read_file(b_name));
  if (const std::string reason = difference(a, b); !reason.empty()) {
    out.notes = message(
        a_name, " and ", b_name, " cannot be compared: ", reason,
        across_machines ? " (going on as asked)\n" : "; --across-machines does it anyway\n");
    if (!across_machines) {
      out.code = 2;
      return out;
    }
  }
  const std::vector<Comparison> rows = compare(a, b, threshold);
  expect(!rows.empty(), "[compare] ", a_name, " and ", b_name,
         " have no row in common; run both with the same filter");
  for (const auto& [run, name] : {std::pair{&a, a_name}, std::pair{&b, b_name}}) {
    if (!run->noisy()) continue;
    out.notes += message(name, " was noisy: its ceilings drifted by ",
                         io::format_number(100 * run->drift().amount, 1), " %\n");
  }
  out.text = message("time in ", b_name, " (commit ", b.machine.commit, ") over time in ", a_name,
                     " (commit ", a.machine.commit, "), [95 %]\n");
  std::map<Verdict, int> count;
  for (const Comparison& c : rows) {
    out.text += line(c);
    ++count[c.verdict];
  }
  const int regressions = count[Verdict::slower] + count[Verdict::broke];
  out.text +=
      message(rows.size(), " rows in both: ", regressions, " slower or broken, ",
              count[Verdict::faster] + count[Verdict::mended], " faster or mended (threshold ",
              io::format_number(100 * threshold, 2), " %)\n");
  out.code = regressions > 0 ? 1 : 0;
  return out;
}

}  // namespace talweg::bench

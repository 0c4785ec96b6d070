#include "ocr/letter_spans.h"

#include <algorithm>

namespace talweg::ocr {
namespace {

constexpr double kInner = 0.2;     // share of a letter's columns at either side that says nothing
constexpr double kOutside = 0.25;  // windows

/// The columns of letter k; of a blank, those between its neighbours.
Columns columns_of(std::span<const Columns> spans, std::size_t k) {
  Columns c = spans[k];
  if (c.x1 > c.x0 || k == 0 || k + 1 == spans.size()) return c;
  c = {spans[k - 1].x1, spans[k + 1].x0};
  return c.x1 > c.x0 ? c : spans[k];
}

void measured_symbols(std::span<const int32_t> word, std::span<const Columns> spans,
                      int32_t between, double stride, std::vector<int32_t>& symbols) {
  const auto windows = int(symbols.size());
  const auto at = [&](double x) { return std::clamp(int(x / stride), 0, windows - 1); };
  const auto middle = [&](int i) { return (i + 0.5) * stride; };
  std::ranges::fill(symbols, between);
  for (std::size_t k = 0; k < word.size(); ++k) {  // near a letter, nothing is sure
    const Columns c = columns_of(spans, k);
    for (int i = at(c.x0 - stride); i <= at(c.x1 + stride); ++i) {
      if (middle(i) > c.x0 - kOutside * stride && middle(i) < c.x1 + kOutside * stride) {
        symbols[i] = -1;
      }
    }
  }
  const auto inside = [&](std::size_t k, int i) {
    const Columns c = columns_of(spans, k);
    return c.x0 <= middle(i) && middle(i) < c.x1;
  };
  for (std::size_t k = 0; k < word.size(); ++k) {
    const Columns c = columns_of(spans, k);
    const double margin = kInner * (c.x1 - c.x0);
    for (int i = at(c.x0); i <= at(c.x1); ++i) {
      if (middle(i) < c.x0 + margin || middle(i) > c.x1 - margin) continue;
      const bool shared = (k > 0 && inside(k - 1, i)) || (k + 1 < word.size() && inside(k + 1, i));
      symbols[i] = shared ? -1 : word[k];
    }
  }
  for (std::size_t k = 0; k < word.size(); ++k) {
    const Columns c = columns_of(spans, k);
    if (c.x1 > c.x0) symbols[at((c.x0 + c.x1) / 2)] = word[k];
  }
}

}  // namespace

void add_even_spans(LetterSpans& spans, int letters, double x0, double x1) {
  const double pitch = (x1 - x0) / letters;
  for (int k = 0; k < letters; ++k) {
    spans.columns.push_back({x0 + k * pitch, x0 + (k + 1) * pitch});
  }
}

void sure_symbols(std::span<const int32_t> word, std::span<const Columns> spans, bool measured,
                  int32_t between, int windows, double stride, std::vector<int32_t>& symbols) {
  symbols.assign(std::size_t(windows), -1);
  if (word.empty() || windows == 0) return;
  if (measured) return measured_symbols(word, spans, between, stride, symbols);
  for (int i = 0; i < windows; ++i) {
    if (i * stride >= spans.back().x1) symbols[i] = between;
  }
  for (std::size_t k = 0; k < word.size(); ++k) {
    const int i = int((spans[k].x0 + spans[k].x1) / 2 / stride);
    if (0 <= i && i < windows) symbols[i] = word[k];
  }
}

}  // namespace talweg::ocr

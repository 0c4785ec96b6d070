#include "ocr/fine_tune.h"

#include <algorithm>
#include <vector>

#include "ocr/word_model.h"

namespace talweg::ocr {
namespace {

/// For each symbol of `to` its number in `from`, -1 where `from` lacks it.
std::vector<int32_t> symbols_in(const Alphabet& to, const Alphabet& from) {
  std::vector<int32_t> symbols;
  for (char32_t c : to.letters()) {
    const auto at = from.letters().find(c);
    symbols.push_back(at == std::u32string::npos ? -1 : int32_t(at));
  }
  symbols.push_back(from.between());
  return symbols;
}

/// Rows of the last layer: those of a position's first window for every symbol, then its second's.
void adopt_rows(const nn::Parameter<float>& learned, int64_t its_symbols,
                nn::Parameter<float>& fresh, const std::vector<int32_t>& from) {
  const int64_t symbols = std::ssize(from);
  const int64_t its_rows = learned.value.shape()[0], rows = fresh.value.shape()[0];
  const int64_t per_row = learned.value.size() / its_rows;
  expect(its_rows / its_symbols == rows / symbols && per_row == fresh.value.size() / rows,
         "[fine-tune] ", learned.name, " is ", learned.value.shape(), " in the model and ",
         fresh.value.shape(), " in the new one; both must be of one architecture");
  float* to = fresh.value.data();
  for (int64_t row = 0; row < rows; ++row) {
    const int32_t symbol = from[std::size_t(row % symbols)];
    if (symbol < 0) continue;
    const int64_t its_row = row / symbols * its_symbols + symbol;
    std::copy_n(learned.value.values().begin() + its_row * per_row, per_row, to + row * per_row);
  }
}

}  // namespace

CharsetMode parse_charset_mode(std::string_view name) {
  if (name == "keep") return CharsetMode::keep;
  if (name == "union") return CharsetMode::joint;
  if (name == "new") return CharsetMode::renew;
  throw Error(message("'", name, "' is no charset mode; give keep, union or new"));
}

Alphabet resized(const Alphabet& loaded, CharsetMode mode, std::u32string_view letters) {
  std::u32string added(letters);
  std::sort(added.begin(), added.end());
  added.erase(std::unique(added.begin(), added.end()), added.end());
  if (mode == CharsetMode::renew) return Alphabet(added);
  std::u32string all = loaded.letters();
  if (mode == CharsetMode::joint) {
    for (char32_t c : added) {
      if (!loaded.contains(c)) all += c;
    }
  }
  return Alphabet(all);
}

void adopt(const nn::Parameters<float>& learned, const Alphabet& its_alphabet,
           nn::Parameters<float>& fresh, const Alphabet& alphabet) {
  const std::vector<int32_t> from = symbols_in(alphabet, its_alphabet);
  for (const nn::Parameter<float>& its : learned) {
    const int id = fresh.find(its.name);
    expect(id >= 0, "[fine-tune] the model holds a tensor ", its.name, ", the new one does not; ",
           "both must be of one architecture, or the new one's extend the model's");
    nn::Parameter<float>& ours = fresh[id];
    if (ours.name.starts_with(kHeadName)) {
      adopt_rows(its, its_alphabet.size(), ours, from);
      continue;
    }
    expect(its.value.shape() == ours.value.shape(), "[fine-tune] ", its.name, " is ",
           its.value.shape(), " in the model and ", ours.value.shape(),
           " in the new one; both must be of one architecture");
    std::ranges::copy(its.value.values(), ours.value.data());
  }
}

}  // namespace talweg::ocr

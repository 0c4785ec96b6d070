#include "ocr/typeface_set.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <map>
#include <set>

#include "core/error.h"
#include "core/io/file.h"
#include "ocr/alphabet.h"
#include "ocr/text.h"

namespace talweg::ocr {
namespace fs = std::filesystem;
namespace {

// Lower-case letters, digits and '*' alone.
std::string plain_name(std::string_view name) {
  std::string plain;
  for (char c : name) {
    if (c >= 'A' && c <= 'Z') c = char(c + ('a' - 'A'));
    if (c != ' ' && c != '-' && c != '_') plain += c;
  }
  return plain;
}

// Where a letter does not fit, the last '*' takes one more; those before it need not change, so that
// at most |pattern| |name| letters are compared.
bool glob(std::string_view pattern, std::string_view name) {
  size_t p = 0, n = 0, star = std::string_view::npos, taken = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      taken = n;
    } else if (p < pattern.size() && pattern[p] == name[n]) {
      ++p, ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++taken;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

std::string folder_of(const std::string& path) { return fs::path(path).parent_path().string(); }

// What patterns are compared with. Folders count with every level below .../truetype and the like.
std::vector<std::string> names_of(const std::string& path, const std::string& family) {
  std::vector<std::string> names{family, fs::path(path).stem().string()};
  for (const fs::path& part : fs::path(path).parent_path()) names.push_back(part.string());
  return names;
}

bool any_matches(const std::string& pattern, const std::vector<std::string>& names) {
  return std::any_of(names.begin(), names.end(),
                     [&](const std::string& name) { return matches(pattern, name); });
}

// The text of each line that has any, comments dropped.
std::vector<TextLine> meaningful_lines(std::string_view bytes) {
  std::vector<TextLine> lines;
  for (TextLine line : lines_of(bytes)) {
    line.text = trim(line.text.substr(0, line.text.find('#')));
    if (!line.text.empty()) lines.push_back(line);
  }
  return lines;
}

struct Loaded {
  std::vector<Typeface> faces;
  std::vector<std::string> refused;
  int forbidden = 0;
};

Loaded load_file(const std::string& path, const TypefaceSetOptions& options) {
  Loaded loaded;
  const auto forbidden = [&](const std::string& family) {
    const std::vector<std::string> names = names_of(path, family);
    return std::any_of(options.never.begin(), options.never.end(),
                       [&](const std::string& pattern) { return any_matches(pattern, names); });
  };
  if (forbidden("")) {
    loaded.forbidden = 1;
    return loaded;
  }
  constexpr int kMostFaces = 256;  // of a collection; a damaged one may claim any number
  int count = 1;
  for (int index = 0; index < count; ++index) {
    try {
      const Font font = Font::load(path, index);
      count = std::min(font.face_count(), kMostFaces);
      if (forbidden(font.family())) {
        ++loaded.forbidden;
      } else {
        loaded.faces.emplace_back(font, options.letters);
      }
    } catch (const IoError& error) {
      loaded.refused.emplace_back(error.what());
    }
  }
  return loaded;
}

// Adds the files that `name` stands for. A list that was read before, as one that names itself, is not
// read again.
void add_font_files(const std::string& name, std::set<std::string>& files,
                    std::set<fs::path>& lists) {
  std::error_code absent;
  if (fs::is_directory(name, absent)) {
    for (std::string& file : fonts_in(name)) files.insert(std::move(file));
  } else if (fs::path(name).extension() == ".txt") {
    if (!lists.insert(fs::weakly_canonical(name, absent)).second) return;
    const std::string bytes = io::read_file(name);
    const std::vector<TextLine> lines = meaningful_lines(bytes);
    if (lines.empty()) throw IoError(message("[font] ", name, " lists no font; write one a line"));
    for (const TextLine& line : lines) add_font_files(std::string(line.text), files, lists);
  } else {
    files.insert(find_font(name));
  }
}

}  // namespace

bool matches(std::string_view pattern, std::string_view name) {
  return glob(plain_name(pattern), plain_name(name));
}

std::u32string reader_letters() { return letters_of_spec(" -~") + U"£é–’“”€"; }

std::vector<std::string> load_patterns(const std::string& path) {
  const std::string bytes = io::read_file(path);
  std::vector<std::string> patterns;
  for (const TextLine& line : meaningful_lines(bytes)) patterns.emplace_back(line.text);
  return patterns;
}

std::vector<TypefaceWeight> load_weights(const std::string& path) {
  const std::string bytes = io::read_file(path);
  std::vector<TypefaceWeight> weights;
  for (const TextLine& line : meaningful_lines(bytes)) {
    const size_t tab = line.text.find('\t');
    const std::string number(tab == std::string_view::npos ? "" : trim(line.text.substr(tab)));
    char* end = nullptr;
    const double weight = std::strtod(number.c_str(), &end);
    if (number.empty() || *end != 0 || !(weight >= 0 && weight < 1e6)) {
      throw IoError(message(path, ":", line.number, ": '", line.text,
                            "' is not a pattern, a tab and a weight of at least 0"));
    }
    weights.push_back({std::string(trim(line.text.substr(0, tab))), weight});
  }
  return weights;
}

std::vector<std::string> font_files_of(const std::vector<std::string>& names) {
  std::set<std::string> files;
  std::set<fs::path> lists;
  for (const std::string& name : names) add_font_files(name, files, lists);
  return {files.begin(), files.end()};
}

TypefaceSet::TypefaceSet(const std::vector<std::string>& files, const TypefaceSetOptions& options) {
  std::vector<Loaded> loaded(files.size());
  std::exception_ptr failure;
#pragma omp parallel for schedule(dynamic)
  for (int64_t i = 0; i < int64_t(files.size()); ++i) {
    try {
      loaded[size_t(i)] = load_file(files[size_t(i)], options);
    } catch (...) {
#pragma omp critical
      failure = std::current_exception();
    }
  }
  if (failure) std::rethrow_exception(failure);

  std::vector<size_t> order(files.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return std::pair(folder_of(files[a]), files[a]) < std::pair(folder_of(files[b]), files[b]);
  });
  std::set<std::string> names;
  std::set<uint64_t> prints;
  for (size_t i : order) {
    for (Typeface& face : loaded[i].faces) {
      const bool is_new = prints.insert(face.fingerprint()).second;
      if (names.insert(plain_name(face.name())).second && is_new) {
        faces_.push_back(std::move(face));
      } else {
        ++doubles_;
      }
    }
    refused_.insert(refused_.end(), loaded[i].refused.begin(), loaded[i].refused.end());
    forbidden_ += loaded[i].forbidden;
  }
  if (faces_.empty()) {
    throw IoError(message("[font] none of ", files.size(), " font files can be used",
                          refused_.empty() ? std::string() : "; the first: " + refused_.front()));
  }
  set_shares(options.weights);
}

void TypefaceSet::set_shares(const std::vector<TypefaceWeight>& weights) {
  std::map<std::string, int> in_folder;
  for (const Typeface& face : faces_) ++in_folder[folder_of(face.path())];
  double sum = 0;
  for (const Typeface& face : faces_) {
    const std::vector<std::string> names = names_of(face.path(), face.family());
    const auto found = std::find_if(weights.begin(), weights.end(), [&](const TypefaceWeight& w) {
      return any_matches(w.pattern, names);
    });
    const double weight = found == weights.end() ? 1 : found->weight;
    shares_.push_back(weight / std::sqrt(double(in_folder[folder_of(face.path())])));
    sum += shares_.back();
  }
  expect(sum > 0, "[font] every face has weight 0; raise one");
  double all = 0, fixed = 0;
  for (size_t i = 0; i < shares_.size(); ++i) {
    shares_[i] /= sum;
    until_.push_back(all += shares_[i]);
    until_fixed_.push_back(fixed += faces_[i].fixed_pitch() ? shares_[i] : 0);
  }
}

const Typeface* TypefaceSet::draw(std::u32string_view text, Rng& rng, bool fixed_pitch) const {
  constexpr int kTries = 64;
  const std::vector<double>& until = fixed_pitch && until_fixed_.back() > 0 ? until_fixed_ : until_;
  for (int i = 0; i < kTries; ++i) {
    const auto at = std::upper_bound(until.begin(), until.end(), rng.uniform() * until.back());
    const Typeface& face = faces_[std::min(size_t(at - until.begin()), faces_.size() - 1)];
    if (face.covers(text)) return &face;
  }
  return nullptr;
}

uint64_t TypefaceSet::fingerprint() const {
  uint64_t hash = 14695981039346656037u;
  for (const Typeface& face : faces_) hash = (hash ^ face.fingerprint()) * 1099511628211u;
  return hash;
}

}  // namespace talweg::ocr

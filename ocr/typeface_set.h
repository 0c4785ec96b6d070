// A library of typefaces to draw words with, in which no family outweighs the others.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/rng.h"
#include "ocr/typeface.h"

namespace talweg::ocr {

/// Whether `name` is what `pattern` says, letter case, blanks, '-' and '_' left out of account; '*'
/// stands for any run of characters. "roboto*" matches "Roboto Slab", "play" matches only "Play".
bool matches(std::string_view pattern, std::string_view name);

/// How much more, or less, words are drawn in faces whose folder or family matches.
struct TypefaceWeight {
  std::string pattern;
  double weight = 1;
};

struct TypefaceSetOptions {
  std::u32string letters;  ///< to draw
  /// Patterns; a face is not used if one matches its folder's name, its family or its file's stem.
  std::vector<std::string> never;
  std::vector<TypefaceWeight> weights;  ///< the first that matches counts
};

/// Printable ASCII, and £ é – ’ “ ” €: what a reader of Latin print should know.
std::u32string reader_letters();

/// One pattern a line; what follows '#' is a comment. Throws IoError if it can't be read.
std::vector<std::string> load_patterns(const std::string& path);
/// `pattern<TAB>weight` a line, comments as above. Throws IoError, naming the line, where a weight
/// is no number of at least 0.
std::vector<TypefaceWeight> load_weights(const std::string& path);

/// All font files that `names` stand for: files, folders with all below them, and lists of paths
/// (.txt), each once, sorted. Throws IoError where one does not exist or is empty.
std::vector<std::string> font_files_of(const std::vector<std::string>& names);

/// The faces are rasterised at construction, by all threads; then the set is immutable.
class TypefaceSet {
 public:
  /// Faces that can't be used are left out, with reasons: see refused(). A face that is in the set
  /// already, by its name or to the last bit of its letters (the same font as .otf and .ttf), is
  /// left out silently. Throws IoError if no face is left.
  TypefaceSet(const std::vector<std::string>& files, const TypefaceSetOptions& options);

  int size() const { return static_cast<int>(faces_.size()); }
  const Typeface& face(int i) const { return faces_[size_t(i)]; }
  /// The share of words that are drawn in face i, as far as it has their letters.
  double share(int i) const { return shares_[size_t(i)]; }
  /// One sentence a face that was left out.
  const std::vector<std::string>& refused() const { return refused_; }
  /// Faces left out as doubles, and by the list of those never to be used.
  int doubles() const { return doubles_; }
  int forbidden() const { return forbidden_; }

  /// A face with every letter of `text`: drawn by share(), again while letters are missing. Null
  /// where hardly any face, or none, has them all. A folder's share is the mean weight of its faces
  /// times the square root of their number. With `fixed_pitch`, from the faces of fixed pitch if
  /// there are any.
  const Typeface* draw(std::u32string_view text, Rng& rng, bool fixed_pitch = false) const;

  /// A hash of all faces: who resumes a training must find the same.
  uint64_t fingerprint() const;

 private:
  void set_shares(const std::vector<TypefaceWeight>& weights);

  std::vector<Typeface> faces_;  // sorted by folder
  std::vector<double> shares_;
  std::vector<double> until_;        // the sum of the shares up to each face, itself included
  std::vector<double> until_fixed_;  // the same, of faces of fixed pitch alone
  std::vector<std::string> refused_;
  int doubles_ = 0, forbidden_ = 0;
};

}  // namespace talweg::ocr

#include "ocr/typeface_set.h"

#include <doctest/doctest.h>
#include <omp.h>

#include <cmath>
#include <filesystem>
#include <map>

#include "core/error.h"
#include "ocr/alphabet.h"
#include "tests/ocr/scratch_folder.h"

namespace talweg::ocr {
namespace {
namespace fs = std::filesystem;

// Copies faces of Anonymous Pro to places of their own.
struct Library {
  ScratchFolder folder;
  std::string add(const std::string& face, const std::string& to) {
    const fs::path from = fs::path(find_font()).parent_path() / face, path = folder / to;
    fs::create_directories(path.parent_path());
    fs::copy_file(from, path);
    return path.string();
  }
  TypefaceSet open(TypefaceSetOptions options = {}) const {
    options.letters = letters_of_spec(" -~");
    return TypefaceSet(font_files_of({folder.path()}), options);
  }
};

// Three faces in one folder, one in another.
struct ThreeAndOne : Library {
  ThreeAndOne() {
    add("Anonymous Pro.ttf", "three/a.ttf");
    add("Anonymous Pro B.ttf", "three/b.ttf");
    add("Anonymous Pro I.ttf", "three/c.ttf");
    add("Anonymous Pro BI.ttf", "one/d.ttf");
  }
};

std::map<std::string, double> shares_by_folder(const TypefaceSet& set) {
  std::map<std::string, double> shares;
  for (int i = 0; i < set.size(); ++i) {
    shares[fs::path(set.face(i).path()).parent_path().filename().string()] += set.share(i);
  }
  return shares;
}

TEST_CASE("patterns compare names without case, blanks, hyphens and underscores") {
  CHECK(matches("roboto*", "Roboto Slab"));
  CHECK(matches("Fira Code*", "fira-code_retina"));
  CHECK(matches("*hand", "DKG Hand"));
  CHECK(matches("a*b*c", "a-x-b-b-c"));
  CHECK(matches("play", "Play"));
  CHECK_FALSE(matches("play", "Playfair Display"));
  CHECK_FALSE(matches("a*b", "acbd"));
  CHECK_FALSE(matches("", "a"));
  CHECK(matches("***", ""));
  // Tried one by one, the ways to share these letters among the stars would outlast us.
  const std::string many(200, 'a');
  CHECK_FALSE(matches("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", many));
}

TEST_CASE("a folder counts by the root of its faces, times their weight") {
  const ThreeAndOne library;
  const double root = std::sqrt(3.0);
  auto shares = shares_by_folder(library.open());
  CHECK(shares["three"] == doctest::Approx(root / (root + 1)));
  CHECK(shares["one"] == doctest::Approx(1 / (root + 1)));
  shares = shares_by_folder(library.open({.weights = {{"one", 5}, {"*", 2}}}));
  CHECK(shares["one"] == doctest::Approx(5 / (2 * root + 5)));
  CHECK_THROWS_AS(library.open({.weights = {{"*", 0}}}), Error);
}

TEST_CASE("faces are drawn by their shares, and only such as have every letter") {
  const ThreeAndOne library;
  const TypefaceSet set = library.open();
  Rng rng(1);
  constexpr int kDraws = 4000;
  std::map<const Typeface*, int> count;
  for (int i = 0; i < kDraws; ++i) ++count[set.draw(U"abc", rng)];
  for (int i = 0; i < set.size(); ++i) {
    const double p = set.share(i), sigma = std::sqrt(p * (1 - p) / kDraws);
    CHECK(std::abs(double(count[&set.face(i)]) / kDraws - p) < 4 * sigma);
  }
  CHECK(set.draw(U"a\u4e2d", rng) == nullptr);
}

TEST_CASE("faces of fixed pitch are told apart and can be asked for") {
  ThreeAndOne library;
  const auto sans = [] {  // any face whose letters differ in width
    for (const char* name : {"DejaVuSans.ttf", "LiberationSans-Regular.ttf", "FreeSans.ttf"}) {
      try {
        return find_font(name);
      } catch (const IoError&) {
      }
    }
    return std::string();
  }();
  if (sans.empty()) {
    MESSAGE("SKIPPED: no sans serif of DejaVu, Liberation or GNU is installed");
    return;
  }
  fs::copy_file(sans, fs::path(library.folder.path()) / "one" / "sans.ttf");
  const TypefaceSet set = library.open();
  int fixed = 0;
  for (int i = 0; i < set.size(); ++i) fixed += set.face(i).fixed_pitch();
  CHECK(fixed == 4);
  CHECK(set.size() == 5);
  Rng rng(1);
  int proportional = 0;
  for (int i = 0; i < 300; ++i) {
    REQUIRE(set.draw(U"abc", rng, true)->fixed_pitch());
    proportional += !set.draw(U"abc", rng)->fixed_pitch();
  }
  CHECK(proportional > 0);
}

TEST_CASE("the same face from two files counts once, by its name and by its letters") {
  Library library;
  library.add("Anonymous Pro.ttf", "one/a.ttf");
  library.add("Anonymous Pro.ttf", "two/b.ttf");
  const TypefaceSet set = library.open();
  CHECK(set.size() == 1);
  CHECK(set.doubles() == 1);
  CHECK(set.face(0).path().ends_with("one/a.ttf"));
}

TEST_CASE("what must never be used is left out by folder, file or family") {
  const ThreeAndOne library;
  CHECK(library.open({.never = {"three"}}).size() == 1);
  CHECK(library.open({.never = {"d"}}).size() == 3);
  CHECK(library.open({.never = {"d"}}).forbidden() == 1);
  CHECK_THROWS_AS(library.open({.never = {"anonymous*"}}), IoError);
}

TEST_CASE("files that can't be used are named with the reason, and the others used") {
  const ThreeAndOne library;
  library.folder.write("bad.ttf", "no font");
  const TypefaceSet set = library.open();
  CHECK(set.size() == 4);
  REQUIRE(set.refused().size() == 1);
  CHECK(contains(set.refused()[0], "bad.ttf is not a font"));
}

TEST_CASE("a set is the same for any number of threads") {
  const ThreeAndOne library;
  const int before = omp_get_max_threads();
  omp_set_num_threads(1);
  const TypefaceSet one = library.open();
  omp_set_num_threads(3);
  const TypefaceSet three = library.open();
  omp_set_num_threads(before);
  REQUIRE(one.size() == three.size());
  CHECK(one.fingerprint() == three.fingerprint());
  for (int i = 0; i < one.size(); ++i) CHECK(one.face(i).path() == three.face(i).path());
}

TEST_CASE("lists of fonts name files and folders, each file once") {
  const ThreeAndOne library;
  const std::string list = library.folder.write(
      "fonts.txt", "# mine\n" + (library.folder / "one") + "  # all of it\n\n" +
                       (library.folder / "one/d.ttf") + "\n" + (library.folder / "three/a.ttf"));
  CHECK(font_files_of({list}) ==
        std::vector<std::string>{library.folder / "one/d.ttf", library.folder / "three/a.ttf"});
  const std::string empty = library.folder.write("empty.txt", "# nothing\n");
  CHECK(contains(thrown<IoError>([&] { font_files_of({empty}); }), "lists no font"));
  const std::string own =
      library.folder.write("own.txt", list + "\n" + (library.folder / "own.txt") + "\n");
  CHECK(font_files_of({own}) == font_files_of({list}));  // itself once
}

TEST_CASE("files of patterns and weights are read, and a damaged weight named by its line") {
  const ScratchFolder folder;
  CHECK(load_patterns(folder.write("p", "# c\nroboto*\n\n play # d\n")) ==
        std::vector<std::string>{"roboto*", "play"});
  const auto weights = load_weights(folder.write("w", "breip\t3\nnanum pen*\t 0.5 # c\n"));
  REQUIRE(weights.size() == 2);
  CHECK(weights[1].pattern == "nanum pen*");
  CHECK(weights[1].weight == 0.5);
  for (const char* bad : {"a 3", "a\tx", "a\t-1", "a\t1e9", "a\tnan", "a\t"}) {
    const std::string path = folder.write("bad", message("ok\t1\n", bad, "\n"));
    CHECK(contains(thrown<IoError>([&] { load_weights(path); }), "bad:2: "));
  }
}

}  // namespace
}  // namespace talweg::ocr

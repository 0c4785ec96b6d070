#include "ocr/sample_groups.h"

#include <doctest/doctest.h>

#include "core/error.h"
#include "tests/ocr/scratch_folder.h"

namespace talweg::ocr {
namespace {

using Groups = std::vector<std::string>;

/// A list whose images are all there.
Dataset opened(const ScratchFolder& folder, const std::string& lines) {
  for (const char* image : {"a.png", "b.png", "c.png"}) folder.write(image, "");
  return open_dataset(folder.write("list.tsv", lines));
}

TEST_CASE("samples are grouped by a column's number or name") {
  const ScratchFolder folder;
  const std::string body = "b.png\ttwo\tKarla\tsans\na.png\tone\tTinos\tserif\nc.png\tthree\n";
  const Dataset plain = opened(folder, body);
  const SampleGroups by_number = group_samples(plain.samples, "4");
  CHECK(by_number.name == "column 4");
  CHECK(by_number.of == Groups{"serif", "sans", "(none)"});  // samples are sorted by path
  const Dataset headed = opened(folder, "file\ttext\tfont\tcategory\n" + body);
  for (const char* by : {"font", "3"}) {
    const SampleGroups groups = group_samples(headed.samples, by);
    CHECK(groups.name == "font");
    CHECK(groups.of == Groups{"Tinos", "Karla", "(none)"});
  }
}

TEST_CASE("samples are grouped by a table of files") {
  const ScratchFolder folder;
  const Dataset data = opened(folder, "a.png\tone\nb.png\ttwo\nc.png\tthree\n");
  const std::string table =
      folder.write("faces.tsv", "file\ttypeface\nsub/c.png\tTinos\na.png\tKarla\n");
  const SampleGroups groups = group_samples(data.samples, table);
  CHECK(groups.name == "typeface");
  CHECK(groups.of == Groups{"Karla", "(none)", "Tinos"});
}

TEST_CASE("what is no column is refused with what there is") {
  const ScratchFolder folder;
  const Dataset data = opened(folder, "a.png\tone\nb.png\ttwo\n");
  const auto refused = [](const Dataset& d, const char* by) {
    return thrown<IoError>([&] { group_samples(d.samples, by); });
  };
  CHECK(contains(refused(data, "3"), "has 2 columns"));
  CHECK(contains(refused(data, "font"), "no header line"));
  const Dataset headed = opened(folder, "file\ttext\tfont\na.png\tone\tKarla\n");
  CHECK(contains(refused(headed, "style"), "the header line names its columns"));
  CHECK(contains(refused(headed, "2"), "columns from 3 on"));
  folder.write("pairs/a.png", "");
  folder.write("pairs/a.gt.txt", "one");
  CHECK(contains(refused(open_dataset(folder / "pairs"), "3"), "which has no columns"));
}

}  // namespace
}  // namespace talweg::ocr

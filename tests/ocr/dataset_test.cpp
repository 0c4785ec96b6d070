#include "ocr/dataset.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "core/error.h"
#include "core/io/file.h"
#include "tests/ocr/scratch_folder.h"

namespace talweg::ocr {
namespace {

void put_image(const ScratchFolder& folder, std::string_view name, int width = 40) {
  folder.write(name, io::encode_png(io::Gray8(width, 32, 7)));
}

// The message of the one finding of this kind.
std::string finding(const Dataset& dataset, Fault fault) {
  std::string found = "no such finding";
  for (const Finding& f : dataset.findings) {
    if (f.fault == fault) found = f.message;
  }
  return found;
}

std::vector<std::string> texts(const Dataset& dataset) {
  std::vector<std::string> list;
  for (const Sample& sample : dataset.samples) list.push_back(sample.text);
  return list;
}

TEST_CASE("pairs of x.png and x.gt.txt are read in the order of their names") {
  const ScratchFolder folder;
  for (std::string_view name : {"b.png", "a.PNG", "c.jpg"}) put_image(folder, name);
  folder.write("a.gt.txt", "one\r\n");
  folder.write("b.gt.txt", "\xEF\xBB\xBFtwo words");
  folder.write("c.gt.txt", "thr\u00e9e\n\n");
  const Dataset dataset = open_dataset(folder.path());
  CHECK(dataset.format == "x.png + x.gt.txt");
  CHECK(dataset.findings.empty());
  CHECK(texts(dataset) == std::vector<std::string>{"one", "two words", "thr\u00e9e"});
  CHECK(dataset.samples[1].path == folder / "b.png");
  CHECK(dataset.samples[1].where() == (folder / "b.gt.txt") + ":1");
  CHECK(charset_of(dataset.samples) == U" dehnorstw\u00e9");
}

TEST_CASE("every fault of a pair is found and named") {
  const ScratchFolder folder;
  for (std::string_view name : {"alone.png", "blank.png", "latin.png", "two.png", "good.png"}) {
    put_image(folder, name);
  }
  folder.write("blank.gt.txt", " \n");
  folder.write("latin.gt.txt", "caf\xE9");
  folder.write("two.gt.txt", "one\ntwo\n");
  folder.write("good.gt.txt", "good");
  folder.write("lost.gt.txt", "lost");
  const Dataset dataset = open_dataset(folder.path());
  CHECK(texts(dataset) == std::vector<std::string>{"good"});
  CHECK(dataset.findings.size() == 5);
  CHECK(contains(finding(dataset, Fault::kMissingText), "alone.gt.txt is missing"));
  CHECK(contains(finding(dataset, Fault::kMissingImage), "there is no image " + (folder / "lost")));
  CHECK(contains(finding(dataset, Fault::kEmptyLabel), "blank.gt.txt:1: the label of "));
  CHECK(contains(finding(dataset, Fault::kUndecodable), "the UTF-8 character at offset 3"));
  CHECK(contains(finding(dataset, Fault::kBadLine), "two.gt.txt:1: the file holds 2 lines"));
}

TEST_CASE("damaged text is named by line, place and code point") {
  const ScratchFolder folder;
  for (std::string_view name : {"a.png", "b.png", "c.png", "d.png"}) put_image(folder, name);
  folder.write("labels.tsv",
               "a.png\tna\uFFFDve\nb.png\t\uFEFFstart\nc.png\tbell\x07\nd.png\tna\u00efve\n");
  const Dataset dataset = open_dataset(folder.path());
  CHECK(texts(dataset) == std::vector<std::string>{"na\u00efve"});
  REQUIRE(dataset.findings.size() == 3);
  for (const Finding& f : dataset.findings) CHECK(f.fault == Fault::kCorruptText);
  CHECK(contains(dataset.findings[0].message, "labels.tsv:1: the label of "));
  CHECK(contains(dataset.findings[0].message, "(U+FFFD) as character 3"));
  CHECK(contains(dataset.findings[1].message, "holds U+FEFF as character 1"));
  CHECK(contains(dataset.findings[2].message, "holds U+0007 as character 5"));
}

TEST_CASE("labels are in Normalization Form C, however they were typed") {
  const ScratchFolder folder;
  for (std::string_view name : {"a.png", "b.png"}) put_image(folder, name);
  folder.write("labels.tsv", "a.png\tcafe\u0301\nb.png\tcaf\u00e9\n");
  const Dataset dataset = open_dataset(folder.path());
  CHECK(texts(dataset) == std::vector<std::string>{"caf\u00e9", "caf\u00e9"});
  CHECK(charset_of(dataset.samples) == U"acf\u00e9");
}

TEST_CASE("a list of image and text is read from the file or its folder, header or not") {
  const ScratchFolder folder;
  for (std::string_view name : {"x/1.png", "2.png", "text.png"}) put_image(folder, name);
  const std::string list =
      folder.write("labels.tsv", "file\ttext\nx/1.png\tone\tsome font\n\n2.png\t two \r\n");
  for (const std::string& path : {list, folder.path()}) {
    const Dataset dataset = open_dataset(path);
    CHECK(dataset.format == "labels.tsv");
    CHECK(dataset.findings.empty());
    CHECK(texts(dataset) == std::vector<std::string>{" two ", "one"});
    CHECK(dataset.samples[1].where() == list + ":2");
  }
  const std::string bare = folder.write("bare.txt", "2.png\ttwo\n");
  CHECK(texts(open_dataset(bare)) == std::vector<std::string>{"two"});
}

TEST_CASE("every fault of a list is found and named with its line") {
  const ScratchFolder folder;
  put_image(folder, "a.png");
  folder.write("labels.tsv",
               "a.png\tok\nno tab\nb.png\tmissing\na.png\tagain\n\tname\n../c.png\tup\n"
               "x/../a.png\tsame\na.png\n");
  const Dataset dataset = open_dataset(folder.path());
  CHECK(texts(dataset) == std::vector<std::string>{"ok"});
  CHECK(dataset.findings.size() == 7);
  CHECK(contains(dataset.findings[0].message, "labels.tsv:2: the line is not of the form"));
  CHECK(contains(finding(dataset, Fault::kMissingImage), "labels.tsv:3: there is no image"));
  CHECK(contains(dataset.findings[2].message, "labels.tsv:4: the image a.png is listed twice"));
  CHECK(contains(finding(dataset, Fault::kOutsideFolder), "labels.tsv:6: the image path ../c.png"));
  CHECK(contains(finding(dataset, Fault::kDuplicate), "labels.tsv:7"));
}

TEST_CASE("paths that leave the list's folder are followed only when allowed") {
  const ScratchFolder folder;
  put_image(folder, "c.png");
  const std::string list =
      folder.write("lists/l.tsv", "../c.png\tup\n" + (folder / "c.png") + "\tabsolute\n");
  CHECK(open_dataset(list).samples.empty());
  folder.write("lists/a/unrelated.txt", "");
  CHECK(open_dataset(folder.write("lists/m.tsv", "a/../../c.png\tdown and up\n")).samples.empty());
  const Dataset allowed = open_dataset(list, {.allow_outside = true});
  CHECK(texts(allowed) == std::vector<std::string>{"up"});
  CHECK(allowed.findings[0].fault == Fault::kDuplicate);
}

TEST_CASE("docTR's labels.json is read, with images beside it or in images/") {
  const ScratchFolder folder;
  put_image(folder, "a.png");
  folder.write("labels.json", R"({"a.png": "caf\u00e9", "b.png": "lost", "c.png": 3})");
  const Dataset dataset = open_dataset(folder.path());
  CHECK(dataset.format == "labels.json");
  CHECK(texts(dataset) == std::vector<std::string>{"caf\u00e9"});
  CHECK(dataset.samples[0].where() == (folder / "labels.json") + ":1");
  CHECK(contains(finding(dataset, Fault::kMissingImage), "b.png"));
  CHECK(contains(finding(dataset, Fault::kBadLine),
                 "the entry is not of the form \"image\": \"text\""));
  put_image(folder, "images/b.png");
  CHECK(texts(open_dataset(folder.path())) == std::vector<std::string>{"lost"});
}

TEST_CASE("a faulty entry of labels.json is found by its line, and the others stay") {
  const ScratchFolder folder;
  for (std::string_view name : {"a.png", "b.png", "c.png", "d.png", "e.png", "f.png"}) {
    put_image(folder, name);
  }
  folder.write("labels.json",
               "{\"a.png\": \"bell\x07\",\n \"b.png\": \"caf\xE9\",\n"
               " \"c.png\": \"half \\ud83d\",\n \"d.png\": \"\\ud83d\\ude00\",\n"
               " \"e.png\": [{\"e.png\": \"x\"}, null],\n \"d.png\": \"again\",\n"
               " \"../f.png\": \"up\",\n \"f\\u0000.png\": \"hidden\"\n}\n");
  const Dataset dataset = open_dataset(folder.path());
  CHECK(texts(dataset) == std::vector<std::string>{"\U0001F600"});
  const auto has = [&](const std::string& line, const std::string& what) {
    const std::string start = (folder / "labels.json") + line;
    return std::ranges::any_of(dataset.findings, [&](const Finding& f) {
      return f.message.starts_with(start) && contains(f.message, what);
    });
  };
  CHECK(dataset.findings.size() == 7);
  CHECK(has(":1: ", "holds U+0007 as character 5"));
  CHECK(has(":2: ", "(U+FFFD) as character 4"));
  CHECK(has(":3: ", "(U+FFFD) as character 6"));
  CHECK(has(":5: ", "is not of the form"));
  CHECK(has(":6: ", "is listed twice"));
  CHECK(has(":7: ", "leaves the list's folder"));
  CHECK(has(":8: ", "the name of the image holds U+0000 as byte 2"));
}

TEST_CASE("bytes that are no UTF-8 are found whichever way they are wrong") {
  const ScratchFolder folder;
  const std::pair<const char*, const char*> cases[] = {
      {"a\xFF", "byte 0xFF at offset 1 (character 2) can't start"},
      {"na\xC3\xAFve\xE9", "offset 6 (character 6) needs 3 bytes"},
      {"\xE9t\xE9", "byte 0x74 at offset 1 (character 1) doesn't continue"},
      {"\xE0\x80\xAF", "(character 1) encode U+002F"},        // overlong '/'
      {"x\xED\xA0\x80", "(character 2) encode U+D800"},       // half a surrogate pair
      {"\xF4\x90\x80\x80", "(character 1) encode U+110000"},  // behind the last
      {"a\x01", "holds U+0001 as character 2"},
      {"\xEF\xBB\xBFx", "holds U+FEFF as character 1"},  // a mark that is not at the start
      {"z\xE2\x80\x8B", "holds U+200B as character 2"}};
  put_image(folder, "a.png");
  for (const auto& [text, message] : cases) {
    CAPTURE(message);
    folder.write("labels.tsv", std::string("file\ttext\na.png\t") + text + "\n");
    const Dataset dataset = open_dataset(folder.path());
    REQUIRE(dataset.findings.size() == 1);
    CHECK(dataset.findings[0].message.starts_with((folder / "labels.tsv") + ":2: "));
    CHECK(contains(dataset.findings[0].message, message));
  }
  folder.write("labels.tsv", std::string("a.png\ta\0b\n", 10));
  CHECK(
      contains(finding(open_dataset(folder.path()), Fault::kCorruptText), "U+0000 as character 2"));
}

TEST_CASE("what holds no ground truth is refused in a sentence") {
  const ScratchFolder folder;
  const auto refusal = [](const std::string& path) {
    return thrown<IoError>([&] { open_dataset(path); });
  };
  CHECK(contains(refusal(folder / "none"), "there is no folder or list"));
  CHECK(contains(refusal(folder.path()), "holds no labelled images"));
  put_image(folder, "a.png");
  CHECK(contains(refusal(folder.path()), "holds no labelled images"));
  CHECK(contains(refusal(folder / "a.png"), "is neither a folder nor a list"));
  CHECK(contains(refusal(folder.write("l.json", "{\"a.png\": ")), "l.json is not JSON"));
  CHECK(contains(refusal(folder.write("l.json", "[1]")), "must be one object"));
}

TEST_CASE("labels and images are checked against charset, pictures and the model's windows") {
  const ScratchFolder folder;
  for (std::string_view name : {"a.png", "b.png", "c.png"}) put_image(folder, name);
  folder.write("d.png", "no picture");
  folder.write("labels.tsv", "a.png\tfine\nb.png\tna\u00efve\nc.png\tlengthy\nd.png\tfine\n");
  Dataset dataset = open_dataset(folder.path());
  REQUIRE(dataset.samples.size() == 4);
  const Alphabet alphabet;
  // 40 px wide: 10 windows, so 5 letters at most.
  check_samples(dataset, &alphabet, [](int width) { return width / 4; });
  CHECK(texts(dataset) == std::vector<std::string>{"fine"});
  CHECK(dataset.findings.size() == 3);
  const std::string charset = finding(dataset, Fault::kOutsideCharset);
  CHECK(contains(charset, "labels.tsv:2: the label 'na\u00efve' of "));
  CHECK(contains(charset, "holds '\u00ef' (U+00EF), which the model's charset lacks"));
  CHECK(contains(finding(dataset, Fault::kLabelTooLong),
                 "labels.tsv:3: the label 'lengthy' needs 14 windows, but "));
  CHECK(contains(finding(dataset, Fault::kUnreadableImage), "labels.tsv:4: the image "));
}

TEST_CASE("letters are checked without opening an image") {
  const ScratchFolder folder;
  for (std::string_view name : {"a.png", "b.png"}) folder.write(name, "no picture");
  folder.write("labels.tsv", "a.png\tfine\nb.png\tna\u00efve\n");
  Dataset dataset = open_dataset(folder.path());
  check_letters(dataset, Alphabet());
  CHECK(texts(dataset) == std::vector<std::string>{"fine"});
  CHECK(contains(finding(dataset, Fault::kOutsideCharset), "labels.tsv:2: "));
}

TEST_CASE("without charset and windows only the pictures are checked") {
  const ScratchFolder folder;
  put_image(folder, "a.png", 4);
  folder.write("a.gt.txt", "\u4e2d\u6587 and more");
  Dataset dataset = open_dataset(folder.path());
  check_samples(dataset, nullptr);
  CHECK(dataset.samples.size() == 1);
}

TEST_CASE("written samples and lists read back as they were") {
  const ScratchFolder folder;
  const std::string dir = folder / "new/set";
  io::Gray8 image(36, 32);
  image.at(3, 4) = 255;
  write_sample(dir, "0001", image, "ab");
  write_sample(dir, "0000", image, "c\u00e9");
  CHECK(texts(open_dataset(dir)) == std::vector<std::string>{"c\u00e9", "ab"});
  CHECK(io::load_gray(dir + "/0001.png").pixels == image.pixels);
  write_labels(dir, {{"0001.png", "ab"}, {"0000.png", "c\u00e9"}});
  const Dataset dataset = open_dataset(dir);
  CHECK(dataset.format == "labels.tsv");
  CHECK(texts(dataset) == std::vector<std::string>{"c\u00e9", "ab"});
}

TEST_CASE("samples that would not read back are not written") {
  const ScratchFolder folder;
  const io::Gray8 image(18, 32);
  CHECK_THROWS_AS(write_sample(folder.path(), "a/b", image, "x"), Error);
  CHECK_THROWS_AS(write_sample(folder.path(), "", image, "x"), Error);
  CHECK_THROWS_AS(write_sample(folder.path(), "a", image, ""), Error);
  CHECK_THROWS_AS(write_sample(folder.path(), "a", image, "x\ny"), Error);
  CHECK_THROWS_AS(write_labels(folder.path(), {{"a.png", "x\ty"}}), Error);
  const std::string file = folder.write("file", "");
  CHECK_THROWS_AS(write_sample(file, "a", image, "x"), IoError);
}

}  // namespace
}  // namespace talweg::ocr

// Ground truth: lists of any bytes, as labels.tsv, labels.json and x.gt.txt, give sound samples inside
// the list's folder and findings that name the place, or are refused in a sentence.
#include <algorithm>
#include <filesystem>
#include <set>
#include <string>

#include "core/error.h"
#include "ocr/box_score.h"
#include "ocr/dataset.h"
#include "ocr/predictions.h"
#include "ocr/sample_groups.h"
#include "ocr/text.h"
#include "tests/fuzz/input.h"
#include "tests/ocr/scratch_folder.h"

namespace talweg::ocr {
namespace {

using fuzz::require;

/// Three pictures, one that is none, and one outside the lists' folder.
const ScratchFolder& scratch() {
  static const ScratchFolder& folder = *[] {
    static const ScratchFolder f;
    const std::string picture = io::encode_png(io::Gray8(40, 32, 200));
    for (const char* name : {"a.png", "lists/a.png", "lists/b.png", "lists/sub/c.png"}) {
      f.write(name, picture);
    }
    f.write("lists/none.png", "no picture");
    return &f;
  }();
  return folder;
}

bool is_sound(std::string_view text) {
  return to_nfc(text) == text && std::ranges::none_of(decode_utf8(text), is_corrupt);
}

void check_dataset(const std::string& list, bool outside) {
  Dataset dataset;
  try {
    dataset = open_dataset(list, {outside});
  } catch (const IoError& e) {
    require(std::string_view(e.what()).starts_with("[data] " + list), "a refusal says of what");
    return;
  }
  std::set<std::string> seen;
  for (const Sample& s : dataset.samples) {
    require(is_sound(s.text) && !trim(s.text).empty(), "a sample's text is sound");
    require(seen.insert(s.path).second, "an image is a sample once");
    require(outside || s.path.starts_with(scratch() / "lists/"), "no path leaves the folder");
    require(s.path.find('\0') == std::string::npos, "no path hides another");
  }
  const std::u32string charset = charset_of(dataset.samples);
  const size_t findings = dataset.findings.size(), samples = dataset.samples.size();
  const Alphabet alphabet(U"abc ");
  check_samples(dataset, &alphabet, [](int width) { return width / 4; });
  require(dataset.samples.size() + dataset.findings.size() == samples + findings,
          "a sample is sound, or a finding");
  for (const Finding& f : dataset.findings) {
    require(f.message.starts_with(list + ":"), "a finding says where it is");
    require(
        f.message.find('\0') == std::string::npos && f.message.find('\x1b') == std::string::npos,
        "no finding commands the terminal");
  }
  for (const Sample& s : dataset.samples) {
    require(alphabet.unknown(decode_utf8(s.text)).empty(), "the alphabet spells what is sound");
  }
}

/// Other tables about the same images.
void check_tables(const std::string& table) {
  const auto refuses = [](const auto& read) {
    try {
      read();
    } catch (const IoError&) {
    }
  };
  refuses([&] {
    for (const auto& [file, p] : load_predictions(table)) {
      require(to_nfc(p.text) == p.text, "a prediction is text");
      require(!p.confidence || (0 <= *p.confidence && *p.confidence <= 1), "of some confidence");
    }
  });
  refuses([&] { load_boxes(table); });
  const Sample sample{"lists/a.png", "a", table, 2};
  for (const std::string& by : {table, std::string("3"), std::string("text")}) {
    refuses([&] {
      require(group_samples(std::span(&sample, 1), by).of.size() == 1, "a sample has one group");
    });
  }
}

}  // namespace
}  // namespace talweg::ocr

talweg::fuzz::Corpus talweg::fuzz::corpus() {
  const std::string tsv =
      "file\ttext\tfont\na.png\tabc\tx\r\nsub/c.png\tcaf\u00e9\n../a.png\ta\n/a.png\ta\n"
      "b.png\t \nnone.png\ta\nlost.png\ta\n\nno tab\na.png\tb\nsub/../b.png\taaaaaaaaaaaa\n";
  const std::string json =
      "{\"a.png\": \"abc\",\n \"b.png\": \"\\ud83d\\ude00 \\ud800 \\udfff \\u0007\","
      " \"sub/c.png\": 3, \"none.png\": {\"x\": [1, null, true, 1.5]}, \"../a.png\": \"a\"}";
  Corpus corpus{{'\0' + tsv, '\1' + json, "\2" + std::string("\xEF\xBB\xBF") + "abc\n\n",
                 '\3' + tsv, '\4' + tsv,
                 "\4" + std::string("file\tindex\ttext\tx0\ty0\tx1\ty1\na.png\t0\ta\t1\t2\t3\t4\n"
                                    "a.png\t1\tb\t3\t2\t5\t4\n"),
                 "\4" + std::string("file\ttext\tconfidence\na.png\tabc\t0.5\nb.png\tx\t1\n")},
                1500};
  for (const char* damage : {"a\xFF", "\xC0\xAF", "\xED\xA0\x80", "na\u00efve", "\uFEFF",
                             "\x07\x1b", "\xF4\x90\x80\x80", "\uFFFD", "\u200b", "e\u0301"}) {
    corpus.seeds.push_back(std::string("\0a.png\t", 7) + damage + "\nb.png\tb\n");
    corpus.seeds.push_back(std::string("\1{\"a.png\": \"") + damage + "\"}");
    corpus.seeds.push_back(std::string("\2") + damage);
    corpus.seeds.push_back(std::string(1, '\0') + damage + "\ta\n");
  }
  return corpus;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace talweg;
  using ocr::scratch;
  fuzz::Input in(data, size);
  const int64_t way = in.below(5);
  const std::string_view bytes = in.rest();
  switch (way) {
    case 0:
    case 3:
      ocr::check_dataset(scratch().write("lists/list.tsv", bytes), way == 3);
      break;
    case 1:
      ocr::check_dataset(scratch().write("lists/list.json", bytes), false);
      break;
    case 2: {
      scratch().write("pairs/a.png", "no picture");
      scratch().write("pairs/a.gt.txt", bytes);
      const ocr::Dataset pair = ocr::open_dataset(scratch() / "pairs");
      fuzz::require(pair.samples.size() + pair.findings.size() == 1,
                    "a pair is sound, or found out");
      break;
    }
    default:
      ocr::check_tables(scratch().write("lists/table.tsv", bytes));
  }
  return 0;
}

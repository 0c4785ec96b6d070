#include "ocr/letter_model.h"

#include <doctest/doctest.h>

#include "core/error.h"
#include "tests/ocr/scratch_folder.h"

namespace talweg::ocr {
namespace {

TEST_CASE("a letter model keeps its characters through its file") {
  const LetterModel model = LetterModel::train({"hé", "eh"}, 3);
  CHECK(model.letters() == U"ehé");
  const ScratchFolder folder;
  model.save(folder / "a.lm");
  const LetterModel loaded = LetterModel::load(folder / "a.lm");
  CHECK(loaded.letters() == U"ehé");
  const auto word = loaded.symbols_of(U"hé");
  CHECK(word == std::vector<int32_t>{1, 2});
  CHECK(loaded.ngram().word_cost(word) == model.ngram().word_cost(word));
  CHECK(loaded.ngram().word_cost(word) < model.ngram().word_cost(model.symbols_of(U"éh")));
}

TEST_CASE("an alphabet of another order finds its letters in the model") {
  const LetterModel model = LetterModel::train({"abc"}, 2);
  CHECK(model.symbols_of(Alphabet(U"cza")) == std::vector<int32_t>{2, -1, 0, -1});
}

TEST_CASE("a model of another maker is refused though its file is whole") {
  ebm::LabelList list;
  list.add(std::vector<int32_t>{0, 1});
  const ScratchFolder folder;
  for (const std::string letters : {"ba", "abc", "aa", "a\xff"}) {
    ebm::NgramModel::train(list.view(), 2, 2).save(folder / "b.lm", letters);
    CHECK(contains(thrown<IoError>([&] { LetterModel::load(folder / "b.lm"); }),
                   "was not made by `talweg lm train`"));
  }
  CHECK(contains(thrown<Error>([] { LetterModel::train({}, 2); }), "no words to learn from"));
}

TEST_CASE("a lexicon file is one word a line") {
  const ScratchFolder folder;
  const std::string file = folder.write("words.txt", "\xEF\xBB\xBFhi\r\n\n  ho \nhi");
  const ebm::Lexicon lexicon = load_lexicon(file, Alphabet());
  CHECK(lexicon.size() == 2);
  CHECK(lexicon.alphabet() == 27);
}

TEST_CASE("a lexicon with characters that the model lacks is refused with their lines") {
  const ScratchFolder folder;
  const auto refusal = [&](std::string_view bytes) {
    const std::string file = folder.write("words.txt", bytes);
    return thrown<IoError>([&] { load_lexicon(file, Alphabet()); });
  };
  CHECK(refusal("été\nfine\nétà") ==
        "[lexicon] " + (folder / "words.txt") +
            " has characters that the model doesn't know: 'é' (U+00E9) in line 1, 'à' (U+00E0) in "
            "line 3; leave their words out, or take a model that knows them");
  CHECK(contains(refusal("0123456789ABC"), "'7' (U+0037) in line 1 and 5 more;"));
  CHECK(contains(refusal("\n \n"), "holds no word; write one a line"));
  CHECK(contains(refusal("ok\n\xff"), "words.txt:2: "));
}

}  // namespace
}  // namespace talweg::ocr

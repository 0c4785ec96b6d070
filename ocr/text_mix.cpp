#include "ocr/text_mix.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <utility>

#include "core/error.h"
#include "ocr/text.h"
#include "ocr/text_numbers.h"
#include "ocr/word_source.h"

namespace talweg::ocr {
namespace {

constexpr const char* kSystemWords = "/usr/share/dict/words";
// A text that holds a character that is not wanted is drawn again, this often at most.
constexpr int kTries = 20;

// The most frequent words of English, which are most of any page.
constexpr std::array<std::u32string_view, 147> kCommon = {
    U"the",    U"of",      U"and",    U"to",      U"in",     U"a",       U"is",      U"that",
    U"for",    U"it",      U"as",     U"was",     U"with",   U"be",      U"by",      U"on",
    U"not",    U"he",      U"I",      U"this",    U"are",    U"or",      U"his",     U"from",
    U"at",     U"which",   U"but",    U"have",    U"an",     U"had",     U"they",    U"you",
    U"were",   U"their",   U"one",    U"all",     U"we",     U"can",     U"her",     U"has",
    U"there",  U"been",    U"if",     U"more",    U"when",   U"will",    U"would",   U"who",
    U"so",     U"no",      U"she",    U"other",   U"its",    U"may",     U"these",   U"what",
    U"them",   U"than",    U"some",   U"him",     U"time",   U"into",    U"only",    U"do",
    U"about",  U"then",    U"could",  U"out",     U"up",     U"said",    U"your",    U"like",
    U"now",    U"see",     U"two",    U"go",      U"way",    U"most",    U"use",     U"over",
    U"such",   U"our",     U"man",    U"me",      U"even",   U"made",    U"after",   U"did",
    U"many",   U"before",  U"must",   U"through", U"back",   U"years",   U"where",   U"much",
    U"should", U"well",    U"people", U"down",    U"own",    U"just",    U"because", U"good",
    U"each",   U"those",   U"how",    U"too",     U"little", U"very",    U"make",    U"still",
    U"men",    U"work",    U"long",   U"here",    U"get",    U"both",    U"between", U"life",
    U"being",  U"under",   U"never",  U"day",     U"same",   U"another", U"know",    U"while",
    U"last",   U"might",   U"us",     U"great",   U"old",    U"year",    U"off",     U"come",
    U"since",  U"against", U"came",   U"right",   U"used",   U"take",    U"three",   U"my",
    U"upon",   U"saw",     U"went"};

constexpr std::array<std::u32string_view, 58> kReceipts = {
    U"TOTAL",    U"CASH",     U"CHANGE",  U"QTY",     U"AMOUNT",  U"TAX",      U"INVOICE",
    U"GST",      U"SDN",      U"BHD",     U"SDN BHD", U"RM",      U"SUBTOTAL", U"ITEM",
    U"PRICE",    U"DATE:",    U"TIME",    U"NO.",     U"RECEIPT", U"CASHIER",  U"ROUNDING",
    U"DISCOUNT", U"BALANCE",  U"PAYMENT", U"VISA",    U"TEL:",    U"FAX",      U"JALAN",
    U"TAMAN",    U"SELANGOR", U"KUALA",   U"LUMPUR",  U"JOHOR",   U"BAHRU",    U"THANK",
    U"YOU",      U"PLEASE",   U"GOODS",   U"SOLD",    U"ARE",     U"NOT",      U"TAX INVOICE",
    U"(GST)",    U"ID:",      U"Total:",  U"Cash",    U"Qty",     U"Amount",   U"(RM)",
    U"SR",       U"ZRL",      U"INCL.",   U"Tel",     U"Change",  U"DOCUMENT", U"Thank you",
    U"REF:",     U"UNIT"};

constexpr std::array<std::u32string_view, 48> kAbbreviations = {
    U"U.S.",  U"U.K.", U"Co.",  U"Mr.",   U"Mrs.", U"Dr.",   U"St.",  U"etc.", U"e.g.",  U"i.e.",
    U"Inc.",  U"Ltd.", U"No.",  U"Nos.",  U"vol.", U"p.",    U"pp.",  U"Jr.",  U"Ph.D.", U"a.m.",
    U"p.m.",  U"Ave.", U"vs.",  U"cf.",   U"Fig.", U"Capt.", U"Gen.", U"Col.", U"Lt.",   U"Sgt.",
    U"Prof.", U"Rev.", U"Gov.", U"D.C.",  U"N.Y.", U"S.S.",  U"Esq.", U"Maj.", U"Hon.",  U"Messrs.",
    U"dept.", U"ref.", U"ca.",  U"Bros.", U"M.D.", U"B.C.",  U"Oct.", U"Pvt."};

// What stands around a word, '%' being the word.
constexpr std::array<std::u32string_view, 54> kAround = {
    U"%.",  U"%,",  U"%.",  U"%,",    U"%.",  U"%,",   U"%,",   U"%;",   U"%:",   U"%!",  U"%?",
    U"(%)", U"(%",  U"%)",  U"\"%\"", U"\"%", U"%\"",  U"'%'",  U"'%",   U"%'",   U"%'s", U"%'s",
    U"%'",  U"%-",  U"-%",  U"#%",    U"&%",  U"[%]",  U"%/",   U"%...", U"...%", U"{%}", U"*%",
    U"%*",  U"@%",  U"%_",  U"<%>",   U"%),", U"%.\"", U"%,\"", U"“%”",  U"“%",   U"%”",  U"%’s",
    U"%).", U"%:-", U"*%*", U"_%_",   U"%--", U"$%",   U"%+",   U"=%",   U"%’",   U"– %"};

constexpr std::array<std::u32string_view, 12> kJoints = {U"-", U"-", U"-", U"-",  U"/", U"/",
                                                         U"&", U"'", U".", U"--", U"–", U"_"};

template <size_t N> std::u32string pick(const std::array<std::u32string_view, N>& list, Rng& rng) {
  return std::u32string(list[rng.below(N)]);
}

char32_t upper(char32_t c) {
  return (c >= U'a' && c <= U'z') || (c >= 0xE0 && c <= 0xFE && c != 0xF7) ? c - 32 : c;
}

std::u32string upper(std::u32string text) {
  for (char32_t& c : text) c = upper(c);
  return text;
}

std::u32string capitalised(std::u32string text) {
  if (!text.empty()) text[0] = upper(text[0]);
  return text;
}

std::u32string initials(Rng& rng) {
  std::u32string text;
  for (int i = 1 + int(rng.below(3)); i > 0; --i) text += {U'A' + char32_t(rng.below(26)), U'.'};
  return text;
}

std::u32string around(const std::u32string& word, Rng& rng) {
  std::u32string text;
  for (char32_t c : pick(kAround, rng)) c == U'%' ? text += word : text += c;
  return text;
}

}  // namespace

TextMix::TextMix(const std::vector<std::string>& words, std::u32string letters)
    : letters_(std::move(letters)) {
  std::sort(letters_.begin(), letters_.end());
  for (char32_t c : letters_) {
    if (c != U' ') inked_ += c;
  }
  expect(!inked_.empty(), "[words] texts need at least one letter");
  for (const std::string& word : words) words_.push_back(decode_utf8(word));
}

TextMix TextMix::from_file(const std::string& path, std::u32string letters) {
  std::error_code absent;
  if (path.empty() && !std::filesystem::exists(kSystemWords, absent)) {
    throw IoError(message("[words] there is no list of words at ", kSystemWords,
                          "; install the package wamerican, or name a list"));
  }
  std::vector<std::string> words = load_word_list(path.empty() ? kSystemWords : path);
  // The possessives of every word make up a quarter of the system's list.
  if (path.empty()) std::erase_if(words, [](const std::string& w) { return w.ends_with("'s"); });
  return TextMix(words, std::move(letters));
}

bool TextMix::allowed(std::u32string_view text) const {
  return std::all_of(text.begin(), text.end(), [this](char32_t c) {
    return std::binary_search(letters_.begin(), letters_.end(), c);
  });
}

std::u32string TextMix::random_letters(Rng& rng, int length) const {
  std::u32string text;
  for (int i = 0; i < length; ++i) text += inked_[rng.below(inked_.size())];
  return text;
}

std::u32string TextMix::word(Rng& rng) const {
  const double kind = rng.uniform();
  if (kind < 0.05) return pick(kReceipts, rng);
  if (kind < 0.08) return pick(kAbbreviations, rng);
  if (kind < 0.095) return initials(rng);
  // They stand in small letters more than words of a list do: names and headings are made of others.
  const bool common = words_.empty() || kind < 0.27;
  std::u32string word = common ? pick(kCommon, rng) : words_[rng.below(words_.size())];
  const double form = common && rng.uniform() < 0.6 ? 1 : rng.uniform();
  if (form < 0.2) return upper(std::move(word));
  return form < 0.4 ? capitalised(std::move(word)) : word;
}

std::u32string TextMix::piece(Rng& rng) const {
  const double kind = rng.uniform();
  if (kind < 0.62) {
    std::u32string text = word(rng);
    const double form = rng.uniform();
    if (form < 0.30) return around(text, rng);
    if (form < 0.36) return text + pick(kJoints, rng) + word(rng);
    return text;
  }
  if (kind < 0.81) {
    std::u32string text = random_number_text(rng);
    return rng.uniform() < 0.12 ? around(text, rng) : text;
  }
  if (kind < 0.97) return random_letters(rng, 1 + int(rng.below(12)));
  return random_letters(rng, 1);
}

std::string TextMix::draw(Rng& rng) const {
  constexpr double kLines = 0.06;
  for (int i = 0; i < kTries; ++i) {
    std::u32string text = piece(rng);
    if (rng.uniform() < kLines) {
      for (int more = 1 + int(rng.below(4)); more > 0; --more) text += U" " + piece(rng);
    }
    if (allowed(text)) return encode_utf8(text);
  }
  return encode_utf8(random_letters(rng, 1 + int(rng.below(12))));
}

}  // namespace talweg::ocr

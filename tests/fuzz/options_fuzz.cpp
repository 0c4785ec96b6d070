// Command lines, and the small languages that options speak: refused, helped with, or understood; what
// was understood and is written down again is understood the same.
#include <string>

#include "core/error.h"
#include "ebm/losses/word_losses.h"
#include "ocr/annealing.h"
#include "ocr/cli/program.h"
#include "ocr/cli/train_data.h"
#include "ocr/cli/train_plan.h"
#include "ocr/fine_tune.h"
#include "ocr/text.h"
#include "ocr/word_source.h"
#include "tests/fuzz/input.h"

namespace talweg::ocr::cli {
namespace {

using fuzz::require;

/// A line of arguments, parted by NUL, as a program is handed them.
void check_line(std::string_view line) {
  std::vector<std::string> arguments;
  while (!line.empty()) {
    const size_t end = std::min(line.find('\0'), line.size());
    arguments.emplace_back(line.substr(0, end));
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  const ParsedLine parsed = parse_only(arguments);
  require(parsed.code == -1 || parsed.code == 0 || parsed.code == kMisused, "no other exit code");
  require((parsed.code == -1) == parsed.said.empty(), "whatever is refused is told why");
}

void check_architecture(const std::string& text) {
  const Architecture a = Architecture::parse(text);
  require(Architecture::parse(a.to_string()) == a, "an architecture is written as it was read");
  constexpr int64_t kSmall = 1 << 16;
  const int64_t count = parameter_count(a, 3);
  require(count > 0 && a.windows(1000) >= 0 && a.window_stride() > 0, "a network has parameters");
  if (count > kSmall) return;
  int64_t made = 0;
  for (const auto& p : make_blank_network(a, 3).parameters) made += p.value.size();
  require(made == count, "parameters are counted as they are made");
}

void check_letters(const std::string& text) {
  const std::u32string letters = letters_of_spec(text);
  const Alphabet alphabet(letters);
  require(Alphabet::from_string(alphabet.to_string()).letters() == letters,
          "an alphabet is written as it was read");
}

void check_words(const std::string& text) {
  const RandomWords words = parse_random_words(text);
  Rng rng(1);
  const auto length = std::ssize(decode_utf8(random_word(words, rng)));
  require(words.min_length <= length && length <= words.max_length, "a word has the length asked");
}

void check_beta(const std::string& text) {
  const BetaSchedule beta = BetaSchedule::parse(text);
  require(BetaSchedule::parse(beta.to_string()) == beta, "a schedule is written as it was read");
  require(beta.at(0, 10) > 0 && beta.at(9, 10) > 0, "temperatures are above 0");
}

void check_spec(const std::string& text) {
  const std::string once = DataSpec::from_json(text).to_json();
  require(DataSpec::from_json(once).to_json() == once, "a description is written as it was read");
}

using Check = void (*)(const std::string&);
constexpr Check kChecks[] = {
    check_architecture,
    check_letters,
    check_words,
    check_beta,
    check_spec,
    [](const std::string& text) { require(parse_time(text) > 0, "a time is above 0"); },
    [](const std::string& text) { ebm::parse_word_loss(text); },
    [](const std::string& text) { ebm::parse_topology(text); },
    [](const std::string& text) { parse_charset_mode(text); },
    [](const std::string& text) { parse_conv_algo(text); },
    [](const std::string& text) { parse_degradation_level(text); }};

std::string line_of(std::initializer_list<const char*> arguments) {
  std::string line(1, '\xFF');
  for (const char* a : arguments) (line += a) += '\0';
  return line;
}

}  // namespace
}  // namespace talweg::ocr::cli

talweg::fuzz::Corpus talweg::fuzz::corpus() {
  using ocr::cli::line_of;
  Corpus corpus{{line_of({"demo", "--out", "x", "--threads", "2", "--seed", "7", "--quiet"}),
                 line_of({"render", "--random", "a-z:1-8", "--count", "3", "--out", "x"}),
                 line_of({"data", "check", "words", "--charset", "a-z", "--topology", "ctc"}),
                 line_of({"data", "split", "words", "--val-share", "0.1", "--outside"}),
                 line_of({"train", "-o", "m", "-t", "w", "-p", "0.9", "--beta", "0.3:inf", "--loss",
                          "hinge", "--margin", "2", "--steps", "9", "--bad-gt", "skip"}),
                 line_of({"train", "--font-dir", "a", "b", "--time=10m", "--lr", "1e-3", "-om"}),
                 line_of({"read", "-m", "m", "-f", "tsv", "--alternatives", "3", "--lexicon", "l",
                          "--allow", "a-z", "--min-confidence", "0.5", "a.png", "-"}),
                 line_of({"eval", "-e", "w", "--pred", "p", "--by", "3", "--html", "x", "--json"}),
                 line_of({"explore", "a.png", "--text", "x"}),
                 line_of({"align", "a.png", "--text", "hello", "-o", "p.png"}),
                 line_of({"inspect", "m", "--json"}),
                 line_of({"memory", "--help"}),
                 line_of({"lm", "train", "w", "-o", "l", "--order", "5"}),
                 line_of({"lm", "inspect", "l", "--word", "x"}),
                 line_of({"lab", "--help"}),
                 line_of({"ops", "conv2d"}),
                 line_of({"check"}),
                 line_of({"man"}),
                 line_of({"tape", "-e", "y = w*x", "--set", "w=2,x=3", "--order", "2", "--text"}),
                 line_of({"completion", "bash"}),
                 line_of({"--help"}),
                 line_of({"none"})},
                3000};
  const ocr::cli::DataSpec spec;
  const std::string texts[] = {"net/16p-32p-64v-96-c128-w4d2-r8d64/x2",
                               "a-zA-Z\u00e9-\u00ff",
                               "a-z:1-8",
                               "0.3:inf",
                               spec.to_json(),
                               "1.5h",
                               "nll",
                               "margins",
                               "union",
                               "wino4",
                               "scan"};
  for (char k = 0; size_t(k) < std::size(texts); ++k) {
    corpus.seeds.push_back(std::string(1, k) + texts[size_t(k)]);
  }
  return corpus;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace talweg;
  fuzz::Input in(data, size);
  const size_t way = in.byte();
  if (way >= std::size(ocr::cli::kChecks)) {
    ocr::cli::check_line(in.rest());
    return 0;
  }
  try {
    ocr::cli::kChecks[way](std::string(in.rest()));
  } catch (const Error&) {
  } catch (const IoError&) {
  }
  return 0;
}

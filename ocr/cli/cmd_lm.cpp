// talweg lm: learns which letters follow which from a list of words, and shows what it learnt.
#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "core/io/text.h"
#include "ocr/cli/command.h"
#include "ocr/letter_model.h"
#include "ocr/text.h"
#include "ocr/word_source.h"

namespace talweg::ocr::cli {

namespace {

constexpr int kDefaultOrder = 5;

std::string grouped(int64_t n) { return io::format_grouped(static_cast<uint64_t>(n)); }

/// Bits a letter, the end of the word counted as one.
double bits_per_letter(double cost, size_t letters) {
  return cost / std::log(2.0) / static_cast<double>(letters + 1);
}

void run_train(const std::string& words, const std::string& out, int order, bool quiet) {
  require_writable_for(out);
  const std::vector<std::string> list = load_word_list(words);
  const LetterModel model = LetterModel::train(list, order);
  model.save(out);
  if (quiet) return;
  std::fprintf(stderr, "%s: order %d from %s words, %zu letters, %s bytes\n", out.c_str(), order,
               grouped(model.ngram().words()).c_str(), model.letters().size(),
               grouped(static_cast<int64_t>(std::filesystem::file_size(out))).c_str());
}

void print_word(const LetterModel& model, const std::string& word) {
  const std::u32string text = decode_utf8(to_nfc(word));
  const std::vector<int32_t> symbols = model.symbols_of(text);
  const ebm::NgramModel& ngram = model.ngram();
  std::printf("letter\tprobability\n");
  ebm::NgramModel::State state = ngram.start();
  double cost = 0;
  for (size_t k = 0; k < text.size(); ++k) {
    const double c = ngram.cost(state, symbols[k]);
    std::printf("%s\t%s%s\n", encode_utf8(text[k]).c_str(), io::format_short(std::exp(-c)).c_str(),
                symbols[k] == ebm::NgramModel::kUnknown ? "\tnever seen" : "");
    state = ngram.next(state, symbols[k]);
    cost += c;
  }
  const double end = ngram.end_cost(state);
  std::printf("end\t%s\n\n%s\t%s nats, %s bits a letter\n",
              io::format_short(std::exp(-end)).c_str(), word.c_str(),
              io::format_number(cost + end, 4).c_str(),
              io::format_number(bits_per_letter(cost + end, text.size()), 3).c_str());
}

void run_inspect(const std::string& path, const std::string& word) {
  const LetterModel model = LetterModel::load(path);
  if (!word.empty()) return print_word(model, word);
  const ebm::NgramModel& ngram = model.ngram();
  std::printf("%s\norder      %d\nwords      %s\nletters    %zu: %s\n", path.c_str(), ngram.order(),
              grouped(ngram.words()).c_str(), model.letters().size(),
              encode_utf8(model.letters()).c_str());
  for (int n = 1; n <= ngram.order(); ++n) {
    std::printf("%d-grams    %s\n", n, grouped(ngram.count(n)).c_str());
  }
  std::printf("memory     %s bytes\n", grouped(ngram.bytes()).c_str());
}

}  // namespace

void add_lm(CLI::App& app, const Settings& settings) {
  struct Arguments {
    std::string words, out, model, word;
    int order = kDefaultOrder;
  };
  auto a = std::make_shared<Arguments>();
  CLI::App* command = app.add_subcommand("lm", "Learns or shows a letter model of words");
  command->require_subcommand(1);
  CLI::App* train = command->add_subcommand("train", "Learns a letter model from a list of words");
  train->add_option("words", a->words, "UTF-8 file, one word a line")->required();
  train->add_option("-o,--out", a->out, "File the model is written to")->required();
  train->add_option("--order", a->order, "Letters that count together, the next one included")
      ->check(CLI::Range(1, ebm::NgramModel::kMaxOrder))
      ->capture_default_str();
  train->fallthrough();
  train->footer("Example: talweg lm train words.txt -o english.lm");
  train->callback([a, &settings] { run_train(a->words, a->out, a->order, settings.quiet); });
  CLI::App* inspect = command->add_subcommand("inspect", "Shows what a letter model holds");
  inspect->add_option("model", a->model, "File of `talweg lm train`")->required();
  inspect->add_option("--word", a->word, "A word, to see what the model thinks of it");
  inspect->fallthrough();
  inspect->footer("Example: talweg lm inspect english.lm --word hello");
  inspect->callback([a] { run_inspect(a->model, a->word); });
  command->footer("Example: talweg lm train words.txt -o english.lm");
}

}  // namespace talweg::ocr::cli

#include "ocr/demo_report.h"

#include "ocr/demo_figures.h"

namespace talweg::ocr {

namespace {

std::string percent(double share, int decimals = 2) {
  return io::format_number(100 * share, decimals);
}

/// "92.9–100", with an en dash.
std::string interval(const Interval& i, int decimals = 2) {
  return percent(i.low, decimals) + "\u2013" + percent(i.high, decimals);
}

/// "hhh_eell_l__": one character a window.
std::string spelled(const ebm::WordReading& reading, const Alphabet& alphabet) {
  std::string s;
  for (int32_t symbol : reading.symbols) s += alphabet.symbol_name(symbol);
  return s;
}

/// The left part of an image: its text, without the long blank end that the canvas has.
io::Gray8 cropped(const io::Gray8& image, int width) {
  io::Gray8 out(std::min(width, image.width), image.height);
  for (int y = 0; y < out.height; ++y) {
    for (int x = 0; x < out.width; ++x) out.at(x, y) = image.at(x, y);
  }
  return out;
}

io::Gray8 plain_image(const ClassicTask& task, const std::string& word) {
  Rng rng(1);  // a plain image draws nothing from it
  return task.render(word, Variant::kPlain, rng);
}

void add_headline(io::HtmlPage& page, const DemoRun& run) {
  io::Table table;
  table.header = {"images", "words", "CER, %", "95 % interval", "exact words, %", "95 % interval"};
  for (std::size_t v = 0; v < kVariants.size(); ++v) {
    const Score& s = run.headline[v].total;
    table.rows.push_back({std::string(variant_name(kVariants[v])), std::to_string(s.words),
                          percent(s.cer(), 3), interval(s.cer_interval), percent(s.exact_rate()),
                          interval(s.exact_interval)});
  }
  table.caption =
      "Fresh random words of 1 to 8 letters, read by the exact decoder; CER is edits per letter.";
  page.section("How well it reads");
  page.table(table);
}

void add_samples(io::HtmlPage& page, const DemoRun& run, const ClassicTask& task) {
  page.section("The task");
  page.paragraph(
      "Random letters in one typeface, 20 px high, drawn without anti-aliasing on 18 x 32 pixels a "
      "letter. Jitter shifts the word by 0 to 7 px; noise sets a tenth of all pixels as well.");
  page.figure_png(
      io::encode_png(sample_sheet(task, {"valley", "energy", "talweg"}, run.options.plan.seed)),
      "The same three words plain, with jitter, and with noise.", 2.4);
}

void add_energies(io::HtmlPage& page, const DemoRun& run, const ClassicTask& task) {
  constexpr int kTextWidth = 300;  // 26 letters of 10.92 px, and a little
  const io::Gray8 strip = cropped(plain_image(task, "abcdefghijklmnopqrstuvwxyz"), kTextWidth);
  page.section("Energies, before and after");
  page.paragraph(
      "A window slides over the image in steps of 4 px. For each window the network gives 27 "
      "energies, one for each letter and one, drawn as _, for BETWEEN: the gap after a letter. "
      "Low energy means that symbol and window go together.");
  page.figure_svg(
      energy_strip(strip, run.before.energies(strip), run.before.alphabet(), "Before training"),
      "Energies of the alphabet under a network drawn at random: nothing to see, the "
      "lowest symbol of each window (dots) is an accident.");
  page.figure_svg(
      energy_strip(strip, run.after.energies(strip), run.after.alphabet(), "After training"),
      "After training the valley runs down the diagonal, letter by letter, with BETWEEN "
      "(bottom row) at every gap.");
}

void add_paths(io::HtmlPage& page, const DemoRun& run, const ClassicTask& task) {
  const AlignedWord word = align_word(run.after, plain_image(task, "valley"), "valley");
  page.section("The lowest path");
  page.paragraph(
      "To score the word 'valley' against an image, its letters are written with a gap after each, "
      "v _ a _ l _ l _ e _ y _, and every window is given to one of these twelve places: the first "
      "to the first, the last to the last, never back, never skipping. Each such path has an "
      "energy, the sum of its cells. The free energy F of the word is that of its best path: the "
      "talweg, the line along the bottom of the valley.");
  page.figure_svg(path_matrix(word),
                  "Each cell is the energy of one place at one window; the best path (pink) stays "
                  "in the dark cells, the bad one (green), just as legal, climbs over the ridges.");
  page.figure_svg(dp_figure(word),
                  "The dynamic programme needs one pass: each cell holds the least energy of any "
                  "path from the top left to it; grey cells lie on no complete path, the best path "
                  "is read backwards from the bottom right.");
}

void add_curves(io::HtmlPage& page, const DemoRun& run) {
  page.section("Learning");
  const TrainingPlan& plan = run.options.plan;
  const bool is_hard = plan.beta == BetaSchedule();
  page.paragraph(message(
      "Stage 1 shows single characters and trains a classifier of windows. Stage 2 shows words: ",
      is_hard
          ? "the aligner finds each word's best path, and the network learns to answer each window "
            "with the symbol that the path gives it. "
          : message("the aligner weighs all paths of each word by exp(-beta E), with beta ",
                    plan.beta.to_string(),
                    ", and the network learns to answer each window with the symbols that they "
                    "give it. "),
      run.timings.training_images, " images in ", run.losses.size(), " steps, none shown twice; ",
      run.parameters, " parameters; labels too long for their image: ", run.infeasible,
      "; topology: ", ebm::to_string(plan.topology), "."));
  page.figure_svg(loss_chart(run),
                  "The loss falls in both stages (running mean of 15 steps); it jumps where words "
                  "replace single characters.");
  page.figure_svg(error_chart(run),
                  "Character errors on fresh words, measured while training: noise takes longest.");
}

void add_lengths(io::HtmlPage& page, const DemoRun& run) {
  page.section("Accuracy by length");
  page.paragraph(
      "Training saw words of at most 8 letters. The reader is convolutional and the aligner has no "
      "length built in, so longer words are read as well; an exact word needs all its letters "
      "right, "
      "so its share falls with length.");
  page.figure_svg(length_chart(run), "Share of words without an error, with 95 % intervals.");
  io::Table table;
  table.header = {"letters"};
  for (Variant v : kVariants) {
    const std::string name(variant_name(v));
    for (const char* what : {": CER %", ": exact % (95 %)"}) table.header.push_back(name + what);
  }
  for (const auto& [length, first] : run.lengths[0].by_length) {
    std::vector<std::string> row{std::to_string(length)};
    for (std::size_t v = 0; v < kVariants.size(); ++v) {
      const Score& s = run.lengths[v].by_length.at(length);
      row.insert(row.end(), {percent(s.cer()), percent(s.exact_rate(), 1) + " (" +
                                                   interval(s.exact_interval, 1) + ")"});
    }
    table.rows.push_back(std::move(row));
  }
  table.caption = message(run.options.words_per_length, " fresh words a length and variant.");
  page.table(table);
}

void add_hello(io::HtmlPage& page, const DemoRun& run, const ClassicTask& task) {
  const io::Gray8 image = plain_image(task, "hello");
  const Recognizer& r = run.after;
  const EnergyMap map = r.energies(image);
  io::Table table;
  table.header = {"way", "read", "energy", "symbol of each window"};
  const auto add = [&](const char* way, const ebm::WordReading& reading) {
    table.rows.push_back({way, r.alphabet().decode(reading.word),
                          io::format_number(reading.energy, 3), spelled(reading, r.alphabet())});
  };
  const ebm::Grammar grammar{r.alphabet().between(), r.topology()};
  add("classic", ebm::greedy_word(map.values.data(), map.windows, map.symbols, grammar));
  add("exact", ebm::least_energy_word(map.values.data(), map.windows, map.symbols, grammar));
  table.caption =
      "Energy is F of the word read, the energy of its best path: the exact way never finds a "
      "higher one.";
  page.section("hello, read both ways");
  page.paragraph(
      "The classic way takes the lowest symbol of every window and then looks for words: under the "
      "topologies classic and margins it cuts at BETWEEN and lets each piece vote. The exact way "
      "finds, among all words of any length, the one whose best path has the "
      "least energy; one pass is enough, because a string of symbols spells one word only.");
  page.figure_svg(
      energy_strip(image, map, r.alphabet(), "hello"),
      "The image of 'hello' and its energies; dots mark the lowest symbol of each window.");
  page.table(table);
}

}  // namespace

io::HtmlPage demo_page(const DemoRun& run, const ClassicTask& task) {
  io::HtmlPage page("Talweg: a reader from nothing",
                    "A network learns to read one typeface by finding, for each word, the "
                    "lowest-energy path between image and text.");
  add_headline(page, run);
  add_samples(page, run, task);
  add_energies(page, run, task);
  add_paths(page, run, task);
  add_curves(page, run);
  add_lengths(page, run);
  add_hello(page, run, task);
  return page;
}

}  // namespace talweg::ocr

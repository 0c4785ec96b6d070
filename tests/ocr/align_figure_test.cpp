#include "ocr/align_figure.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "ocr/classic_task.h"

using namespace talweg;
using namespace talweg::ocr;

namespace {

Recognizer untrained(ebm::Topology topology) {
  const auto small = Architecture::parse("net/4p-4p-4v-4-c4");
  return {small, Alphabet(), make_network(small, 27, Rng(1)).parameters, topology};
}

AlignedWord aligned(ebm::Topology topology, const std::string& text) {
  Rng rng(1);
  return align_word(untrained(topology), ClassicTask::standard().render(text, Variant::kPlain, rng),
                    text);
}

}  // namespace

TEST_CASE("spans are the letters in order, without overlap, in every topology") {
  for (const auto topology : {ebm::Topology::classic, ebm::Topology::margins, ebm::Topology::ctc}) {
    CAPTURE(ebm::to_string(topology));
    const AlignedWord word = aligned(topology, "hello");
    std::string letters;
    double end = 0;
    for (const AlignedSpan& s : spans_of(word)) {
      letters += word.names[std::size_t(s.position)];
      CHECK(s.x0 >= end);
      CHECK(s.x1 > s.x0);
      end = s.x1;
    }
    CHECK(letters == "hello");
  }
}

TEST_CASE("colder paths have more energy, up to the best one; posteriors are sure of each window") {
  const double inf = std::numeric_limits<double>::infinity();
  const AlignedWord word = aligned(ebm::Topology::margins, "cat");
  double before = -inf;
  for (double beta : {0.3, 1.0, 10.0, inf}) {
    const PathsAt at = paths_at(word, beta);
    CHECK(at.energy >= before);
    before = at.energy;
    for (int i = 0; i < word.map.windows; ++i) {
      double sum = 0;
      for (std::size_t j = 0; j < word.label.size(); ++j) {
        sum += at.posterior[std::size_t(i) * word.label.size() + j];
      }
      CHECK(sum == doctest::Approx(1));
    }
  }
  CHECK(before == word.best.energy);
}

TEST_CASE("a figure is a file of its kind, wider for more temperatures, and the same every time") {
  const AlignedWord word = aligned(ebm::Topology::classic, "cat");
  const std::vector<PathsAt> two{paths_at(word, 1), paths_at(word, 10)};
  const std::span one = std::span(two).first(1);
  for (const auto format : {FigureFormat::png, FigureFormat::svg}) {
    const std::string narrow = align_figure(word, Alphabet(), one, format);
    const std::string wide = align_figure(word, Alphabet(), two, format);
    CHECK(narrow == align_figure(word, Alphabet(), one, format));
    CHECK(wide.size() > narrow.size());
    CHECK(narrow.starts_with(format == FigureFormat::png ? "\x89PNG" : "<svg"));
    CHECK((wide.find("\u03b2 = 10") != std::string::npos) == (format == FigureFormat::svg));
  }
}

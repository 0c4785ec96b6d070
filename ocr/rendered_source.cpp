#include "ocr/rendered_source.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "core/error.h"
#include "ocr/degrade.h"
#include "ocr/text.h"
#include "ocr/word_model.h"

namespace talweg::ocr {
namespace {

constexpr int kStepsPerPool = 64;
constexpr double kUsualWidth = 128;  // columns of a word: how many make a pool follows from it

// Streams of a seed: training batches, lists.
enum Stream : uint64_t { kWords, kLists };

// The width at kModelHeight rows of a word with this ink, as degrade() frames it; perspective,
// waves and the like change it a little.
double expected_width(const CharBox& ink, const Degradation& d) {
  constexpr double kLine = Typeface::kFrame;
  const double width = (ink.x1 - ink.x0) * d.shape.stretch;
  const double rise = width * std::abs(d.shape.rotation) / 2;
  double top = ink.y0 - rise, bottom = ink.y1 + rise;
  if (!d.frame.tight) {
    top = std::min(top + kLine * d.frame.top, 0.0);
    bottom = std::max(bottom - kLine * d.frame.bottom, kLine);
  }
  const double height = std::max(bottom - top, 0.35 * kLine) +
                        kLine * std::max(-0.1, double(d.frame.top + d.frame.bottom));
  return kModelHeight * (width + kLine * (d.frame.left + d.frame.right)) / height;
}

// Where the items, sorted by width, are cut so that every part has about the same padded area: the
// ends of the parts, none of which is empty. Found by trying areas. There are at least `parts`
// items.
std::vector<size_t> cuts(const std::vector<double>& widths, int parts) {
  const auto ends_for = [&](double area) {
    std::vector<size_t> ends;
    size_t begin = 0;
    for (size_t i = 0; i < widths.size(); ++i) {
      if (i > begin && widths[i] * double(i + 1 - begin) > area) ends.push_back(begin = i);
    }
    ends.push_back(widths.size());
    return ends;
  };
  double low = 0, high = widths.back() * double(widths.size());
  for (int i = 0; i < 40; ++i) {
    const double middle = (low + high) / 2;
    (ends_for(middle).size() > size_t(parts) ? low : high) = middle;
  }
  std::vector<size_t> ends = ends_for(high);
  while (ends.size() < size_t(parts)) {  // the area jumps: halve the part with the most items
    size_t most = 0, begin = 0, count = 0;
    for (size_t p = 0; p < ends.size(); ++p) {
      const size_t first = p == 0 ? 0 : ends[p - 1];
      if (ends[p] - first > count) most = p, begin = first, count = ends[p] - first;
    }
    ends.insert(ends.begin() + ptrdiff_t(most), begin + count / 2);
  }
  return ends;
}

}  // namespace

RenderedSource::RenderedSource(std::shared_ptr<const TypefaceSet> faces, TextMix texts,
                               Alphabet alphabet, RenderedOptions options)
    : faces_(std::move(faces)),
      texts_(std::move(texts)),
      alphabet_(std::move(alphabet)),
      options_(std::move(options)) {
  const std::u32string unknown = alphabet_.unknown(texts_.letters());
  expect(unknown.empty(), "[render] the texts may hold ", describe_all(unknown),
         ", which the alphabet lacks; give one set of letters for both");
  expect(options_.columns_per_batch >= 1, "[render] a batch has at least one column, asked for ",
         options_.columns_per_batch);
  if (!options_.windows) {
    options_.windows = [architecture = Architecture()](int w) { return architecture.windows(w); };
  }
}

bool RenderedSource::fits(std::u32string_view text, int model_width) const {
  return options_.windows(model_width) >= least_windows(text, options_.topology);
}

RenderedSource::Plan RenderedSource::plan(std::u32string text, Rng rng) const {
  Plan plan;
  plan.degradation = draw_degradation(options_.level, rng);
  plan.face = faces_->draw(text, rng, plan.degradation.fixed_pitch);
  if (plan.face == nullptr) return plan;
  plan.text = std::move(text);
  plan.style = draw_type_style(rng);
  plan.width = expected_width(plan.face->extent(plan.text, plan.style), plan.degradation);
  plan.rng = rng.split(0);
  return plan;
}

RenderedSource::Plan RenderedSource::plan(Rng rng) const {
  constexpr int kTries = 100;
  for (int i = 0; i < kTries; ++i) {
    Plan found = plan(decode_utf8(texts_.draw(rng)), rng.split(uint64_t(i)));
    if (found.face != nullptr) return found;
  }
  throw IoError(message("[render] no typeface has the letters of ", kTries,
                        " texts in a row; add fonts, or ask for fewer letters"));
}

RenderedWord RenderedSource::render(const Plan& plan) const {
  RenderedWord word;
  word.text = encode_utf8(plan.text);
  word.face = plan.face->name();
  word.degradation = plan.degradation;
  Rng rng = plan.rng;
  word.image = degrade(plan.face->set(plan.text, plan.style), plan.degradation, rng, &word.boxes);
  return word;
}

RenderedSource::Made RenderedSource::make(const Plan& first) const {
  constexpr int kTries = 8;
  Plan tried = first;
  for (int i = 0; i < kTries; ++i) {
    Made made{render(tried), {}};
    made.ink = prepare_image(made.word.image);
    if (fits(tried.text, made.ink.width)) return made;
    // Half of the tries keep the text, so that no text is drawn less often than it should.
    const Rng again = first.rng.split(uint64_t(i) + 1);
    tried = 2 * i < kTries ? plan(first.text, again) : plan(again);
    if (tried.face == nullptr) tried = plan(again);
  }
  throw Error(message("[render] '", encode_utf8(first.text), "' and ", kTries / 2,
                      " other texts need more windows than their images have; choose a topology ",
                      "or an architecture with more windows"));
}

RenderedWord RenderedSource::draw(uint64_t seed, int64_t index) const {
  return make(plan(Rng(seed).split(kLists).split(uint64_t(index)))).word;
}

RenderedWord RenderedSource::draw(const std::string& text, uint64_t seed, int64_t index) const {
  const Plan found = plan(decode_utf8(text), Rng(seed).split(kLists).split(uint64_t(index)));
  if (found.face == nullptr) {
    throw IoError(message("[render] hardly any of the ", faces_->size(),
                          " typefaces, or none, has all letters of '", text,
                          "'; add fonts, or leave the text out"));
  }
  return render(found);
}

std::shared_ptr<const RenderedSource::Pool> RenderedSource::pool(int64_t number) const {
  {
    const std::lock_guard lock(mutex_);
    if (last_pool_ && last_pool_->number == number) return last_pool_;
  }
  Rng rng = Rng(options_.seed).split(kWords).split(uint64_t(number));
  const auto count = std::max<int64_t>(
      kStepsPerPool, std::lround(kStepsPerPool / kUsualWidth * options_.columns_per_batch));
  auto pool = std::make_shared<Pool>();
  pool->number = number;
  for (int64_t i = 0; i < count; ++i) pool->plans.push_back(plan(rng.split(uint64_t(i))));
  std::stable_sort(pool->plans.begin(), pool->plans.end(),
                   [](const Plan& a, const Plan& b) { return a.width < b.width; });
  std::vector<double> widths;
  for (const Plan& p : pool->plans) widths.push_back(p.width);
  pool->ends = cuts(widths, kStepsPerPool);
  // The parts come in an order of their own, so that widths don't rise and fall with the steps.
  pool->order.resize(pool->ends.size());
  std::iota(pool->order.begin(), pool->order.end(), size_t{0});
  for (size_t i = pool->order.size(); i > 1; --i) {
    std::swap(pool->order[i - 1], pool->order[rng.below(i)]);
  }
  const std::lock_guard lock(mutex_);
  last_pool_ = pool;
  return pool;
}

void RenderedSource::words(int64_t step, Batch& batch) const {
  const std::shared_ptr<const Pool> words = pool(step / kStepsPerPool);
  const size_t part = words->order[size_t(step % kStepsPerPool)];
  const size_t begin = part == 0 ? 0 : words->ends[part - 1];
  fill(std::span(words->plans).subspan(begin, words->ends[part] - begin), batch);
}

void RenderedSource::fill(std::span<const Plan> plans, Batch& batch) const {
  std::vector<Made> made;
  int width = 0;
  for (const Plan& plan : plans) {
    made.push_back(make(plan));
    width = std::max(width, made.back().ink.width);
  }
  begin_batch(batch, int64_t(made.size()), width);
  batch.spans.measured = true;
  for (const Made& m : made) {
    add_image(batch, m.ink.ink, m.ink.width, m.word.text, alphabet_);
    for (const CharBox& box : m.word.boxes) {
      batch.spans.columns.push_back({box.x0 / m.ink.source_scale, box.x1 / m.ink.source_scale});
    }
  }
}

}  // namespace talweg::ocr

// A Recognizer shared by many threads. Under ThreadSanitizer: cmake --preset tsan, then
// ctest --preset tsan -R shared_recognizer.
#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <sstream>
#include <thread>

#include "core/error.h"
#include "ocr/classic_task.h"
#include "ocr/recognizer.h"
#include "tests/ocr/small_training.h"

using namespace talweg;
using namespace talweg::ocr;

namespace {

constexpr std::size_t kThreads = 16, kRounds = 12;

/// Every number and letter of a reading, in full.
std::string in_full(const Reading& r) {
  std::ostringstream out;
  out.precision(17);
  out << int(r.status) << ' ' << r.text << ' ' << r.energy << ' ' << r.confidence << ' '
      << r.complete;
  for (const CharReading& c : r.characters) {
    out << '\n'
        << c.text << ' ' << c.x0 << ' ' << c.x1 << ' ' << c.y0 << ' ' << c.y1 << ' '
        << c.confidence;
    for (const SymbolChoice& s : c.alternatives) out << ' ' << s.text << ' ' << s.probability;
  }
  for (const WordChoice& w : r.alternatives) {
    out << '\n' << w.text << ' ' << w.energy << ' ' << w.probability;
  }
  return out.str();
}

std::string in_full(const std::vector<Reading>& readings) {
  std::string all;
  for (const Reading& r : readings) all += in_full(r) + "\n\n";
  return all;
}

/// Words of many widths, and pictures with nothing to read.
std::vector<io::Gray8> pictures() {
  const ClassicTask task = ClassicTask::standard();
  std::vector<io::Gray8> images;
  for (const char* word : {"a", "cat", "river", "understanding", "wwwwwwwwwwwwwwwwwwwww"}) {
    Rng rng(1);
    images.push_back(task.render(word, Variant::kNoise, rng));
  }
  images.emplace_back(2, 32, 0);
  images.emplace_back(60, 32, 255);
  return images;
}

Recognizer untouched() {
  const FontSource source = font_source();
  return WordTrainer(small_plan(6, 6), source).recognizer();
}

}  // namespace

TEST_CASE("sixteen threads that share a recognizer read, byte for byte, what one alone reads") {
  const std::vector<io::Gray8> images = pictures();
  DecoderOptions with_others;
  with_others.alternatives = 3;
  const Recognizer alone = untouched();
  std::vector<std::string> single;
  for (const io::Gray8& image : images) single.push_back(in_full(alone.read(image, with_others)));
  const std::string together = in_full(alone.read(images));

  // Untouched until all begin: what it prepares at first use is prepared by sixteen at a time.
  const Recognizer shared = untouched();
  std::atomic<bool> begin = false;
  std::array<int, kThreads> different{};
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      while (!begin) std::this_thread::yield();
      const Recognizer copy = shared;
      for (std::size_t k = 0; k < kRounds; ++k) {
        const std::size_t i = (k + t) % images.size();
        const io::Gray8& image = images[i];
        const io::ImageView view{image.pixels.data(), image.width, image.height};
        switch ((k + t / 2) % 4) {
          case 0:
            different[t] += in_full(shared.read(image, with_others)) != single[i];
            break;
          case 1:
            different[t] += in_full(copy.read(image, with_others)) != single[i];
            break;
          case 2:
            different[t] += in_full(shared.recognize(view, with_others)) != single[i];
            break;
          case 3:
            different[t] += in_full(shared.read(images)) != together;
            break;
        }
      }
    });
  }
  begin = true;
  for (std::thread& thread : threads) thread.join();
  CHECK(different == std::array<int, kThreads>{});
}

TEST_CASE("a thread whose picture can't be read gets an error, and the others their words") {
  const std::vector<io::Gray8> images = pictures();
  const Recognizer shared = untouched();
  const std::string expected = in_full(shared.read(images[1]));
  io::Gray8 broken(40, 32, 0);
  broken.pixels.resize(100);
  std::array<int, kThreads> wrong{};
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (std::size_t k = 0; k < kRounds; ++k) {
        if (t % 2 == 0) {
          wrong[t] += in_full(shared.read(images[1])) != expected;
          continue;
        }
        try {
          shared.read(broken);
          ++wrong[t];
        } catch (const Error&) {  // expected
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == std::array<int, kThreads>{});
}

// The functions of talweg.h: nothing is thrown across them.
#include <cstdlib>
#include <cstring>
#include <new>

#include "ocr/find_model.h"
#include "ocr/recognizer.h"
#include "ocr/talweg.h"

struct talweg_model {
  talweg::ocr::Recognizer recognizer;
};

namespace {

thread_local std::string last_error;

/// Runs `f`; what it throws becomes the thread's error. Returns whether it threw nothing.
template <class F> bool guarded(const F& f) {
  try {
    f();
    return true;
  } catch (const std::bad_alloc&) {
    last_error = "out of memory; read a smaller image, or free some";
  } catch (const std::exception& e) {
    last_error = e.what();
  } catch (...) {
    last_error = "something that is no error of the library was thrown";
  }
  return false;
}

talweg::io::PixelFormat pixel_format(talweg_format format) {
  using talweg::io::PixelFormat;
  switch (format) {
    case TALWEG_GRAY8:
      return PixelFormat::gray8;
    case TALWEG_RGB8:
      return PixelFormat::rgb8;
    case TALWEG_RGBA8:
      return PixelFormat::rgba8;
    case TALWEG_GRAY16:
      return PixelFormat::gray16;
  }
  throw talweg::Error(talweg::message("[talweg_read] ", int(format),
                                      " is no talweg_format; give one of TALWEG_GRAY8, _RGB8, ",
                                      "_RGBA8, _GRAY16"));
}

/// C code frees what C's malloc gave.
char* copied(const std::string& text) {
  char* copy = static_cast<char*>(std::malloc(text.size() + 1));
  if (copy == nullptr) throw std::bad_alloc();
  std::memcpy(copy, text.c_str(), text.size() + 1);
  return copy;
}

}  // namespace

extern "C" {

talweg_model* talweg_open(const char* path) {
  talweg_model* model = nullptr;
  guarded([&] {
    const auto file = path == nullptr ? talweg::ocr::find_model() : std::filesystem::path(path);
    model = new talweg_model{talweg::ocr::Recognizer::load(file)};
  });
  return model;
}

void talweg_close(talweg_model* model) { delete model; }

int talweg_read(const talweg_model* model, const void* pixels, int width, int height,
                ptrdiff_t stride, talweg_format format, talweg_reading* reading) {
  const bool read = guarded([&] {
    talweg::expect(reading != nullptr, "[talweg_read] there is no place for the reading (NULL)");
    *reading = {nullptr, 0};
    talweg::expect(model != nullptr, "[talweg_read] there is no model (NULL); talweg_open failed?");
    const auto found = model->recognizer.recognize(
        talweg::io::ImageView{pixels, width, height, stride, pixel_format(format)});
    *reading = {copied(found.text), found.confidence};
  });
  return read ? 0 : -1;
}

void talweg_reading_free(talweg_reading* reading) {
  if (reading == nullptr) return;
  std::free(reading->text);
  *reading = {nullptr, 0};
}

const char* talweg_error(void) { return last_error.c_str(); }

}  // extern "C"

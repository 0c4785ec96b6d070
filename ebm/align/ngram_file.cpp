// The file of an n-gram model. All numbers little-endian:
//   "TALWEGLM"  u32 version, u32 order, i64 symbols, i64 words
//   u64 bytes of the alphabet's text, the text
//   u64 n-grams, and for each, breadth first: i32 last symbol, i32 children, i64 count
//   u64 FNV-1a checksum of all before it
// Probabilities are not kept: they follow from the counts.
#include <bit>
#include <cstring>

#include "core/error.h"
#include "core/io/file.h"
#include "ebm/align/ngram.h"

namespace talweg::ebm {
namespace {

static_assert(std::endian::native == std::endian::little, "the file is copied as it lies");

constexpr std::string_view kMagic = "TALWEGLM";
constexpr uint32_t kVersion = 1;
constexpr uint64_t kNodeBytes = 16;

uint64_t checksum(std::string_view bytes) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return hash;
}

template <class Number> void put(std::string& out, Number x) {
  out.append(reinterpret_cast<const char*>(&x), sizeof x);
}

/// Reads numbers one after the other; `fine` turns false at the end of the bytes.
struct Reader {
  std::string_view bytes;
  bool fine = true;

  std::string_view take(uint64_t n) {
    fine &= n <= bytes.size();
    const std::string_view taken = bytes.substr(0, fine ? n : 0);
    bytes.remove_prefix(taken.size());
    return taken;
  }
  template <class Number> Number get() {
    Number x{};
    const std::string_view taken = take(sizeof x);
    if (fine) std::memcpy(&x, taken.data(), sizeof x);
    return x;
  }
};

}  // namespace

std::string NgramModel::to_bytes(std::string_view alphabet) const {
  std::string out(kMagic);
  put(out, kVersion);
  put(out, static_cast<uint32_t>(order_));
  put(out, symbols_);
  put(out, words_);
  put(out, static_cast<uint64_t>(alphabet.size()));
  out += alphabet;
  put(out, static_cast<uint64_t>(nodes_.size()));
  for (const Node& n : nodes_) {
    put(out, n.symbol);
    put(out, n.children);
    put(out, n.count);
  }
  put(out, checksum(out));
  return out;
}

/// Are the n-grams a tree of `order` levels, breadth first, children in ascending order?
bool NgramModel::is_sound() const {
  int64_t level_end = 1, next = 1, depth = 0;
  const auto size = static_cast<int64_t>(nodes_.size());
  for (int64_t k = 0; k < size; ++k) {
    if (k == level_end) {
      level_end = next;
      ++depth;
    }
    const Node& n = nodes_[k];
    if (n.children < 0 || n.children > size - next || depth > order_) return false;
    if (depth == order_ && n.children > 0) return false;
    for (int64_t c = next; c < next + n.children; ++c) {
      const Node& child = nodes_[c];
      const bool can_be = child.symbol <= (k == 0 ? begin() : end());
      if (child.count < 1 || child.symbol < 0 || !can_be) return false;
      if (c > next && child.symbol <= nodes_[c - 1].symbol) return false;
    }
    next += n.children;
  }
  return next == size;
}

NgramModel NgramModel::from_bytes(std::string_view bytes, const std::string& name,
                                  std::string* alphabet) {
  const auto demand = [&](bool fine, const auto&... why) {
    if (!fine) throw IoError(message("[ngram] ", name, " ", why...));
  };
  demand(bytes.starts_with(kMagic),
         "is not a letter model; make one with `talweg lm train words.txt -o FILE`");
  const char* broken = "is cut short or damaged; make it again with `talweg lm train`";
  demand(bytes.size() >= kMagic.size() + sizeof(uint32_t) + sizeof(uint64_t), broken);
  Reader read{bytes.substr(kMagic.size(), bytes.size() - kMagic.size() - 8)};
  const auto version = read.get<uint32_t>();
  demand(version == kVersion, "is a letter model of version ", version,
         "; this program reads version ", kVersion, ", so make it again with `talweg lm train`");
  uint64_t sum = 0;
  std::memcpy(&sum, bytes.data() + bytes.size() - 8, 8);
  demand(sum == checksum(bytes.substr(0, bytes.size() - 8)), broken);

  NgramModel model;
  const auto order = read.get<uint32_t>();
  model.symbols_ = read.get<int64_t>();
  model.words_ = read.get<int64_t>();
  const std::string_view text = read.take(read.get<uint64_t>());
  const auto count = read.get<uint64_t>();
  demand(read.fine && 1 <= order && order <= kMaxOrder && model.symbols_ >= 1 &&
             model.symbols_ < (int64_t{1} << 30) && model.words_ >= 1 && count >= 1 &&
             count < (uint64_t{1} << 31) && read.bytes.size() == count * kNodeBytes,
         broken);
  model.order_ = static_cast<int>(order);
  model.nodes_.resize(count);
  for (Node& n : model.nodes_) {
    n = {};
    n.symbol = read.get<int32_t>();
    n.children = read.get<int32_t>();
    n.count = read.get<int64_t>();
  }
  demand(model.is_sound() && model.finish(), broken);
  if (alphabet != nullptr) *alphabet = text;
  return model;
}

void NgramModel::save(const std::filesystem::path& path, std::string_view alphabet) const {
  io::write_file_atomically(path, to_bytes(alphabet));
}

NgramModel NgramModel::load(const std::filesystem::path& path, std::string* alphabet) {
  return from_bytes(io::read_file(path), path.string(), alphabet);
}

}  // namespace talweg::ebm

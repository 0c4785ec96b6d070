#include "core/io/safetensors.h"

#include <algorithm>
#include <array>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "core/io/file.h"
#include "core/io/text.h"

using nlohmann::json;

namespace talweg::io {
namespace {

constexpr size_t kLengthBytes = 8, kAlignment = 8;
constexpr uint64_t kMaxHeader = 100'000'000;  // the format's own limit
constexpr const char* kMetadataKey = "__metadata__";

/// The product of a shape's extents and `element_size`; nothing on overflow.
bool byte_size(const std::vector<int64_t>& shape, size_t element_size, uint64_t& bytes) {
  bytes = element_size;
  for (const int64_t extent : shape) {
    if (extent < 0 || __builtin_mul_overflow(bytes, uint64_t(extent), &bytes)) return false;
  }
  return true;
}

std::string shape_text(const std::vector<int64_t>& shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) text += (i ? "," : "") + std::to_string(shape[i]);
  return text + "]";
}

// --- writing ---

void check_blob(const std::string& name, const TensorBlob& blob) {
  const size_t element = dtype_size(blob.dtype);
  expect(name != kMetadataKey, "[safetensors] a tensor can't be called ", kMetadataKey);
  expect(element > 0, "[safetensors] tensor ", name, ": unknown dtype ", blob.dtype);
  uint64_t bytes = 0;
  expect(byte_size(blob.shape, element, bytes) && bytes == blob.bytes.size(),
         "[safetensors] tensor ", name, ": shape ", shape_text(blob.shape), " of ", blob.dtype,
         " does not take ", format_grouped(blob.bytes.size()), " bytes");
}

std::string little_endian(uint64_t value) {
  std::string bytes;
  for (size_t i = 0; i < kLengthBytes; ++i) bytes += char(value >> (8 * i) & 0xFF);
  return bytes;
}

// --- reading ---

/// A tensor as the header describes it, not yet read.
struct Entry {
  std::string name, dtype;
  std::vector<int64_t> shape;
  uint64_t begin = 0, end = 0;
};

/// Turns bytes into tensors, or into one sentence that says why not.
class Decoder {
 public:
  Decoder(SharedBytes bytes, const std::string& origin)
      : file_(std::move(bytes)), bytes_(file_.view()), origin_(origin) {}

  Safetensors decode() {
    const std::string_view header = split_header();
    const json root = parse(header);
    Safetensors content;
    std::vector<Entry> entries;
    for (const auto& [name, value] : root.items()) {
      if (name == kMetadataKey) {
        content.metadata = metadata(value);
      } else {
        entries.push_back(entry(name, value));
      }
    }
    check_layout(entries);
    const size_t data_begin = bytes_.size() - data_.size();
    for (Entry& e : entries) {
      content.tensors[e.name] = {e.dtype, std::move(e.shape),
                                 file_.part(data_begin + e.begin, e.end - e.begin)};
    }
    return content;
  }

 private:
  template <class... Parts> [[noreturn]] void fail(const Parts&... parts) const {
    throw IoError(message(origin_, ": ", parts...));
  }

  /// Checks the length field, sets data_ and returns the JSON text.
  std::string_view split_header() {
    if (bytes_.empty()) fail("file is empty (0 bytes), not a safetensors file; copy it again");
    if (bytes_.size() < kLengthBytes) {
      fail("file is truncated: ", bytes_.size(), " bytes are less than the 8 of its length field");
    }
    uint64_t length = 0;
    for (size_t i = kLengthBytes; i-- > 0;) {
      length = length << 8 | static_cast<unsigned char>(bytes_[i]);
    }
    const std::string_view rest = bytes_.substr(kLengthBytes);
    if (length > kMaxHeader) {
      fail("not a safetensors file: its first 8 bytes promise a header of ", format_grouped(length),
           " bytes, the format allows ", format_grouped(kMaxHeader));
    }
    if (length > rest.size()) {
      fail("file is truncated or not a safetensors file: a header of ", format_grouped(length),
           " bytes is promised, ", format_grouped(rest.size()), " are there");
    }
    data_ = rest.substr(length);
    return rest.substr(0, length);
  }

  /// Parses the header. Depth is limited and names told apart while parsing, since the finished
  /// document would hide both.
  json parse(std::string_view header) const {
    if (!header.starts_with('{')) {
      fail("not a safetensors file: its header does not begin with {");
    }
    constexpr int kDeepest = 2;  // file { tensor { shape [
    std::array<std::set<std::string>, kDeepest + 1> names;
    const auto watch = [&](int depth, json::parse_event_t event, json& value) {
      using Event = json::parse_event_t;
      const bool opens = event == Event::object_start || event == Event::array_start;
      if (opens && depth > kDeepest) fail("header is damaged: its JSON is nested too deeply");
      if (opens && depth < kDeepest) names[size_t(depth) + 1].clear();
      if (event == Event::key && depth <= kDeepest) {
        const auto& name = value.get_ref<const std::string&>();
        if (!names[size_t(depth)].insert(name).second) {
          fail("header is damaged: the name ", quoted(name), " stands there twice");
        }
      }
      return true;
    };
    try {
      return json::parse(header.begin(), header.end(), watch);
    } catch (const json::exception&) {
      fail("header is damaged: it is not valid JSON");
    }
  }

  /// A name from an untrusted file, short enough for a sentence.
  static std::string quoted(const std::string& name) {
    constexpr size_t kLongest = 80;
    return '"' + (name.size() > kLongest ? name.substr(0, kLongest) + "..." : name) + '"';
  }

  std::map<std::string, std::string> metadata(const json& value) const {
    if (!value.is_object()) fail("header is damaged: ", kMetadataKey, " is not a map of strings");
    std::map<std::string, std::string> map;
    for (const auto& [key, text] : value.items()) {
      if (!text.is_string()) {
        fail("header is damaged: ", kMetadataKey, " entry ", quoted(key), " is not a string");
      }
      map[key] = text.get<std::string>();
    }
    return map;
  }

  /// Checks one tensor's description for itself.
  Entry entry(const std::string& name, const json& value) const {
    const std::string where = "tensor " + quoted(name);
    if (!value.is_object() || value.size() != 3 || !value.contains("dtype") ||
        !value.contains("shape") || !value.contains("data_offsets")) {
      fail(where, ": header is damaged: dtype, shape and data_offsets are expected, no more");
    }
    Entry e;
    e.name = name;
    if (!value["dtype"].is_string()) fail(where, ": dtype is not a string");
    e.dtype = value["dtype"].get<std::string>();
    const size_t element = dtype_size(e.dtype);
    if (element == 0) fail(where, ": unknown dtype ", quoted(e.dtype));

    for (const uint64_t extent : numbers(value["shape"], where, "shape")) {
      if (extent > uint64_t(std::numeric_limits<int64_t>::max())) fail(where, ": shape overflows");
      e.shape.push_back(int64_t(extent));
    }
    uint64_t bytes = 0;
    if (!byte_size(e.shape, element, bytes)) {
      fail(where, ": shape overflows: its bytes can't be counted in 64 bits");
    }
    const std::vector<uint64_t> offsets = numbers(value["data_offsets"], where, "data_offsets");
    if (offsets.size() != 2 || offsets[0] > offsets[1]) {
      fail(where, ": data_offsets must be [begin, end] with begin <= end");
    }
    e.begin = offsets[0];
    e.end = offsets[1];
    if (bytes != e.end - e.begin) {
      fail(where, ": shape ", shape_text(e.shape), " of ", e.dtype, " takes ",
           format_grouped(bytes), " bytes, its data_offsets span ",
           format_grouped(e.end - e.begin));
    }
    return e;
  }

  std::vector<uint64_t> numbers(const json& array, const std::string& where,
                                const char* field) const {
    std::vector<uint64_t> values;
    bool ok = array.is_array();
    for (const json& v : ok ? array : json::array()) {
      ok = ok && v.is_number_unsigned();
      if (ok) values.push_back(v.get<uint64_t>());
    }
    if (!ok) fail(where, ": ", field, " must be a list of whole numbers, none negative");
    return values;
  }

  /// Together the tensors must tile the data: from byte 0 on, no hole, no overlap, nothing left.
  void check_layout(const std::vector<Entry>& entries) const {
    std::vector<const Entry*> order;
    for (const Entry& e : entries) order.push_back(&e);
    std::sort(order.begin(), order.end(), [](const Entry* a, const Entry* b) {
      return std::pair(a->begin, a->end) < std::pair(b->begin, b->end);
    });
    uint64_t promised = 0;
    for (const Entry* e : order) promised = std::max(promised, e->end);
    if (promised > data_.size()) {
      fail("file is truncated: header promises ", format_grouped(promised), " bytes of tensors, ",
           format_grouped(data_.size()), " are there");
    }
    uint64_t at = 0;
    for (const Entry* e : order) {
      if (e->begin < at) fail("tensor ", quoted(e->name), ": its bytes overlap another tensor's");
      if (e->begin > at) {
        fail("tensor ", quoted(e->name), ": its bytes begin at ", format_grouped(e->begin),
             ", those before it end at ", format_grouped(at), "; no gap is allowed");
      }
      at = e->end;
    }
    if (at < data_.size()) {
      fail("file is damaged: its tensors end at byte ", format_grouped(at), " of ",
           format_grouped(data_.size()), "; the rest belongs to none");
    }
  }

  SharedBytes file_;
  std::string_view bytes_, data_;  // of file_: all, and what follows the header
  const std::string& origin_;
};

}  // namespace

size_t dtype_size(std::string_view dtype) {
  if (dtype == "F64" || dtype == "I64" || dtype == "U64") return 8;
  if (dtype == "F32" || dtype == "I32" || dtype == "U32") return 4;
  if (dtype == "F16" || dtype == "BF16" || dtype == "I16" || dtype == "U16") return 2;
  if (dtype == "I8" || dtype == "U8" || dtype == "BOOL") return 1;
  return 0;
}

std::string encode(const Safetensors& content) {
  json header = json::object();
  if (!content.metadata.empty()) header[kMetadataKey] = content.metadata;
  uint64_t at = 0;
  for (const auto& [name, blob] : content.tensors) {
    check_blob(name, blob);
    const uint64_t end = at + blob.bytes.size();
    header[name] = {{"dtype", blob.dtype}, {"shape", blob.shape}, {"data_offsets", {at, end}}};
    at = end;
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const json::exception&) {
    throw Error("[safetensors] names and metadata must be UTF-8 text");
  }
  text.append((kAlignment - text.size() % kAlignment) % kAlignment, ' ');

  std::string bytes = little_endian(text.size()) + text;
  bytes.reserve(bytes.size() + at);
  for (const auto& [name, blob] : content.tensors) bytes += blob.bytes.view();
  return bytes;
}

Safetensors decode(SharedBytes bytes, const std::string& origin) {
  return Decoder(std::move(bytes), origin).decode();
}

Safetensors load_safetensors(const std::filesystem::path& path) {
  return decode(read_file(path), path.string());
}

void save_safetensors(const std::filesystem::path& path, const Safetensors& content) {
  write_file_atomically(path, encode(content));
}

}  // namespace talweg::io

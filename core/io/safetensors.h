// The safetensors format: named tensors and a map of strings in one file that can be checked before
// a byte of it is trusted. Layout: 8-byte little-endian length N, N bytes of JSON, then the
// tensors' bytes. Source: https://github.com/huggingface/safetensors#format
#pragma once

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/error.h"

namespace talweg::io {

/// Bytes that nobody changes any more. Copies and parts share them, so that the tensors of a file lie
/// where it was read to.
class SharedBytes {
 public:
  SharedBytes(std::string bytes = {})
      : whole_(std::make_shared<const std::string>(std::move(bytes))), view_(*whole_) {}
  SharedBytes(const char* text) : SharedBytes(std::string(text)) {}

  SharedBytes part(size_t begin, size_t size) const {
    SharedBytes some = *this;
    some.view_ = view_.substr(begin, size);
    return some;
  }
  std::string_view view() const { return view_; }
  const char* data() const { return view_.data(); }
  size_t size() const { return view_.size(); }
  bool operator==(const SharedBytes& other) const { return view_ == other.view_; }

 private:
  std::shared_ptr<const std::string> whole_;
  std::string_view view_;
};

/// A tensor as stored: little-endian, row-major, without padding.
struct TensorBlob {
  std::string dtype;  ///< "F32", "F64", "I64", "U8", ... as in dtype_size
  std::vector<int64_t> shape;
  SharedBytes bytes;  ///< product(shape) * dtype_size(dtype) of them
  bool operator==(const TensorBlob&) const = default;
};

/// A whole file: everything about a model fits in it.
struct Safetensors {
  std::map<std::string, std::string> metadata;
  std::map<std::string, TensorBlob> tensors;
  bool operator==(const Safetensors&) const = default;
};

/// Bytes an element of `dtype` takes (F64 F32 F16 BF16 I64 I32 I16 I8 U64 U32 U16 U8 BOOL); 0 if
/// the name is unknown.
size_t dtype_size(std::string_view dtype);

/// The file's bytes: names sorted, header padded with spaces to a multiple of 8; the same content
/// gives the same bytes. Throws Error if a blob's bytes do not fit its shape, or a name can't be
/// stored.
std::string encode(const Safetensors& content);

/// Reads `bytes`, which the tensors then share; `origin` names them in messages. Everything is checked
/// before a tensor is made: header length, JSON, dtypes, shapes, offsets (inside the file, contiguous,
/// not overlapping). Throws IoError with one sentence that says what is wrong.
Safetensors decode(SharedBytes bytes, const std::string& origin);

/// decode of a file's bytes. Throws IoError also when the file is missing or can't be read.
Safetensors load_safetensors(const std::filesystem::path& path);

/// Writes encode(content) atomically.
void save_safetensors(const std::filesystem::path& path, const Safetensors& content);

/// The dtype name of a C++ number: float, double, int64_t, uint64_t or uint8_t.
template <class T> constexpr const char* dtype_name() {
  if constexpr (std::is_same_v<T, float>) return "F32";
  if constexpr (std::is_same_v<T, double>) return "F64";
  if constexpr (std::is_same_v<T, int64_t>) return "I64";
  if constexpr (std::is_same_v<T, uint64_t>) return "U64";
  if constexpr (std::is_same_v<T, uint8_t>) return "U8";
  return nullptr;
}

/// values[shape] as a blob (the host is little-endian, as every supported one is).
template <class T> TensorBlob to_blob(std::span<const T> values, std::vector<int64_t> shape) {
  return {dtype_name<T>(), std::move(shape),
          std::string(reinterpret_cast<const char*>(values.data()), values.size_bytes())};
}

/// The blob's numbers. `name` stands in the message. Throws IoError if the dtype is not T's.
template <class T> std::vector<T> from_blob(const TensorBlob& blob, const std::string& name) {
  if (blob.dtype != dtype_name<T>()) {
    throw IoError(
        message("tensor ", name, ": dtype is ", blob.dtype, ", expected ", dtype_name<T>()));
  }
  std::vector<T> values(blob.bytes.size() / sizeof(T));
  if (!values.empty()) std::memcpy(values.data(), blob.bytes.data(), values.size() * sizeof(T));
  return values;
}

}  // namespace talweg::io

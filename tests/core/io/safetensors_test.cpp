#include "core/io/safetensors.h"

#include <doctest/doctest.h>

#include "core/io/file.h"
#include "tests/core/io/scratch.h"

using talweg::Error;
using talweg::IoError;
using namespace talweg::io;

namespace {

/// A file with this header, its true length before it, and `data` zero bytes after it.
std::string file_of(const std::string& header, size_t data = 0) {
  std::string bytes;
  for (size_t i = 0; i < 8; ++i) bytes += char(header.size() >> (8 * i) & 0xFF);
  return bytes + header + std::string(data, '\0');
}

std::string complaint(const std::string& bytes) {
  return sentence<IoError>([&] { decode(bytes, "m"); });
}

/// The complaint about one U8 tensor t described by these fields, before four bytes of data.
std::string tensor_complaint(const std::string& fields) {
  return complaint(file_of("{\"t\":{" + fields + "}}", 4));
}

Safetensors sample() {
  const std::vector<float> weights{1, -2, 3.5f, 0, 1e-30f, 6};
  const std::vector<double> exact{0.1, -1e300};
  const std::vector<int64_t> steps{-7};
  const std::vector<uint64_t> keys{0xFFFFFFFFFFFFFFFFu};
  Safetensors content;
  content.metadata = {{"charset", "a-zäß"}, {"quote", "\"\\\n"}};
  content.tensors["w"] = to_blob<float>(weights, {2, 3});
  content.tensors["exact"] = to_blob<double>(exact, {2});
  content.tensors["step"] = to_blob<int64_t>(steps, {});
  content.tensors["keys"] = to_blob<uint64_t>(keys, {1, 1});
  content.tensors["none"] = to_blob<uint8_t>({}, {0, 5});
  return content;
}

}  // namespace

TEST_CASE("a file round-trips every dtype, shape and metadata") {
  const ScratchFolder folder;
  save_safetensors(folder / "m", sample());
  const Safetensors back = load_safetensors(folder / "m");
  CHECK(back == sample());
  CHECK(from_blob<float>(back.tensors.at("w"), "w")[2] == 3.5f);
  CHECK(from_blob<double>(back.tensors.at("exact"), "exact")[1] == -1e300);
  CHECK(from_blob<int64_t>(back.tensors.at("step"), "step")[0] == -7);
  CHECK(from_blob<uint8_t>(back.tensors.at("none"), "none").empty());
  CHECK(decode(encode({}), "m") == Safetensors{});
}

TEST_CASE("the bytes are those the format prescribes, header padded to eight") {
  Safetensors content;
  content.tensors["b"] = {"U8", {2}, "xy"};
  content.tensors["a"] = {"U8", {1}, "z"};
  const std::string header = R"({"a":{"data_offsets":[0,1],"dtype":"U8","shape":[1]},)"
                             R"("b":{"data_offsets":[1,3],"dtype":"U8","shape":[2]}})";
  const std::string padded = header + std::string((8 - header.size() % 8) % 8, ' ');
  CHECK(encode(content) == file_of(padded) + "zxy");
  CHECK(encode(content) == encode(decode(encode(content), "m")));
}

TEST_CASE("a foreign file with metadata, another tensor order and no padding is read") {
  const std::string header = R"({"__metadata__":{"format":"pt"},)"
                             R"("z":{"dtype":"F16","shape":[1,2],"data_offsets":[0,4]},)"
                             R"("a":{"dtype":"BOOL","shape":[],"data_offsets":[4,5]}})";
  const Safetensors content = decode(file_of(header, 5), "m");
  CHECK(content.metadata.at("format") == "pt");
  CHECK(content.tensors.at("z").shape == std::vector<int64_t>{1, 2});
  CHECK(content.tensors.at("a").bytes.size() == 1);
}

TEST_CASE("every truncation of a file is refused") {
  const std::string bytes = encode(sample());
  for (size_t n = 0; n < bytes.size(); ++n) {
    CAPTURE(n);
    CHECK(complaint(bytes.substr(0, n)).starts_with("m: "));
  }
  CHECK(complaint("") == "m: file is empty (0 bytes), not a safetensors file; copy it again");
  CHECK(complaint("abc") ==
        "m: file is truncated: 3 bytes are less than the 8 of its length field");
  const std::string header = R"({"t":{"dtype":"U8","shape":[1234],"data_offsets":[0,1234]}})";
  CHECK(complaint(file_of(header, 1000)) ==
        "m: file is truncated: header promises 1,234 bytes of tensors, 1,000 are there");
}

TEST_CASE("a huge or missing header is refused before anything is allocated") {
  CHECK(complaint(std::string(8, '\xFF') + "{}") ==
        "m: not a safetensors file: its first 8 bytes promise a header of "
        "18,446,744,073,709,551,615 bytes, the format allows 100,000,000");
  CHECK(complaint(std::string("\x10\0\0\0\0\0\0\0{}", 10)) ==
        "m: file is truncated or not a safetensors file: a header of 16 bytes is promised, 2 are "
        "there");
  CHECK(complaint(file_of("[1]")) == "m: not a safetensors file: its header does not begin with {");
}

TEST_CASE("a header that is not plain JSON is refused") {
  const std::string invalid = "m: header is damaged: it is not valid JSON";
  CHECK(complaint(file_of("{")) == invalid);
  CHECK(complaint(file_of("{} x")) == invalid);
  CHECK(complaint(file_of("{\"\xFF\":{}}")) == invalid);
  CHECK(complaint(file_of("{\"t\":" + std::string(1'000'000, '['))) ==
        "m: header is damaged: its JSON is nested too deeply");
  const std::string tensor = R"("t":{"dtype":"U8","shape":[0],"data_offsets":[0,0]})";
  CHECK(complaint(file_of("{" + tensor + "," + tensor + "}")) ==
        "m: header is damaged: the name \"t\" stands there twice");
  CHECK(tensor_complaint(R"("dtype":"U8","dtype":"F32","shape":[4],"data_offsets":[0,4])") ==
        "m: header is damaged: the name \"dtype\" stands there twice");
  CHECK(complaint(file_of(R"({"__metadata__":{"a":1}})")) ==
        "m: header is damaged: __metadata__ entry \"a\" is not a string");
  CHECK(complaint(file_of(R"({"__metadata__":[]})")) ==
        "m: header is damaged: __metadata__ is not a map of strings");
}

TEST_CASE("a tensor described wrongly is named") {
  CHECK(tensor_complaint(R"("dtype":"U8","shape":[4])") ==
        "m: tensor \"t\": header is damaged: dtype, shape and data_offsets are expected, no more");
  CHECK(tensor_complaint(R"("dtype":7,"shape":[4],"data_offsets":[0,4])") ==
        "m: tensor \"t\": dtype is not a string");
  CHECK(tensor_complaint(R"("dtype":"Q4","shape":[4],"data_offsets":[0,4])") ==
        "m: tensor \"t\": unknown dtype \"Q4\"");
  for (const char* shape : {"[-4]", "[4.0]", "4", "[\"4\"]", "[99999999999999999999]"}) {
    CAPTURE(shape);
    CHECK(tensor_complaint(std::string(R"("dtype":"U8","data_offsets":[0,4],"shape":)") + shape) ==
          "m: tensor \"t\": shape must be a list of whole numbers, none negative");
  }
  CHECK(tensor_complaint(R"("dtype":"U8","shape":[18446744073709551615],"data_offsets":[0,4])") ==
        "m: tensor \"t\": shape overflows");
  CHECK(tensor_complaint(R"("dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0])") ==
        "m: tensor \"t\": shape overflows: its bytes can't be counted in 64 bits");
  CHECK(tensor_complaint(R"("dtype":"F32","shape":[2],"data_offsets":[0,4])") ==
        "m: tensor \"t\": shape [2] of F32 takes 8 bytes, its data_offsets span 4");
  for (const char* offsets : {"[4,0]", "[4]", "[]"}) {
    CAPTURE(offsets);
    CHECK(tensor_complaint(std::string(R"("dtype":"U8","shape":[4],"data_offsets":)") + offsets) ==
          "m: tensor \"t\": data_offsets must be [begin, end] with begin <= end");
  }
}

TEST_CASE("tensors must tile the data: no overlap, no hole, nothing left") {
  const auto two = [](const char* a, const char* b) {
    return complaint(file_of(std::string(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":)") + a +
                                 R"(},"b":{"dtype":"U8","shape":[2],"data_offsets":)" + b + "}}",
                             6));
  };
  CHECK(two("[0,2]", "[1,3]") == "m: tensor \"b\": its bytes overlap another tensor's");
  CHECK(two("[0,2]", "[0,2]") == "m: tensor \"b\": its bytes overlap another tensor's");
  CHECK(two("[0,2]", "[3,5]") ==
        "m: tensor \"b\": its bytes begin at 3, those before it end at 2; no gap is allowed");
  CHECK(two("[1,3]", "[3,5]") ==
        "m: tensor \"a\": its bytes begin at 1, those before it end at 0; no gap is allowed");
  CHECK(two("[0,2]", "[2,4]") ==
        "m: file is damaged: its tensors end at byte 4 of 6; the rest belongs to none");
  CHECK(two("[18446744073709551613,18446744073709551615]", "[0,2]") ==
        "m: file is truncated: header promises 18,446,744,073,709,551,615 bytes of tensors, 6 are "
        "there");
}

TEST_CASE("what can't be stored is refused before a byte is written") {
  const auto refusal = [](const std::string& name, const TensorBlob& blob) {
    Safetensors content;
    content.tensors[name] = blob;
    return sentence<Error>([&] { encode(content); });
  };
  CHECK(refusal("t", {"F32", {2}, "1234"}) ==
        "[safetensors] tensor t: shape [2] of F32 does not take 4 bytes");
  CHECK(refusal("t", {"F32", {-1}, ""}) ==
        "[safetensors] tensor t: shape [-1] of F32 does not take 0 bytes");
  CHECK(refusal("t", {"X", {0}, ""}) == "[safetensors] tensor t: unknown dtype X");
  CHECK(refusal("__metadata__", {"U8", {0}, ""}) ==
        "[safetensors] a tensor can't be called __metadata__");
  CHECK(refusal("\xFF", {"U8", {0}, ""}) == "[safetensors] names and metadata must be UTF-8 text");
}

TEST_CASE("numbers of another dtype are not reinterpreted") {
  CHECK(sentence<IoError>([] {
          from_blob<float>({"F64", {1}, std::string(8, '\0')}, "w");
        }) == "tensor w: dtype is F64, expected F32");
}

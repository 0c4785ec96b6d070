#include "bench/peers/onednn.h"

#include <algorithm>
#include <numeric>
#include <oneapi/dnnl/dnnl.hpp>
#include <unordered_map>
#include <vector>

#include "core/error.h"

namespace talweg::bench {
namespace {

using dnnl::memory;
using kernels::Conv2dFace;
using kernels::Conv2dShape;
using Tag = memory::format_tag;

const dnnl::engine& cpu() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

/// The three arrays of the trilinear form, in the order of our faces' arguments.
enum Role { kImage, kWeights, kResult };
constexpr int kRoles = 3;

/// dims are logical, always n, c, h, w (weights o, i, h, w); the tag says how they lie in memory.
memory::desc describe(const Conv2dShape& s, Role role, Tag tag) {
  const memory::dims dims = role == kImage     ? memory::dims{s.n, s.c, s.h, s.w}
                            : role == kWeights ? memory::dims{s.k, s.c, s.kh, s.kw}
                                               : memory::dims{s.n, s.k, s.oh(), s.ow()};
  return {dims, memory::data_type::f32, tag};
}

memory::desc in_callers_order(const Conv2dShape& s, Role role, OneDnnCaller caller) {
  if (role == kWeights)
    return describe(s, role, caller == OneDnnCaller::nchw ? Tag::oihw : Tag::ohwi);
  return describe(s, role, caller == OneDnnCaller::nchw ? Tag::nchw : Tag::nhwc);
}

Role computed_by(Conv2dFace face) {
  if (face == Conv2dFace::forward) return kResult;
  return face == Conv2dFace::backward_data ? kImage : kWeights;
}

/// What oneDNN chose: the primitive and the layouts it works on.
struct Choice {
  dnnl::primitive_desc_base desc;
  memory::desc layout[kRoles];
  int argument[kRoles];  ///< DNNL_ARG_...
};

/// Throws dnnl::error where there is no implementation.
Choice choose(const OneDnnConfig& config) {
  const Conv2dShape& s = config.shape;
  const Tag images = config.inside == OneDnnInside::chosen ? Tag::any : Tag::nhwc;
  const memory::desc x = describe(s, kImage, images), y = describe(s, kResult, images);
  const memory::desc w = describe(s, kWeights, Tag::any);
  const auto algo = config.algo == OneDnnAlgo::winograd ? dnnl::algorithm::convolution_winograd
                                                        : dnnl::algorithm::convolution_direct;
  const memory::dims strides = {s.stride_h, s.stride_w}, padding = {s.pad_h, s.pad_w};
  const memory::dims dilates = {s.dilation_h - 1, s.dilation_w - 1};  // zero is the dense window
  // Where a stride leaves a rest, the padding after the image is as much as the output needs.
  const memory::dims padding_after = {
      (s.oh() - 1) * s.stride_h + (s.kh - 1) * s.dilation_h + 1 - s.h - s.pad_h,
      (s.ow() - 1) * s.stride_w + (s.kw - 1) * s.dilation_w + 1 - s.w - s.pad_w};

  // The backward faces ask for the forward one as a hint, so it is made in any case.
  const dnnl::convolution_forward::primitive_desc forward(
      {dnnl::prop_kind::forward_training, algo, x, w, y, strides, dilates, padding, padding_after},
      cpu());
  if (config.face == Conv2dFace::forward) {
    return {forward,
            {forward.src_desc(), forward.weights_desc(), forward.dst_desc()},
            {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST}};
  }
  if (config.face == Conv2dFace::backward_data) {
    const dnnl::convolution_backward_data::primitive_desc data(
        {algo, x, w, y, strides, dilates, padding, padding_after}, cpu(), forward);
    return {data,
            {data.diff_src_desc(), data.weights_desc(), data.diff_dst_desc()},
            {DNNL_ARG_DIFF_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_DST}};
  }
  const dnnl::convolution_backward_weights::primitive_desc weights(
      {algo, x, w, y, strides, dilates, padding, padding_after}, cpu(), forward);
  return {weights,
          {weights.src_desc(), weights.diff_weights_desc(), weights.diff_dst_desc()},
          {DNNL_ARG_SRC, DNNL_ARG_DIFF_WEIGHTS, DNNL_ARG_DIFF_DST}};
}

/// A layout in oneDNN's own notation: axes from the slowest to the fastest, those that are split
/// into blocks in capitals, then the blocks. nhwc is "acdb"; blocks of 16 channels are "aBcd16b".
std::string notation(const memory::desc& desc) {
  const dnnl_memory_desc_t& d = desc.data;
  if (d.format_kind == dnnl_format_kind_wino) return "wino";
  if (d.format_kind != dnnl_blocked) return "opaque";
  const auto& blocking = d.format_desc.blocking;
  std::vector<int> axes(static_cast<size_t>(d.ndims));
  std::iota(axes.begin(), axes.end(), 0);
  std::stable_sort(axes.begin(), axes.end(),
                   [&](int a, int b) { return blocking.strides[a] > blocking.strides[b]; });
  std::vector<bool> split(axes.size());
  std::string blocks;
  for (int i = 0; i < blocking.inner_nblks; ++i) {
    const auto axis = static_cast<int>(blocking.inner_idxs[i]);
    split[static_cast<size_t>(axis)] = true;
    blocks += std::to_string(blocking.inner_blks[i]) + static_cast<char>('a' + axis);
  }
  std::string text;
  for (const int axis : axes) {
    text += static_cast<char>((split[static_cast<size_t>(axis)] ? 'A' : 'a') + axis);
  }
  return text + blocks;
}

Memory bytes_of(const memory& m) { return {m.get_data_handle(), m.get_desc().get_size()}; }

}  // namespace

struct OneDnnConv2d::Impl {
  OneDnnConfig config;
  Choice choice;
  Role output;
  dnnl::primitive primitive;
  dnnl::stream stream{cpu()};
  memory inside[kRoles], caller[kRoles];
  dnnl::reorder copy[kRoles];  ///< into oneDNN's layout, or out of it for the output
  bool copies[kRoles];         ///< false where both layouts are the same
  std::unordered_map<int, memory> arguments;

  explicit Impl(const OneDnnConfig& c)
      : config(c), choice(choose(c)), output(computed_by(c.face)), primitive(choice.desc.get()) {
    for (const Role role : {kImage, kWeights, kResult}) {
      inside[role] = memory(choice.layout[role], cpu());
      caller[role] = memory(in_callers_order(c.shape, role, c.caller), cpu());
      copies[role] = inside[role].get_desc() != caller[role].get_desc();
      copy[role] = role == output ? dnnl::reorder(inside[role], caller[role])
                                  : dnnl::reorder(caller[role], inside[role]);
      arguments.insert({choice.argument[role], inside[role]});
    }
  }

  void reorder(memory from, memory to) {
    dnnl::reorder(from, to).execute(stream, from, to);
    stream.wait();
  }
  memory ours(Role role, float* data) const {
    return {in_callers_order(config.shape, role, OneDnnCaller::nhwc), cpu(), data};
  }
};

OneDnnConv2d::OneDnnConv2d(const OneDnnConfig& config) {
  const std::optional<std::string> lack = onednn_lacks(config);
  expect(!lack, "[onednn] ", lack.value_or(""));
  impl_ = std::make_unique<Impl>(config);
}

OneDnnConv2d::~OneDnnConv2d() = default;

void OneDnnConv2d::load(const float* first, const float* second) {
  const float* source = first;
  for (const Role role : {kImage, kWeights, kResult}) {
    if (role == impl_->output) continue;
    // oneDNN's memory is not const, but a reorder only reads its source.
    const memory ours = impl_->ours(role, const_cast<float*>(source));
    impl_->reorder(ours, impl_->caller[role]);
    impl_->reorder(ours, impl_->inside[role]);
    source = second;
  }
}

void OneDnnConv2d::run() {
  impl_->primitive.execute(impl_->stream, impl_->arguments);
  impl_->stream.wait();
}

void OneDnnConv2d::run_with_reorders() {
  Impl& m = *impl_;
  for (const Role role : {kImage, kWeights, kResult}) {
    if (role == m.output || !m.copies[role]) continue;
    m.copy[role].execute(m.stream, m.caller[role], m.inside[role]);
  }
  m.primitive.execute(m.stream, m.arguments);
  if (m.copies[m.output]) {
    m.copy[m.output].execute(m.stream, m.inside[m.output], m.caller[m.output]);
  }
  m.stream.wait();
}

void OneDnnConv2d::read(float* out) {
  impl_->reorder(impl_->inside[impl_->output], impl_->ours(impl_->output, out));
}

std::vector<Memory> OneDnnConv2d::memory_of_weights() const {
  return {bytes_of(impl_->inside[kWeights]), bytes_of(impl_->caller[kWeights])};
}

std::vector<Memory> OneDnnConv2d::memory_of_images() const {
  return {bytes_of(impl_->inside[kImage]), bytes_of(impl_->caller[kImage]),
          bytes_of(impl_->inside[kResult]), bytes_of(impl_->caller[kResult])};
}

std::string OneDnnConv2d::description() const {
  const Choice& choice = impl_->choice;
  const char* name = nullptr;
  dnnl_primitive_desc_query(choice.desc.get(), dnnl_query_impl_info_str, 0, &name);
  return message(name == nullptr ? "unnamed" : name, " x ", notation(choice.layout[kImage]), " w ",
                 notation(choice.layout[kWeights]), " y ", notation(choice.layout[kResult]));
}

std::optional<std::string> onednn_lacks(const OneDnnConfig& config) {
  try {
    choose(config);
    return std::nullopt;
  } catch (const dnnl::error& e) {
    return message("no ", config.algo == OneDnnAlgo::winograd ? "winograd" : "direct",
                   " implementation for this shape and face (", e.what(), ")");
  }
}

std::string onednn_isa() {
  const auto isa = static_cast<unsigned>(dnnl::get_effective_cpu_isa());
  const auto has = [isa](dnnl::cpu_isa wanted) {
    const auto bits = static_cast<unsigned>(wanted);
    return (isa & bits) == bits;
  };
  if (has(dnnl::cpu_isa::avx512_core)) return "avx512";
  return has(dnnl::cpu_isa::avx2) ? "avx2" : "portable";
}

std::string onednn_version() {
  const dnnl_version_t* v = dnnl_version();
  return message("oneDNN ", v->major, ".", v->minor, ".", v->patch);
}

}  // namespace talweg::bench

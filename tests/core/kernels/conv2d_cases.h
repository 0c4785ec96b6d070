// What the tests of conv2d share: a problem with random arrays, running one face of it, and the
// checks that every algorithm must pass.
#pragma once

#include "core/kernels/conv2d_algo.h"
#include "tests/core/kernels/kernel_test_util.h"

namespace talweg::kernels {

constexpr Conv2dFace kFaces[] = {Conv2dFace::forward, Conv2dFace::backward_data,
                                 Conv2dFace::backward_weights};
constexpr Conv2dAlgo kAlgos[] = {Conv2dAlgo::direct, Conv2dAlgo::wino2, Conv2dAlgo::wino4,
                                 Conv2dAlgo::row4};

inline int64_t output_size(const Conv2dShape& s, Conv2dFace face) {
  if (face == Conv2dFace::forward) return s.y_size();
  return face == Conv2dFace::backward_data ? s.x_size() : s.w_size();
}

/// The face left open, from the other two arguments of the trilinear form.
template <class T>
Array<T> run(const KernelTable<T>& kernels, const Conv2dShape& s, Conv2dAlgo algo, Conv2dFace face,
             const Array<T>& x, const Array<T>& w, const Array<T>& g) {
  Array<T> out(output_size(s, face), T(NAN));
  Scratch<T> scratch(kernels.conv2d_scratch(s, algo, face));
  if (face == Conv2dFace::backward_weights) {
    kernels.conv2d_backward_weights(s, algo, x.data(), g.data(), out.data(), scratch.data());
    return out;
  }
  Scratch<T> packed(kernels.conv2d_packed_size(s, algo, face));
  kernels.conv2d_pack(s, algo, face, w.data(), packed.data());
  if (face == Conv2dFace::forward) {
    kernels.conv2d(s, algo, x.data(), packed.data(), {}, out.data(), scratch.data());
  } else {
    kernels.conv2d_backward_data(s, algo, packed.data(), g.data(), out.data(), scratch.data());
  }
  return out;
}

struct Case {
  Conv2dShape s;
  Array<float> x, w, g;
  Case(const Conv2dShape& shape, Rng& rng)
      : s(shape),
        x(random_array(s.x_size(), rng)),
        w(random_array(s.w_size(), rng)),
        g(random_array(s.y_size(), rng)) {}
};

/// Largest error (error_against) of a sound algorithm on the shapes of these tests.
inline double tolerance(Conv2dAlgo algo) {
  return algo == Conv2dAlgo::wino4 || algo == Conv2dAlgo::row4 ? 1e-4 : 2e-5;
}

/// Every face, algorithm and instruction set against the plain loops in double.
inline void check_all_faces(const Conv2dShape& s, Rng& rng) {
  const Case c(s, rng);
  for (const Conv2dFace face : kFaces) {
    const Array<double> expected = run(reference<double>(), s, Conv2dAlgo::direct, face,
                                       in_double(c.x), in_double(c.w), in_double(c.g));
    CAPTURE(static_cast<int>(face));
    for (const Conv2dAlgo algo : kAlgos) {
      if (!supports(algo, s)) continue;
      CAPTURE(algo_name(algo));
      on_every_isa([&](const KernelTable<float>& kernels) {
        CHECK(error_against(run(kernels, s, algo, face, c.x, c.w, c.g), expected) <
              tolerance(algo));
      });
    }
  }
}

inline double dot(const Array<float>& a, const Array<float>& b) {
  double sum = 0;
  for (int64_t i = 0; i < a.size(); ++i) sum += double(a[i]) * double(b[i]);
  return sum;
}

/// How far <y, g>, <dx, x> and <dw, w>, one number three ways, are apart, relative to |g| |x|.
inline double trilinear_gap(const KernelTable<float>& kernels, Conv2dAlgo algo, const Case& c) {
  const auto face = [&](Conv2dFace f) { return run(kernels, c.s, algo, f, c.x, c.w, c.g); };
  const double y_g = dot(face(Conv2dFace::forward), c.g);
  const double dx_x = dot(face(Conv2dFace::backward_data), c.x);
  const double dw_w = dot(face(Conv2dFace::backward_weights), c.w);
  return std::max(std::abs(y_g - dx_x), std::abs(y_g - dw_w)) /
         std::sqrt(dot(c.g, c.g) * dot(c.x, c.x));
}

inline std::string text_of(const Conv2dShape& s) {
  std::string text = "x[";
  for (const int64_t v : {s.n, s.h, s.w, s.c}) text += std::to_string(v) + ",";
  text += "] w[";
  for (const int64_t v : {s.k, s.kh, s.kw}) text += std::to_string(v) + ",";
  text += "] stride, pad, dilation ";
  for (const int64_t v : {s.stride_h, s.stride_w, s.pad_h, s.pad_w, s.dilation_h, s.dilation_w}) {
    text += std::to_string(v) + " ";
  }
  return text;
}

}  // namespace talweg::kernels

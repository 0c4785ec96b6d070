// conv2d's entries of the kernel table: each face goes to the algorithm that is asked for.

/// Calls f with Winograd<2>{} or Winograd<4>{}.
template <class F> inline auto with_form(Conv2dAlgo algo, const F& f) {
  return algo == Conv2dAlgo::wino2 ? f(Winograd<2>{}) : f(Winograd<4>{});
}

int64_t conv2d_packed_size(const Conv2dShape& s, Conv2dAlgo algo, Conv2dFace face) {
  if (algo == Conv2dAlgo::row4) return row_packed_size(row_correlation(s, face));
  if (algo != Conv2dAlgo::direct) {
    const Correlation c = winograd_correlation(s, face);
    return with_form(algo, [&](auto form) { return winograd_packed_size<form.kOutputs>(c); });
  }
  return face == Conv2dFace::forward ? direct_packed_size(s) : direct_data_packed_size(s);
}

void conv2d_pack(const Conv2dShape& s, Conv2dAlgo algo, Conv2dFace face, const float* w,
                 float* packed) {
  if (algo == Conv2dAlgo::row4) {
    row_pack(s, face, w, packed);
  } else if (algo != Conv2dAlgo::direct) {
    with_form(algo, [&](auto form) { winograd_pack<form.kOutputs>(s, face, w, packed); });
  } else if (face == Conv2dFace::forward) {
    direct_pack(s, w, packed);
  } else {
    direct_data_pack(s, w, packed);
  }
}

void conv2d(const Conv2dShape& s, Conv2dAlgo algo, const float* x, const float* packed,
            const Conv2dEpilogue<float>& then, float* y, float* scratch) {
  if (algo == Conv2dAlgo::direct) {
    direct_forward(s, x, packed, then, y, scratch);
    return;
  }
  if (algo == Conv2dAlgo::row4) {
    row_correlate(row_correlation(s, Conv2dFace::forward), x, packed, then, y, scratch);
    return;
  }
  const Correlation c = winograd_correlation(s, Conv2dFace::forward);
  with_form(algo,
            [&](auto form) { winograd_correlate<form.kOutputs>(c, x, packed, then, y, scratch); });
}

void conv2d_backward_data(const Conv2dShape& s, Conv2dAlgo algo, const float* packed,
                          const float* g, float* dx, float* scratch) {
  if (algo == Conv2dAlgo::direct) {
    direct_backward_data(s, packed, g, dx, scratch);
    return;
  }
  if (algo == Conv2dAlgo::row4) {
    row_correlate(row_correlation(s, Conv2dFace::backward_data), g, packed, {}, dx, scratch);
    return;
  }
  const Correlation c = winograd_correlation(s, Conv2dFace::backward_data);
  with_form(algo,
            [&](auto form) { winograd_correlate<form.kOutputs>(c, g, packed, {}, dx, scratch); });
}

void conv2d_backward_weights(const Conv2dShape& s, Conv2dAlgo algo, const float* x, const float* g,
                             float* dw, float* scratch) {
  if (algo == Conv2dAlgo::direct || algo == Conv2dAlgo::row4) {
    direct_backward_weights(s, x, g, dw, scratch);
    return;
  }
  with_form(algo,
            [&](auto form) { winograd_backward_weights<form.kOutputs>(s, x, g, dw, scratch); });
}

int64_t conv2d_scratch(const Conv2dShape& s, Conv2dAlgo algo, Conv2dFace face) {
  const bool row = algo == Conv2dAlgo::row4;
  if (row && face != Conv2dFace::backward_weights) return row_scratch(row_correlation(s, face));
  if (!row && algo != Conv2dAlgo::direct) {
    return with_form(algo, [&](auto form) {
      return face == Conv2dFace::backward_weights
                 ? winograd_weights_scratch<form.kOutputs>(s)
                 : winograd_scratch<form.kOutputs>(winograd_correlation(s, face));
    });
  }
  if (face == Conv2dFace::forward) return direct_forward_scratch(s);
  return face == Conv2dFace::backward_data ? direct_data_scratch(s) : direct_weights_scratch(s);
}

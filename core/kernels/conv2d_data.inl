// Direct convolution, backward to the data: dx[h] = sum over the (p, i) with
// p * stride + i * dilation = h + pad of g[p] w[i]. Rows h of equal (h + pad) mod stride use the same
// taps, every (stride / gcd)-th one, and consecutive such rows use consecutive p: for each of these
// phases it is a correlation of g with stride 1, the taps in reverse order. With stride 1 there is
// one phase.

/// One phase of one axis.
struct Phase {
  int64_t first_out;  ///< smallest h of the phase; the others follow at distance `stride`
  int64_t outs;       ///< how many h
  int64_t first_tap, tap_step, taps;
  int64_t dilation;  ///< of the correlation over g
  int64_t pad;       ///< of the correlation over g
};

inline int64_t gcd_of(int64_t a, int64_t b) { return b == 0 ? a : gcd_of(b, a % b); }

Phase phase_of(int64_t remainder, int64_t size, int64_t pad, int64_t stride, int64_t dilation,
               int64_t kernel) {
  Phase phase = {};
  phase.first_out = ((remainder - pad) % stride + stride) % stride;
  phase.outs = phase.first_out < size ? ceil_div(size - phase.first_out, stride) : 0;
  const int64_t common = gcd_of(stride, dilation);
  phase.tap_step = stride / common;
  phase.dilation = dilation / common;
  while (phase.first_tap < kernel && phase.first_tap * dilation % stride != remainder) {
    ++phase.first_tap;
  }
  phase.taps = phase.first_tap < kernel ? ceil_div(kernel - phase.first_tap, phase.tap_step) : 0;
  if (phase.taps == 0) return phase;
  const int64_t first_p = (phase.first_out + pad - phase.first_tap * dilation) / stride;
  phase.pad = (phase.taps - 1) * phase.dilation - first_p;
  return phase;
}

Correlation phase_correlation(const Conv2dShape& s, const Phase& ph, const Phase& pw) {
  return {.n = s.n,
          .in_h = s.oh(),
          .in_w = s.ow(),
          .depth = s.k,
          .out_h = ph.outs,
          .out_w = pw.outs,
          .width = s.c,
          .taps_h = ph.taps,
          .taps_w = pw.taps,
          .stride_h = 1,
          .stride_w = 1,
          .dilation_h = ph.dilation,
          .dilation_w = pw.dilation,
          .pad_h = ph.pad,
          .pad_w = pw.pad,
          .out_image = s.h * s.w * s.c,
          .out_row = s.stride_h * s.w * s.c,
          .out_pixel = s.stride_w * s.c};
}

/// packed rows (i', j', k) of w[k, i, j, :], taps of the phase in reverse order.
void pack_reversed(const Conv2dShape& s, const Phase& ph, const Phase& pw, const float* w,
                   float* packed) {
  const int64_t taps = ph.taps * pw.taps;
  const bool parallel = taps * s.k * s.c >= kSerialElements;
  share_out(panel_count(s.c), taps, parallel, [&](int64_t panel, int64_t tap) {
    const int64_t i = ph.first_tap + (ph.taps - 1 - tap / pw.taps) * ph.tap_step;
    const int64_t j = pw.first_tap + (pw.taps - 1 - tap % pw.taps) * pw.tap_step;
    float* out = packed + panel * kPanel * taps * s.k + tap * s.k * panel_width(s.c, panel);
    pack_panel(w + (i * s.kw + j) * s.c, s.kh * s.kw * s.c, 1, 0, s.k, s.c, panel, out);
  });
}

/// visit(correlation, phase of h, phase of w, offset of its packed weights) for every phase.
template <class Visit> inline void for_each_phase(const Conv2dShape& s, const Visit& visit) {
  int64_t offset = 0;
  for (int64_t rh = 0; rh < s.stride_h; ++rh) {
    const Phase ph = phase_of(rh, s.h, s.pad_h, s.stride_h, s.dilation_h, s.kh);
    for (int64_t rw = 0; rw < s.stride_w; ++rw) {
      const Phase pw = phase_of(rw, s.w, s.pad_w, s.stride_w, s.dilation_w, s.kw);
      const Correlation backward = phase_correlation(s, ph, pw);
      visit(backward, ph, pw, offset);
      offset += round_up(packed_size(backward.reduction(), s.c), 16);
    }
  }
}

int64_t direct_data_packed_size(const Conv2dShape& s) {
  if (is_pointwise(s)) return packed_size(s.k, s.c);
  int64_t size = 0;
  for_each_phase(s, [&](const Correlation& c, const Phase&, const Phase&, int64_t offset) {
    size = offset + packed_size(c.reduction(), s.c);
  });
  return size;
}

void direct_data_pack(const Conv2dShape& s, const float* w, float* packed) {
  if (is_pointwise(s)) {
    pack_panels(w, s.c, 1, s.k, s.c, packed);
    return;
  }
  for_each_phase(s, [&](const Correlation&, const Phase& ph, const Phase& pw, int64_t offset) {
    pack_reversed(s, ph, pw, w, packed + offset);
  });
}

void direct_backward_data(const Conv2dShape& s, const float* packed, const float* g, float* dx,
                          float* scratch) {
  if (is_pointwise(s)) {
    matmul_packed(s.n * s.h * s.w, s.c, s.k, g, packed, dx, {}, scratch);
    return;
  }
  for_each_phase(s, [&](const Correlation& c, const Phase& ph, const Phase& pw, int64_t offset) {
    if (ph.outs == 0 || pw.outs == 0) return;
    float* first = dx + (ph.first_out * s.w + pw.first_out) * s.c;
    if (is_narrow(c)) {
      correlate_narrow(c, g, packed + offset, {}, first, scratch);
    } else {
      correlate(c, g, packed + offset, {{}, first}, scratch);
    }
  });
}

int64_t direct_data_scratch(const Conv2dShape& s) {
  if (is_pointwise(s)) return matmul_packed_scratch(s.n * s.h * s.w, s.c, s.k);
  int64_t most = 0;
  for_each_phase(s, [&](const Correlation& c, const Phase& ph, const Phase& pw, int64_t) {
    if (ph.outs > 0 && pw.outs > 0) most = max_of(most, thread_scratch_of(c));
  });
  return omp_get_max_threads() * most;
}

// Convolutions whose result has one channel: the classic 1-to-1 filters, and backward to a
// one-channel image. Vectors of output channels would leave all lanes but one idle; here a vector
// is a run of neighbouring output pixels of one row instead. For that the input is copied a strip
// at a time into planes, one a channel, padded with zeros all round.

constexpr int64_t kNarrowRows = 8;  // output rows of a strip
constexpr int64_t kNarrowVecs = 2;

/// Floats of a row of a plane: whole vectors of pixels, and what the window adds.
int64_t plane_row(const Correlation& s) {
  return round_up(s.out_w, kNarrowVecs * kLanes) + (s.taps_w - 1) * s.dilation_w;
}
int64_t plane_rows(const Correlation& s) {
  return (kNarrowRows - 1) * s.stride_h + (s.taps_h - 1) * s.dilation_h + 1;
}

bool is_narrow(const Correlation& s) {
  constexpr int64_t kDeepest = 64;  // deeper, the planes outgrow the L2 cache
  return s.width == 1 && s.stride_w == 1 && s.out_pixel == 1 && s.depth <= kDeepest &&
         s.taps_h * s.taps_w > 0;
}

int64_t narrow_size(const Correlation& s) {
  return round_up(s.depth * plane_rows(s) * plane_row(s), 16);
}

/// `count` pixels of `depth` channels into planes `plane` floats apart.
void split_channels(const float* pixels, int64_t count, int64_t depth, int64_t plane, float* out) {
  if (depth == 1) {
    __builtin_memcpy(out, pixels, sizeof(float) * static_cast<size_t>(count));
    return;
  }
  for (int64_t q = 0; q < count; q += kLanes) {
    for (int64_t c = 0; c < depth; c += kLanes) {
      const int64_t across = min_of(kLanes, count - q), deep = min_of(kLanes, depth - c);
      Vec block[kLanes] = {};
      for (int64_t e = 0; e < across; ++e) {
        block[e] = load_columns(pixels + (q + e) * depth + c, deep);
      }
      transpose(block);
      for (int64_t e = 0; e < deep; ++e) {
        float* to = out + (c + e) * plane + q;
        if (across == kLanes) {
          store(to, block[e]);
        } else {
          store_first(to, block[e], across);
        }
      }
    }
  }
}

/// Input rows [low, low + plane_rows) and columns from -pad_w on, zeros outside the image.
void copy_planes(const Correlation& s, const float* image, int64_t low, float* out) {
  const int64_t length = plane_row(s), rows = plane_rows(s);
  const int64_t left = clamp_of(s.pad_w, 0, length), first = clamp_of(-s.pad_w, 0, s.in_w);
  const int64_t inside = clamp_of(s.in_w - first, 0, length - left);
  for (int64_t r = 0; r < rows; ++r) {
    const int64_t h = low + r;
    const bool exists = h >= 0 && h < s.in_h;
    const int64_t begin = exists ? left : 0, end = exists ? left + inside : 0;
    for (int64_t c = 0; c < s.depth; ++c) {
      float* row = out + (c * rows + r) * length;
      for (int64_t e = 0; e < begin; ++e) row[e] = 0.0f;
      for (int64_t e = end; e < length; ++e) row[e] = 0.0f;
    }
    if (!exists) continue;
    split_channels(image + (h * s.in_w + first) * s.depth, inside, s.depth, rows * length,
                   out + r * length + begin);
  }
}

/// kRows output rows of kNarrowVecs vectors of pixels; `planes` points under the first of them.
template <int kRows>
void narrow_tile(const Correlation& s, const float* planes, const float* packed, Vec start,
                 Vec (&sum)[kRows][kNarrowVecs]) {
  const int64_t length = plane_row(s), plane = plane_rows(s) * length;
  const int64_t down = s.stride_h * length;
  for (int p = 0; p < kRows; ++p) {
    for (int v = 0; v < kNarrowVecs; ++v) sum[p][v] = start;
  }
  for (int64_t c = 0; c < s.depth; ++c) {
    for (int64_t i = 0; i < s.taps_h; ++i) {
      const float* x = planes + c * plane + i * s.dilation_h * length;
      const float* w = packed + (i * s.taps_w * s.depth + c) * kLanes;
      for (int64_t j = 0; j < s.taps_w; ++j) {
        const Vec weight = broadcast(*w);
#pragma GCC unroll 4
        for (int p = 0; p < kRows; ++p) {
#pragma GCC unroll 2
          for (int v = 0; v < kNarrowVecs; ++v) {
            sum[p][v] += weight * load(x + p * down + v * kLanes);
          }
        }
        x += s.dilation_w;
        w += s.depth * kLanes;
      }
    }
  }
}

template <int kRows>
void narrow_rows(const Correlation& s, const float* planes, const float* packed,
                 const Conv2dEpilogue<float>& then, float* y) {
  const Vec start = broadcast(then.bias ? *then.bias : 0.0f);
  for (int64_t q = 0; q < s.out_w; q += kNarrowVecs * kLanes) {
    Vec sum[kRows][kNarrowVecs];
    narrow_tile<kRows>(s, planes + q, packed, start, sum);
    for (int p = 0; p < kRows; ++p) {
      for (int v = 0; v < kNarrowVecs; ++v) {
        const int64_t exist = s.out_w - q - v * kLanes;
        const Vec out = then.relu ? rectified(sum[p][v]) : sum[p][v];
        float* to = y + p * s.out_row + q + v * kLanes;
        if (exist >= kLanes) {
          store(to, out);
        } else if (exist > 0) {
          store_first(to, out, exist);
        }
      }
    }
  }
}

/// A narrow correlation, with bias and ReLU but no pool.
void correlate_narrow(const Correlation& s, const float* x, const float* packed,
                      const Conv2dEpilogue<float>& then, float* y, float* scratch) {
  if (s.out_h <= 0 || s.out_w <= 0) return;
  constexpr int kTogether = 4;
  const bool parallel = s.n * s.out_h * s.out_w * s.reduction() >= kSerialMultiplyAdds;
  share_out(s.n, ceil_div(s.out_h, kNarrowRows), parallel, [&](int64_t image, int64_t strip) {
    const int64_t begin = strip * kNarrowRows, end = min_of(begin + kNarrowRows, s.out_h);
    float* planes = scratch + omp_get_thread_num() * narrow_size(s);
    copy_planes(s, x + image * s.in_h * s.in_w * s.depth, begin * s.stride_h - s.pad_h, planes);
    for (int64_t p = begin; p < end;) {
      const float* under = planes + (p - begin) * s.stride_h * plane_row(s);
      float* to = y + image * s.out_image + p * s.out_row;
      if (p + kTogether <= end) {
        narrow_rows<kTogether>(s, under, packed, then, to);
        p += kTogether;
      } else {
        narrow_rows<1>(s, under, packed, then, to);
        ++p;
      }
    }
  });
}

// Backward to the weights of a 1-to-1 filter: every tap is a dot product of g with x shifted, a
// vector of pixels at a time; the lanes are added at the end.

bool is_filter(const Conv2dShape& s) { return s.c == 1 && s.k == 1 && s.stride_w == 1; }

/// Images are summed in so many parts at most, and a part in rows of its own.
int64_t filter_parts(const Conv2dShape& s) { return clamp_of(s.n, 1, 16); }

/// Scratch of one thread: the padded image, then g with its rows filled up to whole vectors.
int64_t filter_row(const Conv2dShape& s) {
  return round_up(s.ow(), kLanes) + (s.kw - 1) * s.dilation_w;
}
int64_t filter_rows(const Conv2dShape& s) {
  return (s.oh() - 1) * s.stride_h + (s.kh - 1) * s.dilation_h + 1;
}
int64_t filter_thread_scratch(const Conv2dShape& s) {
  return round_up(filter_rows(s) * filter_row(s) + s.oh() * round_up(s.ow(), kLanes), 16);
}
int64_t filter_scratch(const Conv2dShape& s) {
  return round_up(filter_parts(s) * s.w_size(), 16) +
         omp_get_max_threads() * filter_thread_scratch(s);
}

/// Adds one image to the sums of kTaps neighbouring taps of a window row.
template <int kTaps>
void filter_taps(const Conv2dShape& s, const float* x, const float* g, float* sums) {
  const int64_t across = round_up(s.ow(), kLanes), down = s.stride_h * filter_row(s);
  Vec sum[kTaps] = {};
  for (int64_t p = 0; p < s.oh(); ++p) {
    for (int64_t q = 0; q < across; q += kLanes) {
      const Vec gv = load(g + p * across + q);
#pragma GCC unroll 8
      for (int j = 0; j < kTaps; ++j) sum[j] += gv * load(x + p * down + q + j * s.dilation_w);
    }
  }
  for (int j = 0; j < kTaps; ++j) sums[j] += sum_of_lanes(sum[j]);
}

void filter_image(const Conv2dShape& s, const float* x, const float* g, float* sums,
                  float* scratch) {
  constexpr int kTogether = 8;
  const int64_t length = filter_row(s), rows = filter_rows(s);
  const int64_t across = round_up(s.ow(), kLanes);
  float* padded_g = scratch + rows * length;
  for (int64_t r = 0; r < rows; ++r) {
    const int64_t h = r - s.pad_h;
    const bool exists = h >= 0 && h < s.h;
    copy_padded(x + (exists ? h * s.w : 0), exists ? s.w : 0, 1, 1, length, s.pad_w,
                scratch + r * length);
  }
  copy_padded(g, s.ow(), 1, s.oh(), across, 0, padded_g);
  for (int64_t i = 0; i < s.kh; ++i) {
    for (int64_t j = 0; j < s.kw;) {
      const float* under = scratch + i * s.dilation_h * length + j * s.dilation_w;
      float* to = sums + i * s.kw + j;
      if (j + kTogether <= s.kw) {
        filter_taps<kTogether>(s, under, padded_g, to);
        j += kTogether;
      } else {
        filter_taps<1>(s, under, padded_g, to);
        ++j;
      }
    }
  }
}

void filter_backward_weights(const Conv2dShape& s, const float* x, const float* g, float* dw,
                             float* scratch) {
  const int64_t parts = filter_parts(s), taps = s.w_size();
  float* threads = scratch + round_up(parts * taps, 16);
  share_out(parts, s.y_size() * taps >= kSerialMultiplyAdds, [&](int64_t part) {
    float* sums = scratch + part * taps;
    for (int64_t t = 0; t < taps; ++t) sums[t] = 0.0f;
    for (int64_t n = s.n * part / parts; n < s.n * (part + 1) / parts; ++n) {
      filter_image(s, x + n * s.h * s.w, g + n * s.oh() * s.ow(), sums,
                   threads + omp_get_thread_num() * filter_thread_scratch(s));
    }
  });
  for (int64_t t = 0; t < taps; ++t) {
    float sum = 0.0f;
    for (int64_t part = 0; part < parts; ++part) sum += scratch[part * taps + t];
    dw[t] = sum;
  }
}

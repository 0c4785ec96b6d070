// Convolution, backward to the weights: dw[k, i, j, c] = sum over n, p, q of
// x[n, p * stride + i * dilation - pad, ..., c] * g[n, p, q, k].
//
// The same tile with its roles turned: its rows are the (j, c) of one window row i, its columns
// vectors of k, and the sum runs over output pixels, so x is read transposed and g is b as it lies.
// Work is cut into (part of the images, window row i, panel of k); each piece owns a buffer, and
// the parts are added in order. The cut depends on the shape only. x and g are copied a strip at a
// time: one copy for KW * 32 multiply-adds a number, and it brings padding and whole vectors of k.

struct WeightSplit {
  int64_t parts;   ///< of the images
  int64_t pieces;  ///< parts * kh * panels
  int64_t rows;    ///< KW * C, the rows of one piece
};

WeightSplit weight_split(const Conv2dShape& s) {
  constexpr int64_t kPieces = 16;  // enough work for many threads, little to add up at the end
  const int64_t pieces_per_part = max_of(1, s.kh * panel_count(s.k));
  const int64_t parts = clamp_of(ceil_div(kPieces, pieces_per_part), 1, max_of(1, s.n));
  return {parts, parts * pieces_per_part, s.kw * s.c};
}

/// Output rows of one pass: their input rows and their part of g stay in the L2 cache.
int64_t weight_strip_rows(const Conv2dShape& s) {
  constexpr int64_t kBudget = 1 << 15;
  const int64_t row = max_of(forward_correlation(s).span_w() * s.c, s.ow() * kPanel);
  return clamp_of(kBudget / max_of(1, row), 1, max_of(1, s.n * s.oh()));
}

/// Scratch of one thread: padded input rows, then a panel of g.
int64_t weight_x_scratch(const Conv2dShape& s) {
  return round_up(weight_strip_rows(s) * forward_correlation(s).span_w() * s.c, 16);
}
int64_t weight_thread_scratch(const Conv2dShape& s) {
  return weight_x_scratch(s) + round_up(weight_strip_rows(s) * s.ow() * kPanel, 16);
}

/// One piece: dw[panel of k, i, :, :] from the images [first, last), as sums[KW * C, width]. The
/// output rows of all these images form one long list, cut into strips: small images share a strip,
/// so that the sums seldom leave their registers.
struct WeightPiece {
  int64_t first_image, last_image, i, panel;
  float* sums;
};

/// Copies output rows [begin, end) of the list: their input rows, padded, and their panel of g.
void copy_strip(const Conv2dShape& s, const WeightPiece& piece, const Range& rows, int64_t begin,
                int64_t end, const float* x, const float* g, float* x_rows, float* g_rows) {
  const int64_t per_image = rows.last - rows.first;
  const int64_t span = forward_correlation(s).span_w();
  const int64_t width = panel_width(s.k, piece.panel);
  for (int64_t at = begin; at < end; ++at) {
    const int64_t image = piece.first_image + at / per_image;
    const int64_t p = rows.first + at % per_image;
    const int64_t h = p * s.stride_h + piece.i * s.dilation_h - s.pad_h;
    copy_padded(x + (image * s.h + h) * s.w * s.c, s.w, s.c, 1, span, s.pad_w,
                x_rows + (at - begin) * span * s.c);
    pack_panel(g + (image * s.oh() + p) * s.ow() * s.k, s.k, 1, 0, s.ow(), s.k, piece.panel,
               g_rows + (at - begin) * s.ow() * width);
  }
}

void weights_of_piece(const Conv2dShape& s, const WeightPiece& piece, const float* x,
                      const float* g, float* scratch) {
  const int64_t width = panel_width(s.k, piece.panel);
  const int64_t strip = weight_strip_rows(s);
  float* g_rows = scratch + weight_x_scratch(s);
  for (int64_t e = 0; e < s.kw * s.c * width; ++e) piece.sums[e] = 0.0f;

  // Output rows whose input row p * stride + i * dilation - pad lies inside the image.
  const Range rows = valid_taps(piece.i * s.dilation_h - s.pad_h, s.stride_h, s.oh(), s.h);
  const int64_t total = (piece.last_image - piece.first_image) * (rows.last - rows.first);
  const bool joined = s.dilation_w == 1;
  for (int64_t begin = 0; begin < total; begin += strip) {
    const int64_t end = min_of(begin + strip, total);
    copy_strip(s, piece, rows, begin, end, x, g, scratch, g_rows);
    for (int64_t j = 0; j < (joined ? 1 : s.kw); ++j) {
      const Tile t = {
          .a = scratch + j * s.dilation_w * s.c,
          .lda = s.stride_w * s.c,
          .steps_h = end - begin,
          .steps_w = 1,
          .a_step_h = forward_correlation(s).span_w() * s.c,
          .a_step_w = 0,
          .length = s.ow(),
          .b = g_rows,
          .ldb = width,
          .c = piece.sums + j * s.c * width,
          .ldc = width,
          .columns = width,
          .accumulate = true,
      };
      tile_rows<ReadA::columns>(joined ? s.kw * s.c : s.c, t);
    }
  }
}

/// dw from the pieces [part][i][panel][KW * C][width], the parts added in order.
void add_parts(const Conv2dShape& s, const WeightSplit& split, const float* pieces, float* dw) {
  const int64_t panels = panel_count(s.k);
  const int64_t piece_size = split.rows * kPanel;
  const int64_t part_size = s.kh * panels * piece_size;
  const bool parallel = s.w_size() >= kSerialElements;
  share_out(s.kh * panels, parallel, [&](int64_t piece) {
    for (int64_t r = 0; r < split.rows; ++r) {
      const int64_t i = piece / panels, panel = piece % panels;
      const int64_t width = panel_width(s.k, panel);
      float sums[kPanel];
      for (int64_t v = 0; v < width; v += kLanes) {
        Vec sum = {};
        for (int64_t part = 0; part < split.parts; ++part) {
          sum += load(pieces + part * part_size + piece * piece_size + r * width + v);
        }
        store(sums + v, sum);
      }
      const int64_t first_k = panel * kPanel;
      for (int64_t k = first_k; k < min_of(first_k + kPanel, s.k); ++k) {
        dw[(k * s.kh + i) * split.rows + r] = sums[k - first_k];
      }
    }
  });
}

void direct_backward_weights(const Conv2dShape& s, const float* x, const float* g, float* dw,
                             float* scratch) {
  const WeightSplit split = weight_split(s);
  const int64_t panels = panel_count(s.k);
  const int64_t piece_size = split.rows * kPanel;
  float* thread_scratch = scratch + round_up(split.pieces * piece_size, 16);
  const int64_t products = s.y_size() * s.kh * s.kw * s.c;

  share_out(split.pieces, products >= kSerialMultiplyAdds, [&](int64_t index) {
    const int64_t part = index / (panels * s.kh);
    const WeightPiece piece = {
        .first_image = s.n * part / split.parts,
        .last_image = s.n * (part + 1) / split.parts,
        .i = index / panels % s.kh,
        .panel = index % panels,
        .sums = scratch + index * piece_size,
    };
    weights_of_piece(s, piece, x, g,
                     thread_scratch + omp_get_thread_num() * weight_thread_scratch(s));
  });
  add_parts(s, split, scratch, dw);
}

int64_t direct_weights_scratch(const Conv2dShape& s) {
  const WeightSplit split = weight_split(s);
  return round_up(split.pieces * split.rows * kPanel, 16) +
         omp_get_max_threads() * weight_thread_scratch(s);
}

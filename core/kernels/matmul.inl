// Matrix product: b is packed into panels once, then the threads share the tiles of c.

int64_t matmul_scratch(int64_t, int64_t n, int64_t k) { return packed_size(k, n); }

/// c = op(a) b for b [k, n] packed by pack_panels, then bias and ReLU (no pool).
void matmul_packed(int64_t m, int64_t n, int64_t k, const float* a, bool transpose_a,
                   const float* packed, float* c, const Conv2dEpilogue<float>& then = {}) {
  constexpr int64_t kRowBlock = 4 * kTileRows;
  const int64_t panels = panel_count(n);
  const int64_t row_blocks = ceil_div(m, kRowBlock);
  const bool parallel = m * n * k >= kSerialMultiplyAdds;

  share_out(row_blocks, panels, parallel, [&](int64_t block, int64_t panel) {
    const int64_t first = block * kRowBlock;
    const Tile t = {
        .a = a + first * (transpose_a ? 1 : k),
        .lda = transpose_a ? m : k,
        .steps_h = 1,
        .steps_w = 1,
        .a_step_h = 0,
        .a_step_w = 0,
        .length = k,
        .b = packed + panel * kPanel * k,
        .ldb = panel_width(n, panel),
        .c = c + first * n + panel * kPanel,
        .ldc = n,
        .columns = min_of(kPanel, n - panel * kPanel),
        .accumulate = false,
        .bias = then.bias ? then.bias + panel * kPanel : nullptr,
        .relu = then.relu,
    };
    const int64_t rows = min_of(kRowBlock, m - first);
    if (transpose_a) {
      tile_rows<ReadA::columns>(rows, t);
    } else {
      tile_rows<ReadA::rows>(rows, t);
    }
  });
}

void matmul(int64_t m, int64_t n, int64_t k, const float* a, bool transpose_a, const float* b,
            bool transpose_b, float* c, float* scratch) {
  pack_panels(b, transpose_b ? 1 : n, transpose_b ? k : 1, k, n, scratch);
  matmul_packed(m, n, k, a, transpose_a, scratch, c);
}

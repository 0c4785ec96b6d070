// Convolution with a 1x1 window, stride 1, backward to the weights: the matrix product
// dw[K, C] = g' x over all pixels. (Its other faces are the products of conv2d.inl, conv2d_data.inl.)

Product pointwise_weights(const Conv2dShape& s, const float* x, const float* g, float* dw) {
  return {.m = s.k,
          .n = s.c,
          .k = s.n * s.h * s.w,
          .a = g,
          .transpose_a = true,
          .b = x,
          .transpose_b = false,
          .packed = false,
          .c = dw};
}

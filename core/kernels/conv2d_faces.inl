// conv2d's entries of the kernel table: each face goes to the algorithm that is asked for.

int64_t conv2d_packed_size(const Conv2dShape& s, Conv2dAlgo, Conv2dFace face) {
  return face == Conv2dFace::forward ? direct_packed_size(s) : direct_data_packed_size(s);
}

void conv2d_pack(const Conv2dShape& s, Conv2dAlgo, Conv2dFace face, const float* w, float* packed) {
  if (face == Conv2dFace::forward) {
    direct_pack(s, w, packed);
  } else {
    direct_data_pack(s, w, packed);
  }
}

void conv2d(const Conv2dShape& s, Conv2dAlgo, const float* x, const float* packed,
            const Conv2dEpilogue<float>& then, float* y, float* scratch) {
  direct_forward(s, x, packed, then, y, scratch);
}

void conv2d_backward_data(const Conv2dShape& s, Conv2dAlgo, const float* packed, const float* g,
                          float* dx, float* scratch) {
  direct_backward_data(s, packed, g, dx, scratch);
}

void conv2d_backward_weights(const Conv2dShape& s, Conv2dAlgo, const float* x, const float* g,
                             float* dw, float* scratch) {
  direct_backward_weights(s, x, g, dw, scratch);
}

int64_t conv2d_scratch(const Conv2dShape& s, Conv2dAlgo, Conv2dFace face) {
  if (face == Conv2dFace::forward) return direct_forward_scratch(s);
  return face == Conv2dFace::backward_data ? direct_data_scratch(s) : direct_weights_scratch(s);
}

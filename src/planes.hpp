// Layers with few channels on planes: a vector holds one channel of neighbouring pixels.
#pragma once

#include <cstring>
#include <vector>

#include "kernels.hpp"

namespace aliked {

constexpr int kStep = 2 * kLanes;  // pixels, two vectors; the width of a padded image is a multiple of it

// Eight pixels, `step` apart, with eight numbers each, as eight planes.
template <class Number>
inline void transpose(const Number* in, ptrdiff_t step, float* out, ptrdiff_t pitch) {
  Vector<8> a[8], b[8];
  for (int i = 0; i < 8; ++i) a[i] = load<8>(in + i * step);
#pragma GCC unroll 4
  for (int i = 0; i < 8; i += 2) {  // pairs of pixels
    b[i] = shuffle<8, 0, 8, 1, 9, 4, 12, 5, 13>(a[i], a[i + 1]);
    b[i + 1] = shuffle<8, 2, 10, 3, 11, 6, 14, 7, 15>(a[i], a[i + 1]);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {  // fours
    const int from = i / 2 * 4 + i % 2;
    a[2 * i] = shuffle<8, 0, 1, 8, 9, 4, 5, 12, 13>(b[from], b[from + 2]);
    a[2 * i + 1] = shuffle<8, 2, 3, 10, 11, 6, 7, 14, 15>(b[from], b[from + 2]);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    store<8>(out + i * pitch, shuffle<8, 0, 1, 2, 3, 8, 9, 10, 11>(a[i], a[i + 4]));
    store<8>(out + (i + 4) * pitch, shuffle<8, 4, 5, 6, 7, 12, 13, 14, 15>(a[i], a[i + 4]));
  }
}

// The last three rows of some planes, zero beside and outside the image.
struct Ring {
  Ring(int channels, int width)
      : channels(channels), pitch(width + 2 + kStep), values(size_t(3) * channels * pitch, 0.0f) {}
  float* row(int y) { return values.data() + ptrdiff_t((y + 3) % 3) * channels * pitch; }
  void clear(int y) { std::memset(row(y), 0, sizeof(float) * channels * pitch); }

  int channels;
  ptrdiff_t pitch;
  std::vector<float> values;
};

// 3x3 convolution of one row of planes; `out` is the first pixel of the first plane.
template <int in_channels, int out_channels, Activation activation>
void convolve_planes(Ring& in, int y, const float* weights, float* out, ptrdiff_t out_pitch, int width) {
  const float* rows[3] = {in.row(y - 1), in.row(y), in.row(y + 1)};
  for (int x = 0; x < width; x += kStep) {
    Vector<kLanes> sum[out_channels][2] = {};
    for (int c = 0; c < in_channels; ++c)
      for (int ky = 0; ky < 3; ++ky)
        for (int kx = 0; kx < 3; ++kx) {
          const float* from = rows[ky] + c * in.pitch + x + kx;
          const Vector<kLanes> left = load<kLanes>(from), right = load<kLanes>(from + kLanes);
#pragma GCC unroll 4
          for (int o = 0; o < out_channels; ++o) {
            const float weight = weights[(o * in_channels + c) * 9 + ky * 3 + kx];
            sum[o][0] += left * weight;
            sum[o][1] += right * weight;
          }
        }
    for (int o = 0; o < out_channels; ++o)
      for (int v = 0; v < 2; ++v)
        store<kLanes>(out + o * out_pitch + x + v * kLanes, activate<kLanes, activation>(sum[o][v]));
  }
}

// out = SELU(start + in times the weights): planes of kStep pixels.
inline void multiply_planes(const float* in, const Weights& weights, const float* start, float* out,
                            ptrdiff_t out_pitch) {
  constexpr int outputs = kLanes == 16 ? 8 : 4;  // as many sums as registers hold
  for (int first = 0; first < weights.outputs; first += outputs) {
    const int block = weights.block;
    const float* weight = weights.data + ptrdiff_t(first / block) * block * weights.inputs + first % block;
    Vector<kLanes> sum[outputs][2];
    for (int o = 0; o < outputs; ++o)
      for (int v = 0; v < 2; ++v) sum[o][v] = load<kLanes>(start + (first + o) * kStep + v * kLanes);
    for (int i = 0; i < weights.inputs; ++i, weight += block) {
      const Vector<kLanes> left = load<kLanes>(in + i * kStep), right = load<kLanes>(in + i * kStep + kLanes);
#pragma GCC unroll 8
      for (int o = 0; o < outputs; ++o) {
        sum[o][0] += left * weight[o];
        sum[o][1] += right * weight[o];
      }
    }
    for (int o = 0; o < outputs; ++o)
      for (int v = 0; v < 2; ++v)
        store<kLanes>(out + (first + o) * out_pitch + v * kLanes, selu<kLanes>(sum[o][v]));
  }
}

}  // namespace aliked

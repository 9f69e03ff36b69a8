// Eight outputs by vectors of sixteen: an even lane sums up half of the inputs, the odd one behind it the others.
#pragma once

#include <cstring>
#include <type_traits>
#include <vector>

#include "kernels.hpp"

namespace aliked {

// The weights of a 3x3 convolution to eight outputs: vectors [pair of inputs][output][input of the pair], for each
// row of the kernel. The last one of an odd number of inputs stands alone, beside zeros.
class Pairs {
 public:
  Pairs() = default;
  explicit Pairs(const Weights& weights) {
    const int length = weights.inputs / 3;
    const float* from = weights.data;
    for (int ky = 0; ky < 3; ++ky)
      for (int i = 0; i < length; ++i, from += 8) {
        if (i % 2 == 0) numbers_.resize(numbers_.size() + 16);
        for (int o = 0; o < 8; ++o) numbers_[numbers_.size() - 16 + 2 * o + i % 2] = from[o];
      }
    for (int o = 0; o < 16; ++o) numbers_.push_back(weights.bias[o % 8]);  // of two pixels
  }

  const float* data() const { return numbers_.data(); }

 private:
  std::vector<float> numbers_;
};

// Multiply three segments, as in kernels.hpp; the outputs of the pixels lie one behind the other.
template <int pixels, Activation activation>
inline void multiply_pairs(const Segment* segments, const Pairs& pairs, float* out) {
  const float* weights = pairs.data();
  typedef int64_t Both __attribute__((vector_size(64)));
  Vector<16> sum[pixels + 1] = {};  // of an even number of pixels
  for (int s = 0; s < 3; ++s) {
    const float* in = segments[s].in;
    const ptrdiff_t step = segments[s].step;
    const int length = segments[s].length;
    for (int i = 0; i + 1 < length; i += 2, weights += 16) {
      const Vector<16> weight = load<16>(weights);
#pragma GCC unroll 16
      for (int p = 0; p < pixels; ++p) {
        int64_t both;
        std::memcpy(&both, in + p * step + i, sizeof(both));
        sum[p] += Vector<16>(Both{} + both) * weight;
      }
    }
    if (length % 2) {
      const Vector<16> weight = load<16>(weights);
      weights += 16;
#pragma GCC unroll 16
      for (int p = 0; p < pixels; ++p) sum[p] += in[p * step + length - 1] * weight;
    }
  }
  const Vector<16> bias = load<16>(weights);
#pragma GCC unroll 16
  for (int p = 0; p < pixels; p += 2) {
    const Vector<16> a = sum[p], b = sum[p + 1];
    const Vector<16> even = shuffle<16, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30>(a, b);
    const Vector<16> odd = shuffle<16, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31>(a, b);
    const Vector<16> value = activate<16, activation>(bias + even + odd);
    if (p + 1 < pixels)
      store<16>(out + 8 * p, value);
    else
      std::memcpy(out + 8 * p, &value, sizeof(float) * 8);
  }
}

template <Activation activation>
inline void multiply_row(Segment* segments, const Pairs& pairs, float* out, int width) {
  const auto advance = [&](auto count) {
    multiply_pairs<decltype(count)::value, activation>(segments, pairs, out);
    for (int s = 0; s < 3; ++s) segments[s].in += count * segments[s].step;
    out += 8 * count;
  };
  int x = 0;
  for (; x + 16 <= width; x += 16) advance(std::integral_constant<int, 16>());
  for (; x < width; ++x) advance(std::integral_constant<int, 1>());
}

}  // namespace aliked

// Convolutions in bfloat16: products of pairs, added up in float32, by the instructions of AVX512_BF16.
//
// They are compiled into the AVX-512 build and may be called only where aliked_has_bfloat16() says so. Maps are
// as in kernels.hpp, 32 bits for two channels.
#include <type_traits>
#include <vector>

#include "average.hpp"
#include "kernels.hpp"
#include "pool.hpp"

// A matrix (outputs, inputs) in bfloat16, in blocks of 8, 16 or 32 outputs. The inputs come in groups, of four
// numbers for a block of 8 and else of two: data[output / block][group][output % block][input of the group].
struct Weights16 {
  const Bfloat16* data;
  const float* bias;  // outputs numbers
  int32_t groups, outputs, block;
};

#if defined(__AVX512F__) && defined(__GNUC__)
#pragma GCC push_options
#pragma GCC target("avx512bf16")
#include <immintrin.h>

namespace {

using namespace aliked;

// Inputs of neighbouring pixels, as in kernels.hpp; length in numbers, a multiple of the group's.
struct Segment16 {
  const Bfloat16* in;
  ptrdiff_t step;
  int length;
};

template <class Packed>
inline Packed read(const void* from) {
  Packed packed;
  __builtin_memcpy(&packed, from, sizeof(packed));
  return packed;
}

template <Activation activation, class Number>
inline void write(Number* to, __m512 sum) {
  const __m512 value = __m512(activate<16, activation>(Vector<16>(sum)));
  if constexpr (sizeof(Number) == 2)
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), (__m256i)_mm512_cvtneps_pbh(value));
  else
    _mm512_storeu_ps(to, value);
}

// `vectors` times 16 outputs of `pixels` pixels.
template <int vectors, int pixels, Activation activation, class Number>
inline void multiply_pairs(const Segment16* segments, int num_segments, const Bfloat16* weights, const float* bias,
                           Number* out, ptrdiff_t out_step) {
  __m512 sum[pixels][vectors];
  for (int p = 0; p < pixels; ++p)
    for (int v = 0; v < vectors; ++v) sum[p][v] = _mm512_loadu_ps(bias + 16 * v);
  for (int s = 0; s < num_segments; ++s) {
    const Bfloat16* in = segments[s].in;
    const ptrdiff_t step = segments[s].step;
    for (int i = 0; i < segments[s].length; i += 2, weights += 32 * vectors) {
      __m512bh weight[vectors];
#pragma GCC unroll 2
      for (int v = 0; v < vectors; ++v) weight[v] = (__m512bh)_mm512_loadu_si512(weights + 32 * v);
#pragma GCC unroll 16
      for (int p = 0; p < pixels; ++p) {
        const __m512bh pair = (__m512bh)_mm512_set1_epi32(read<int32_t>(in + p * step + i));
#pragma GCC unroll 2
        for (int v = 0; v < vectors; ++v) sum[p][v] = _mm512_dpbf16_ps(sum[p][v], weight[v], pair);
      }
    }
  }
#pragma GCC unroll 16
  for (int p = 0; p < pixels; ++p)
#pragma GCC unroll 2
    for (int v = 0; v < vectors; ++v) write<activation>(out + p * out_step + 16 * v, sum[p][v]);
}

// Eight outputs of 16 pixels, which lie one behind the other: lane 2 o holds half of the sum of output o, and
// lane 2 o + 1 the other half.
template <Activation activation>
inline void multiply_fours(const Segment16* segments, int num_segments, const Bfloat16* weights, const float* bias,
                           Bfloat16* out) {
  constexpr int pixels = 16;
  __m512 sum[pixels];
  for (int p = 0; p < pixels; ++p) sum[p] = _mm512_setzero_ps();
  for (int s = 0; s < num_segments; ++s) {
    const Bfloat16* in = segments[s].in;
    const ptrdiff_t step = segments[s].step;
    for (int i = 0; i < segments[s].length; i += 4, weights += 32) {
      const __m512bh weight = (__m512bh)_mm512_loadu_si512(weights);
#pragma GCC unroll 16
      for (int p = 0; p < pixels; ++p)
        sum[p] = _mm512_dpbf16_ps(sum[p], weight, (__m512bh)_mm512_set1_epi64(read<int64_t>(in + p * step + i)));
    }
  }
  const __m512i even = _mm512_set_epi32(30, 28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0);
  const __m512i odd = _mm512_set_epi32(31, 29, 27, 25, 23, 21, 19, 17, 15, 13, 11, 9, 7, 5, 3, 1);
  const __m512 twice = _mm512_maskz_broadcast_f32x8(0xffff, _mm256_loadu_ps(bias));
#pragma GCC unroll 8
  for (int p = 0; p < pixels; p += 2)
    write<activation>(out + 8 * p, twice + _mm512_permutex2var_ps(sum[p], even, sum[p + 1]) +
                                       _mm512_permutex2var_ps(sum[p], odd, sum[p + 1]));
}

template <int vectors, int pixels, Activation activation, class Number>
inline void multiply_row(Segment16* segments, int num_segments, const Weights16& weights, Number* out, int width) {
  const int outputs = weights.outputs;
  const ptrdiff_t block_size = ptrdiff_t(weights.groups) * 32 * vectors;
  const auto advance = [&](auto count) {
    for (int first = 0; first < outputs; first += 16 * vectors)
      multiply_pairs<vectors, decltype(count)::value, activation>(
          segments, num_segments, weights.data + first / (16 * vectors) * block_size, weights.bias + first,
          out + first, outputs);
    for (int s = 0; s < num_segments; ++s) segments[s].in += count * segments[s].step;
    out += ptrdiff_t(count) * outputs;
  };
  int x = 0;
  for (; x + pixels <= width; x += pixels) advance(std::integral_constant<int, pixels>());
  for (; x < width; ++x) advance(std::integral_constant<int, 1>());
}

// Multiply a row of pixels with all outputs. For a block of 8 outputs the width is a multiple of 16.
template <Activation activation, class Number>
inline void multiply_row(Segment16* segments, int num_segments, const Weights16& weights, Number* out, int width) {
  if (weights.block == 16) {
    multiply_row<1, 16, activation>(segments, num_segments, weights, out, width);
  } else if (weights.block == 32) {
    multiply_row<2, 8, activation>(segments, num_segments, weights, out, width);
  } else if constexpr (sizeof(Number) == 2) {
    for (int x = 0; x < width; x += 16) {
      multiply_fours<activation>(segments, num_segments, weights.data, weights.bias, out + 8 * x);
      for (int s = 0; s < num_segments; ++s) segments[s].in += 16 * segments[s].step;
    }
  }
}

void convolve(const Map16& in, const Map16* shortcut, const Weights16& weights, const Map16& out) {
  for_each(out.height, 1, [&](int y) {
    Segment16 segments[4];
    for (int ky = 0; ky < 3; ++ky) segments[ky] = {in.at(y + ky - 1, -1), in.channels, 3 * in.channels};
    if (shortcut) segments[3] = {shortcut->at(y, 0), shortcut->channels, shortcut->channels};
    multiply_row<kSelu>(segments, shortcut ? 4 : 3, weights, out.at(y, 0), out.width);
  });
}

template <Activation activation, class Number>
void multiply(const Bfloat16* in, int rows, int inputs, const Weights16& weights, Number* out) {
  const auto multiply_tile = [&](int begin, int end) {
    Segment16 segment = {in + ptrdiff_t(begin) * inputs, inputs, inputs};
    multiply_row<activation>(&segment, 1, weights, out + ptrdiff_t(begin) * weights.outputs, end - begin);
  };
  share_out(rows, 64, [&] { return multiply_tile; });
}

}  // namespace

extern "C" {

// Whether this processor has the instructions.
int aliked_has_bfloat16() { return __builtin_cpu_supports("avx512bf16") != 0; }

// out = SELU(conv3x3(in) + bias (+ the 1x1 convolution of a shortcut, whose weights follow)); at full or half
// resolution, where the width of a padded image is a multiple of 16. Returns 0, or 1 if memory is missing.
int aliked_convolve16(const Map16* in, const Map16* shortcut, const Weights16* weights, const Map16* out) {
  return aliked::out_of_memory([&] { convolve(*in, shortcut, *weights, *out); });
}

// out (rows, outputs) bfloat16 = SELU(in (rows, inputs) times the weights).
int aliked_multiply16(const Bfloat16* in, int rows, int inputs, const Weights16* weights, Bfloat16* out) {
  return aliked::out_of_memory([&] { multiply<kSelu>(in, rows, inputs, *weights, out); });
}

// out (rows, outputs) float32 = in (rows, inputs) times the weights.
int aliked_sum16(const Bfloat16* in, int rows, int inputs, const Weights16* weights, float* out) {
  return aliked::out_of_memory([&] { multiply<kLinear>(in, rows, inputs, *weights, out); });
}
}
#pragma GCC pop_options
#else
extern "C" {
int aliked_has_bfloat16() { return 0; }
int aliked_convolve16(const Map16*, const Map16*, const Weights16*, const Map16*) { return 1; }
int aliked_multiply16(const Bfloat16*, int, int, const Weights16*, Bfloat16*) { return 1; }
int aliked_sum16(const Bfloat16*, int, int, const Weights16*, float*) { return 1; }
}
#endif

// What stands between the convolutions needs no instruction of its own.
using namespace aliked;

extern "C" {

// Rows of the padded image, from `first_row` on, as RGB and a zero in [0, 255]: bfloat16 holds them exactly.
int aliked_load_image16(const Image* image, int first_row, const Map16* out) {
  Bfloat16 numbers[256];
  for (int i = 0; i < 256; ++i) {
    const float number = float(i);
    uint32_t bits;
    __builtin_memcpy(&bits, &number, sizeof(bits));
    numbers[i] = Bfloat16(bits >> 16);
  }
  return out_of_memory([&] {
    for_each(out->height, 4, [&](int y) {
      Bfloat16* to = out->at(y, 0);
      for (int x = 0; x < out->width; ++x, to += 4) {
        const uint8_t* from = nearest_pixel(*image, first_row + y, x);
        for (int c = 0; c < 3; ++c) to[c] = numbers[from[image->channels == 3 ? c : 0]];
      }
    });
  });
}

// Mean of size x size pixels, in bfloat16 or in float32.
int aliked_average_pool16(const Map16* in, int size, const Map16* out) {
  return out_of_memory([&] { average_pool(*in, size, *out); });
}

int aliked_average_pool32(const Map16* in, int size, const Map* out) {
  return out_of_memory([&] { average_pool(*in, size, *out); });
}

// out = SELU(conv1x1(in)), float32.
int aliked_project16(const Map16* in, const Weights* weights, const Map* out) {
  const auto make = [&] {
    return [&, row = std::vector<float>(size_t(in->width) * in->channels)](int y, int) mutable {
      widen(in->at(y, 0), in->width * in->channels, row.data());
      Segment segment = {row.data(), in->channels, in->channels};
      multiply_row<kSelu>(&segment, 1, *weights, out->at(y, 0), out->channels, out->width);
    };
  };
  return out_of_memory([&] { share_out(out->height, 1, make); });
}
}

// Feature maps, vectors and the one inner loop of the CPU kernels.
//
// The same sources are compiled once per instruction set (see CMakeLists.txt); GCC's and Clang's vector
// types become AVX-512, AVX2 or NEON registers. Everything is float32, but for maps in bfloat16 that may stand
// in front of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>

#if defined(__AVX2__)
#include <immintrin.h>
#endif

// A feature map, channels last, inside a border of one pixel that stays zero: a 3x3 convolution
// needs no special case at the edge. Row y begins at origin + y * stride().
template <class Number>
struct MapOf {
  Number* origin;  // first channel of pixel (0, 0)
  int32_t height, width, channels;

  ptrdiff_t stride() const { return ptrdiff_t(width + 2) * channels; }
  Number* at(int y, int x) const { return origin + y * stride() + ptrdiff_t(x) * channels; }
};
using Map = MapOf<float>;
using Bfloat16 = uint16_t;  // the upper half of a float32
using Map16 = MapOf<Bfloat16>;

// A matrix (inputs, outputs) in blocks of `block` outputs: data[output / block][input][output % block].
struct Weights {
  const float* data;
  const float* bias;  // outputs numbers
  int32_t inputs, outputs, block;
};

// Pixels in [0, 255], inside an image that is padded with its nearest pixels.
struct Image {
  const uint8_t* pixels;
  int32_t height, width, channels;  // 1 or 3 channels
  int32_t top, left;                // of the padding, px
};

namespace aliked {

#if defined(__AVX512F__)
constexpr int kLanes = 16;
#else
constexpr int kLanes = 8;
#endif

template <int lanes>
struct VectorOf {
  typedef float Float __attribute__((vector_size(lanes * 4), aligned(4), may_alias));
  typedef int32_t Int __attribute__((vector_size(lanes * 4), aligned(4), may_alias));
  typedef Bfloat16 Half __attribute__((vector_size(lanes * 2), aligned(2), may_alias));
};
template <int lanes>
using Vector = typename VectorOf<lanes>::Float;

template <int lanes>
inline Vector<lanes> load(const float* from) {
  return *reinterpret_cast<const Vector<lanes>*>(from);
}

template <int lanes>
inline Vector<lanes> load(const Bfloat16* from) {
  using Int = typename VectorOf<lanes>::Int;
#if defined(__AVX2__)  // GCC would take two halves
  if constexpr (lanes == 8)
    return Vector<lanes>(Int(_mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)))) << 16);
#endif
#if defined(__AVX512F__)
  if constexpr (lanes == 16) {
    const __m256i half = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
    return Vector<lanes>(Int(_mm512_maskz_cvtepu16_epi32(0xffff, half)) << 16);
  }
#endif
  const auto half = *reinterpret_cast<const typename VectorOf<lanes>::Half*>(from);
  return Vector<lanes>(Int(__builtin_convertvector(half, Int) << 16));
}

template <int lanes>
inline void store(float* to, Vector<lanes> value) {
  *reinterpret_cast<Vector<lanes>*>(to) = value;
}

// Rounds to the nearest, of two the even one.
template <int lanes>
inline void store(Bfloat16* to, Vector<lanes> value) {
  using Half = typename VectorOf<lanes>::Half;
  const auto bits = typename VectorOf<lanes>::Int(value);
  *reinterpret_cast<Half*>(to) = __builtin_convertvector((bits + 0x7fff + ((bits >> 16) & 1)) >> 16, Half);
}

// {all[index[0]], all[index[1]], ...} of the lanes of a and then of b.
template <int lanes, int... index>
inline Vector<lanes> shuffle(Vector<lanes> a, Vector<lanes> b) {
#if defined(__clang__)
  return __builtin_shufflevector(a, b, index...);
#else
  return __builtin_shuffle(a, b, typename VectorOf<lanes>::Int{index...});
#endif
}

// The numbers of a row of `count`, a multiple of 8, as float32.
inline void widen(const Bfloat16* from, int count, float* to) {
  int i = 0;
  for (; i + kLanes <= count; i += kLanes) store<kLanes>(to + i, load<kLanes>(from + i));
  for (; i < count; i += 8) store<8>(to + i, load<8>(from + i));
}

// exp(x) within 2 units in the last place: 2^n times the series of exp on [-ln 2 / 2, ln 2 / 2].
template <int lanes>
inline Vector<lanes> exponential(Vector<lanes> x) {
  using Int = typename VectorOf<lanes>::Int;
  constexpr float kRound = 12582912.0f;  // 1.5 * 2^23: adding it rounds to a whole number
  const Vector<lanes> zero = {};
  x = x < -87.0f ? zero - 87.0f : x;
  x = x > 88.0f ? zero + 88.0f : x;
  Vector<lanes> n = x * 1.44269504f + kRound;
  const Int exponent = Int(n) << 23;  // the cast keeps the bits
  n = n - kRound;
  const Vector<lanes> r = (x - n * 0.693359375f) + n * 2.12194440e-4f;  // ln 2 in two parts
  Vector<lanes> series = zero + 1.0f / 5040;
  for (const float inverse_factorial : {1.0f / 720, 1.0f / 120, 1.0f / 24, 1.0f / 6, 0.5f, 1.0f, 1.0f})
    series = series * r + inverse_factorial;
  return Vector<lanes>(Int(series) + exponent);
}

// 2^x within 3e-7 of it, for x <= 126; below -126 it may stay at 2^-126.
template <int lanes>
inline Vector<lanes> quick_power(Vector<lanes> x) {
#if defined(__AVX512DQ__) && defined(__AVX512VL__)
  Vector<lanes> whole;
  if constexpr (lanes == 16)
    // with a mask: without one GCC 12 warns of its own header
    whole = Vector<lanes>(_mm512_maskz_roundscale_ps(0xffff, __m512(x), 8));
  else
    whole = Vector<lanes>(_mm256_maskz_roundscale_ps(0xff, __m256(x), 8));
#else
  using Int = typename VectorOf<lanes>::Int;
  constexpr float kRound = 12582912.0f;  // as above
  x = x < -126.0f ? Vector<lanes>{} - 126.0f : x;
  const Vector<lanes> shifted = x + kRound, whole = shifted - kRound;
#endif
  const Vector<lanes> f = x - whole;  // 2^f - 1 = f * series
  Vector<lanes> series = Vector<lanes>{} + 0.00133908668f;
  for (const float coefficient : {0.00966637395f, 0.0555035696f, 0.240223482f, 0.693147182f}) series = series * f + coefficient;
  series = series * f + 1.0f;
#if defined(__AVX512DQ__) && defined(__AVX512VL__)
  if constexpr (lanes == 16)
    return Vector<lanes>(_mm512_maskz_scalef_ps(0xffff, __m512(series), __m512(whole)));
  else
    return Vector<lanes>(_mm256_maskz_scalef_ps(0xff, __m256(series), __m256(whole)));
#else
  return Vector<lanes>(Int(series) + (Int(shifted) << 23));  // the casts keep the bits
#endif
}

// SELU within 4e-7.
template <int lanes>
inline Vector<lanes> selu(Vector<lanes> x) {
  constexpr float kAlpha = 1.6732632423543772f, kScale = 1.0507009873554805f;
  const Vector<lanes> power = quick_power<lanes>(x * 1.44269504f);
  return x > 0.0f ? x * kScale : power * (kAlpha * kScale) - kAlpha * kScale;
}

// What follows a sum.
enum Activation { kLinear, kSelu };

template <int lanes, Activation activation>
inline Vector<lanes> activate(Vector<lanes> x) {
  return activation == kSelu ? selu<lanes>(x) : x;
}

// Inputs of neighbouring pixels: pixel p has `length` numbers at in + p * step.
struct Segment {
  const float* in;
  ptrdiff_t step;
  int length;
};

// Multiply the inputs of `pixels` pixels, all segments one behind the other, with one block of
// `vectors * lanes` outputs. The sums stay in registers.
template <int lanes, int vectors, int pixels, Activation activation>
inline void multiply(const Segment* segments, int num_segments, const float* weights, const float* bias,
                     float* out, ptrdiff_t out_step) {
  Vector<lanes> sum[pixels][vectors];
  for (int p = 0; p < pixels; ++p)
    for (int v = 0; v < vectors; ++v) sum[p][v] = load<lanes>(bias + v * lanes);
  for (int s = 0; s < num_segments; ++s) {
    const float* in = segments[s].in;
    const ptrdiff_t step = segments[s].step;
    for (int i = 0; i < segments[s].length; ++i, weights += vectors * lanes) {
      Vector<lanes> weight[vectors];
#pragma GCC unroll 4
      for (int v = 0; v < vectors; ++v) weight[v] = load<lanes>(weights + v * lanes);
#pragma GCC unroll 16
      for (int p = 0; p < pixels; ++p)
#pragma GCC unroll 4
        for (int v = 0; v < vectors; ++v) sum[p][v] += in[p * step + i] * weight[v];
    }
  }
#pragma GCC unroll 16
  for (int p = 0; p < pixels; ++p)
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v)
      store<lanes>(out + p * out_step + v * lanes, activate<lanes, activation>(sum[p][v]));
}

template <int lanes, int vectors, int pixels, Activation activation>
inline void multiply_row(Segment* segments, int num_segments, const Weights& weights, float* out,
                         ptrdiff_t out_step, int width) {
  int x = 0;
  const auto advance = [&](int count) {
    for (int s = 0; s < num_segments; ++s) segments[s].in += count * segments[s].step;
    x += count;
  };
  const ptrdiff_t block_size = ptrdiff_t(weights.inputs) * weights.block;
  const int num_blocks = weights.outputs / weights.block;
  while (x + pixels <= width) {
    for (int b = 0; b < num_blocks; ++b)
      multiply<lanes, vectors, pixels, activation>(
          segments, num_segments, weights.data + b * block_size, weights.bias + b * weights.block,
          out + x * out_step + b * weights.block, out_step);
    advance(pixels);
  }
  while (x < width) {
    for (int b = 0; b < num_blocks; ++b)
      multiply<lanes, vectors, 1, activation>(
          segments, num_segments, weights.data + b * block_size, weights.bias + b * weights.block,
          out + x * out_step + b * weights.block, out_step);
    advance(1);
  }
}

// Multiply a row of pixels with all outputs. The blocks (8, 16 or 32 outputs) are cut so that the
// sums of one step fill the registers.
template <Activation activation>
inline void multiply_row(Segment* segments, int num_segments, const Weights& weights, float* out,
                         ptrdiff_t out_step, int width) {
  if (weights.block == 8)
    multiply_row<8, 1, 8, activation>(segments, num_segments, weights, out, out_step, width);
  else if (weights.block == 16)
    multiply_row<kLanes, 16 / kLanes, kLanes == 16 ? 16 : 4, activation>(segments, num_segments, weights, out,
                                                                      out_step, width);
  else
    multiply_row<kLanes, 32 / kLanes, kLanes == 16 ? 8 : 2, activation>(segments, num_segments, weights, out,
                                                                     out_step, width);
}

// A pixel of the padded image.
inline const uint8_t* nearest_pixel(const Image& image, int y, int x) {
  const int row = y < image.top ? 0 : y - image.top < image.height ? y - image.top : image.height - 1;
  const int column = x < image.left ? 0 : x - image.left < image.width ? x - image.left : image.width - 1;
  return image.pixels + (ptrdiff_t(row) * image.width + column) * image.channels;
}

// The same as RGB in [0, 1].
inline void read_pixel(const Image& image, int y, int x, float* out) {
  const uint8_t* from = nearest_pixel(image, y, x);
  for (int c = 0; c < 3; ++c) out[c] = float(from[image.channels == 3 ? c : 0]) / 255.0f;
}

inline float clamp(float x, float low, float high) { return x < low ? low : x > high ? high : x; }

}  // namespace aliked

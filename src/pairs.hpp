// The inner loop of bfloat16: products of pairs, added up in float32, by the instructions of AVX512_BF16.
//
// It is compiled into the AVX-512 build and may be called only where aliked_has_bfloat16() says so.
#pragma once

#include "kernels.hpp"

#if defined(__AVX512F__) && defined(__GNUC__)
#define ALIKED_PAIRS
#include <immintrin.h>
#pragma GCC push_options
#pragma GCC target("avx512bf16")

namespace aliked {

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

}  // namespace aliked

#pragma GCC pop_options
#endif

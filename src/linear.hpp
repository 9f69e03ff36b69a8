// Matrix products of a few rows with a packed matrix, in float32 or in bfloat16 with sums in float32.
#pragma once

#include <memory>

#include "kernels.hpp"

namespace aliked {

constexpr int kBlock = 32;                    // outputs that are computed together
constexpr int kGroup = kLanes == 16 ? 8 : 2;  // rows that are computed together
constexpr int kTile = 32;                     // rows that a thread takes; a multiple of kGroup

// Numbers of a column that lie side by side.
template <class Number>
constexpr int kPack = 4 / sizeof(Number);

// A matrix (inputs, outputs) in blocks: data[output / 32][input / pack][output % 32][input % pack], with a bias
// (outputs). Inputs are a multiple of two, outputs of 32.
struct Linear {
  const void* data;
  const float* bias;
  int32_t inputs, outputs;
};

// Memory that holds anything at first.
template <class Number>
class Memory {
 public:
  explicit Memory(size_t count = 0) : data_(new Number[count]) {}
  Number* data() { return data_.get(); }
  const Number* data() const { return data_.get(); }

 private:
  std::unique_ptr<Number[]> data_;
};

inline int round_up(int count, int step) { return (count + step - 1) / step * step; }

inline void set_number(float* to, float value) { *to = value; }

// Rounds to the nearest, of two the even one.
inline void set_number(Bfloat16* to, float value) {
  uint32_t bits;
  __builtin_memcpy(&bits, &value, sizeof(bits));
  *to = Bfloat16((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

// out (kGroup, kBlock) = in (kGroup, inputs) times a block of outputs, plus their bias. Not inlined: alone it keeps
// sums and addresses in registers. What will be read next, at `ahead`, comes nearer meanwhile: without that the
// product would wait for memory, since the weights of all layers fit into no cache.
[[gnu::noinline]] inline void multiply_block(const float* in, ptrdiff_t step, const Linear& matrix, int first,
                                             float* out, ptrdiff_t out_step, const char* ahead, int ahead_step) {
  constexpr int vectors = kBlock / kLanes;
  const float* data = static_cast<const float*>(matrix.data) + ptrdiff_t(first) * matrix.inputs;
  Vector<kLanes> sum[kGroup][vectors];
  for (int p = 0; p < kGroup; ++p)
    for (int v = 0; v < vectors; ++v) sum[p][v] = load<kLanes>(matrix.bias + first + v * kLanes);
  const int inputs = matrix.inputs;
  for (int i = 0; i < inputs; ++i, data += kBlock, ahead += ahead_step) {
    __builtin_prefetch(ahead, 0, 2);
    Vector<kLanes> weight[vectors];
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) weight[v] = load<kLanes>(data + v * kLanes);
#pragma GCC unroll 16
    for (int p = 0; p < kGroup; ++p)
#pragma GCC unroll 4
      for (int v = 0; v < vectors; ++v) sum[p][v] += in[p * step + i] * weight[v];
  }
#pragma GCC unroll 16
  for (int p = 0; p < kGroup; ++p)
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) store<kLanes>(out + p * out_step + v * kLanes, sum[p][v]);
}

#if defined(__AVX512F__) && defined(__GNUC__)
#pragma GCC push_options
#pragma GCC target("avx512bf16")
[[gnu::noinline]] inline void multiply_block(const Bfloat16* in, ptrdiff_t step, const Linear& matrix, int first,
                                             float* out, ptrdiff_t out_step, const char* ahead, int ahead_step) {
  const Bfloat16* data = static_cast<const Bfloat16*>(matrix.data) + ptrdiff_t(first) * matrix.inputs;
  __m512 sum[kGroup][2];
  for (int p = 0; p < kGroup; ++p)
    for (int v = 0; v < 2; ++v) sum[p][v] = _mm512_loadu_ps(matrix.bias + first + 16 * v);
  const int inputs = matrix.inputs;
  for (int i = 0; i < inputs; i += 2, data += 2 * kBlock, ahead += ahead_step) {
    __builtin_prefetch(ahead, 0, 2);
    __m512bh weight[2];
#pragma GCC unroll 2
    for (int v = 0; v < 2; ++v) weight[v] = (__m512bh)_mm512_loadu_si512(data + 32 * v);
#pragma GCC unroll 8
    for (int p = 0; p < kGroup; ++p) {
      int32_t pair;
      __builtin_memcpy(&pair, in + p * step + i, sizeof(pair));
#pragma GCC unroll 2
      for (int v = 0; v < 2; ++v) sum[p][v] = _mm512_dpbf16_ps(sum[p][v], weight[v], (__m512bh)_mm512_set1_epi32(pair));
    }
  }
#pragma GCC unroll 8
  for (int p = 0; p < kGroup; ++p)
#pragma GCC unroll 2
    for (int v = 0; v < 2; ++v) _mm512_storeu_ps(out + p * out_step + 16 * v, sum[p][v]);
}
#pragma GCC pop_options
#else
inline void multiply_block(const Bfloat16*, ptrdiff_t, const Linear&, int, float*, ptrdiff_t, const char*, int) {
  // no processor that runs this build has the instructions
}
#endif

// out (rows, count) = in (rows, inputs) times the outputs from `first` on, plus their bias. `rows` is a multiple of
// kGroup, first and count are of kBlock; the steps lead from row to row.
template <class Number>
inline void multiply_rows(const Number* in, ptrdiff_t step, int rows, const Linear& matrix, int first, int count,
                          float* out, ptrdiff_t out_step) {
  const ptrdiff_t block = ptrdiff_t(matrix.inputs) * kBlock * sizeof(Number);
  const int part = 4 * kBlock * kGroup / rows;  // of what a step reads, each group of rows brings nearer so much
  for (int output = 0; output < count; output += kBlock) {
    const char* ahead = static_cast<const char*>(matrix.data) + (first + output) / kBlock * block + block;
    for (int row = 0; row < rows; row += kGroup, ahead += part * matrix.inputs / kPack<Number>)
      multiply_block(in + row * step, step, matrix, first + output, out + row * out_step + output, out_step, ahead, part);
  }
}

}  // namespace aliked

// Matrix products of a few rows with a packed matrix, in float32 or in bfloat16 with sums in float32.
#pragma once

#include <memory>

#include "kernels.hpp"
#include "pairs.hpp"

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

// Not inlined: alone it keeps sums and addresses in registers.
[[gnu::noinline]] inline void multiply_block(const float* in, ptrdiff_t step, const Linear& matrix, int first, float* out,
                                             ptrdiff_t out_step) {
  constexpr int vectors = kBlock / kLanes;
  const float* data = static_cast<const float*>(matrix.data) + ptrdiff_t(first) * matrix.inputs;
  Vector<kLanes> sum[kGroup][vectors];
  for (int p = 0; p < kGroup; ++p)
    for (int v = 0; v < vectors; ++v) sum[p][v] = load<kLanes>(matrix.bias + first + v * kLanes);
  const int inputs = matrix.inputs;
  for (int i = 0; i < inputs; ++i, data += kBlock) {
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

[[gnu::noinline]] inline void multiply_block(const Bfloat16* in, ptrdiff_t step, const Linear& matrix, int first, float* out,
                           ptrdiff_t out_step) {
#if defined(ALIKED_PAIRS)
  const Segment16 segment = {in, step, matrix.inputs};
  const Bfloat16* data = static_cast<const Bfloat16*>(matrix.data) + ptrdiff_t(first) * matrix.inputs;
  multiply_pairs<kBlock / kLanes, kGroup, kLinear>(&segment, 1, data, matrix.bias + first, out, out_step);
#else
  (void)in, (void)step, (void)matrix, (void)first, (void)out, (void)out_step;  // nobody asks for it
#endif
}

// out (rows, count) = in (rows, inputs) times the outputs from `first` on, plus their bias. `rows` is a multiple of
// kGroup, first and count are of kBlock; the steps lead from row to row.
template <class Number>
inline void multiply_rows(const Number* in, ptrdiff_t step, int rows, const Linear& matrix, int first, int count,
                          float* out, ptrdiff_t out_step) {
  for (int output = 0; output < count; output += kBlock)
    for (int row = 0; row < rows; row += kGroup)
      multiply_block(in + row * step, step, matrix, first + output, out + row * out_step + output, out_step);
}

}  // namespace aliked

// The layers of LightGlue, and linear layers alone.
#include "lightglue_layer.hpp"

namespace {

using namespace aliked;

template <class Number>
void multiply(const float* in, int rows, const Linear& matrix, float* out) {
  share_out(rows, kTile, [&] {
    return [&, numbers = Memory<Number>(kTile * matrix.inputs),
            results = Memory<float>(kTile * matrix.outputs)](int begin, int end) mutable {
      const int count = end - begin, inputs = matrix.inputs, outputs = matrix.outputs;
      for (int i = 0; i < kTile * inputs; ++i)
        set_number(numbers.data() + i, i < count * inputs ? in[ptrdiff_t(begin) * inputs + i] : 0.0f);
      multiply_rows(numbers.data(), inputs, round_up(count, kGroup), matrix, 0, outputs, results.data(), outputs);
      __builtin_memcpy(out + ptrdiff_t(begin) * outputs, results.data(), sizeof(float) * count * outputs);
    };
  });
}

}  // namespace

extern "C" {

// One layer for the points of all images, in float32 or in bfloat16 (see bfloat16.cpp). Returns 0, or 1 if memory is
// missing.
int aliked_glue_layer(const GlueLayer* layer, const Points* points, int is_bfloat16) {
  return out_of_memory([&] {
    if (is_bfloat16)
      GlueRun<Bfloat16>(*layer, *points)();
    else
      GlueRun<float>(*layer, *points)();
  });
}

// out (rows, outputs) = in (rows, inputs) times the matrix, plus the bias.
int aliked_linear(const float* in, int rows, const Linear* matrix, int is_bfloat16, float* out) {
  return out_of_memory([&] {
    if (is_bfloat16)
      multiply<Bfloat16>(in, rows, *matrix, out);
    else
      multiply<float>(in, rows, *matrix, out);
  });
}
}

// What LightGlue does to single rows of numbers between its products.
#pragma once

#include <limits>

#include "kernels.hpp"

namespace aliked {

// erf(x / sqrt 2) of a vector within 4e-7, by a quotient of polynomials that was fitted to it.
inline Vector<kLanes> error_function(Vector<kLanes> x) {
  const Vector<kLanes> zero = {};
  x *= 0.707106781f;
  x = x > 3.92f ? zero + 3.92f : x;
  x = x < -3.92f ? zero - 3.92f : x;
  const Vector<kLanes> square = x * x;
  Vector<kLanes> above = zero + 2.034682438534219e-06f, below = zero + 3.8068872527219355e-05f;
  for (const float c : {2.8745626e-4f, 3.8677878e-3f, 5.3058814e-2f, 0.192753002f, 1.12837899f}) above = above * square + c;
  for (const float c : {1.18796295e-3f, 1.51712372e-2f, 0.115079865f, 0.504154563f, 1.0f}) below = below * square + c;
  return x * above / below;
}

inline float sum_of(Vector<kLanes> x) {
  float sum = 0.0f;
  for (int lane = 0; lane < kLanes; ++lane) sum += x[lane];
  return sum;
}

// Layer norm and GELU of a row of `count` numbers.
template <class Number>
inline void normalise(const float* row, int count, const float* norm_weight, const float* norm_bias, Number* out) {
  Vector<kLanes> sums = {}, squares = {};
  for (int i = 0; i < count; i += kLanes) sums += load<kLanes>(row + i);
  const float mean = sum_of(sums) / float(count);
  for (int i = 0; i < count; i += kLanes) {
    const Vector<kLanes> centred = load<kLanes>(row + i) - mean;
    squares += centred * centred;
  }
  const float scale = 1.0f / __builtin_sqrtf(sum_of(squares) / float(count) + 1e-5f);
  for (int i = 0; i < count; i += kLanes) {
    const Vector<kLanes> x =
        (load<kLanes>(row + i) - mean) * scale * load<kLanes>(norm_weight + i) + load<kLanes>(norm_bias + i);
    store<kLanes>(out + i, 0.5f * x * (1.0f + error_function(x)));
  }
}

// Turn logits to base 2 into weights that are not divided by their sum yet; return the sum. Filling has the logit
// -inf.
template <class Number>
inline float soften(const float* logits, int count, Number* weights) {
  const Vector<kLanes> lowest = Vector<kLanes>{} - 126.0f;
  Vector<kLanes> highest = Vector<kLanes>{} - std::numeric_limits<float>::infinity();
  for (int i = 0; i < count; i += kLanes) {
    const Vector<kLanes> logit = load<kLanes>(logits + i);
    highest = logit > highest ? logit : highest;
  }
  float maximum = highest[0];
  for (int lane = 1; lane < kLanes; ++lane) maximum = highest[lane] > maximum ? highest[lane] : maximum;
  Vector<kLanes> sums = {};
  for (int i = 0; i < count; i += kLanes) {
    const Vector<kLanes> logit = load<kLanes>(logits + i) - maximum;
    const Vector<kLanes> weight = quick_power<kLanes>(logit > lowest ? logit : lowest);
    sums += weight;
    store<kLanes>(weights + i, weight);
  }
  return sum_of(sums);
}

}  // namespace aliked

// Attention without a matrix of weights: a block of its rows at a time.
#include <omp.h>

#include <limits>
#include <vector>

#include "kernels.hpp"

namespace {

using aliked::kLanes;
using aliked::load;
using aliked::store;
using aliked::Vector;

constexpr int kRows = 16;
constexpr int kBlock = 32;
constexpr int kHead = 64;  // numbers of a head

// Turn logits into weights that are not divided by their sum yet; return the sum. Filling has the logit -inf.
float soften(float* logits, int count) {
  Vector<kLanes> highest = Vector<kLanes>{} - std::numeric_limits<float>::infinity();
  for (int i = 0; i < count; i += kLanes) {
    const Vector<kLanes> logit = load<kLanes>(logits + i);
    highest = logit > highest ? logit : highest;
  }
  float maximum = highest[0];
  for (int lane = 1; lane < kLanes; ++lane) maximum = highest[lane] > maximum ? highest[lane] : maximum;
  Vector<kLanes> sums = {};
  for (int i = 0; i < count; i += kLanes) {
    const Vector<kLanes> weight = aliked::exponential<kLanes>(load<kLanes>(logits + i) - maximum);
    sums += weight;
    store<kLanes>(logits + i, weight);
  }
  float sum = 0.0f;
  for (int lane = 0; lane < kLanes; ++lane) sum += sums[lane];
  return sum;
}

}  // namespace

// Queries (rows, heads * 64) with `step` numbers from row to row; keys (heads, points / 32, 64, 32), scaled;
// values (heads, 2, points, 32); bias (points), 0 or, for filling, -inf; points is a multiple of 32. The result
// is (rows, heads * 64).
extern "C" void aliked_attend(const float* queries, int step, int rows, const float* keys, const float* values,
                              const float* bias, int points, int heads, float* out) {
  static const float kNone[kHead] = {};
  const int blocks = (rows + kRows - 1) / kRows;
#pragma omp parallel
  {
    std::vector<float> logits(size_t(kRows) * points);
#pragma omp for schedule(static)
    for (int task = 0; task < heads * blocks; ++task) {
      const int head = task / blocks, first = task % blocks * kRows;
      const int count = rows - first < kRows ? rows - first : kRows;
      const ptrdiff_t offset = ptrdiff_t(head) * points * kHead;
      const Weights to_logits = {keys + offset, bias, kHead, points, kBlock};
      const Weights to_values = {values + offset, kNone, points, kHead, kBlock};
      aliked::Segment query = {queries + ptrdiff_t(first) * step + head * kHead, step, kHead};
      aliked::multiply_row<aliked::kLinear>(&query, 1, to_logits, logits.data(), points, count);
      float sums[kRows];
      for (int i = 0; i < count; ++i) sums[i] = soften(&logits[size_t(i) * points], points);
      aliked::Segment weights = {logits.data(), points, points};
      const ptrdiff_t out_step = ptrdiff_t(heads) * kHead;
      float* received = out + first * out_step + head * kHead;
      aliked::multiply_row<aliked::kLinear>(&weights, 1, to_values, received, out_step, count);
      for (int i = 0; i < count; ++i)
        for (int c = 0; c < kHead; ++c) received[i * out_step + c] /= sums[i];
    }
  }
}

// Points with an expected place -> keypoints near it: the most similar one, and whether that is mutual.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

// sought: (count, D) descriptors; places: (count, 2) px; radius: (count,) px. keypoints: (N, 2) px, NaN is
// nowhere; descriptors: (N, D). partner: (count,) out, the keypoint or -1; similarity: (count,) out.
extern "C" void aliked_find_near(const float* sought, const float* places, const float* radius, int count,
                                 const float* keypoints, const float* descriptors, int num_keypoints,
                                 int dimension, float cell, int columns, int rows, int32_t* partner,
                                 float* similarity) {
  std::vector<int> first(size_t(columns) * rows + 1, 0), sorted(num_keypoints), cell_of(num_keypoints, -1);
  for (int i = 0; i < num_keypoints; ++i) {
    const float x = keypoints[2 * i], y = keypoints[2 * i + 1];
    if (!(std::isfinite(x) && std::isfinite(y))) continue;
    const int column = std::min(std::max(int(x / cell), 0), columns - 1);
    const int row = std::min(std::max(int(y / cell), 0), rows - 1);
    cell_of[i] = row * columns + column;
    ++first[cell_of[i] + 1];
  }
  for (size_t c = 0; c + 1 < first.size(); ++c) first[c + 1] += first[c];
  std::vector<int> next(first.begin(), first.end() - 1);
  for (int i = 0; i < num_keypoints; ++i)
    if (cell_of[i] >= 0) sorted[next[cell_of[i]]++] = i;
  std::vector<float> best_of(num_keypoints, -2);
  std::vector<int> point_of(num_keypoints, -1);
  for (int p = 0; p < count; ++p) {
    const float x = places[2 * p], y = places[2 * p + 1], r = radius[p];
    partner[p] = -1;
    similarity[p] = -2;
    if (!(std::isfinite(x) && std::isfinite(y))) continue;
    const int left = std::max(int((x - r) / cell), 0), right = std::min(int((x + r) / cell), columns - 1);
    const int top = std::max(int((y - r) / cell), 0), bottom = std::min(int((y + r) / cell), rows - 1);
    const float* own = sought + size_t(p) * dimension;
    for (int row = top; row <= bottom; ++row)
      for (int column = left; column <= right; ++column)
        for (int k = first[row * columns + column]; k < first[row * columns + column + 1]; ++k) {
          const int i = sorted[k];
          const float dx = keypoints[2 * i] - x, dy = keypoints[2 * i + 1] - y;
          if (dx * dx + dy * dy > r * r) continue;
          const float* other = descriptors + size_t(i) * dimension;
          float sum = 0;
#pragma omp simd reduction(+ : sum)
          for (int d = 0; d < dimension; ++d) sum += own[d] * other[d];
          if (sum > similarity[p]) {
            similarity[p] = sum;
            partner[p] = i;
          }
          if (sum > best_of[i]) {
            best_of[i] = sum;
            point_of[i] = p;
          }
        }
  }
  for (int p = 0; p < count; ++p)
    if (partner[p] >= 0 && point_of[partner[p]] != p) partner[p] = -1;
}

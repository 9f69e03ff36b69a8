// Points with an expected place -> keypoints near it: the most similar one, and whether that is mutual.
#include <cmath>
#include <cstdint>
#include <vector>

namespace {

// The cell of a coordinate, of `cells`; those outside the image belong to the ones at its border. The
// comparison comes before the conversion: an int holds no huge float.
int cell_at(float coordinate, float cell, int cells) {
  const float place = coordinate / cell;
  return place >= float(cells - 1) ? cells - 1 : place > 0 ? int(place) : 0;
}

}  // namespace

// sought: (count, D) descriptors; places: (count, 2) px; radius: (count,) px, at least 0. keypoints: (N, 2)
// px, NaN is nowhere; descriptors: (N, D). cell: edge of one of columns x rows cells, px. partner: (count,)
// out, the keypoint or -1, the first of equals; similarity: (count,) out, -2 where no keypoint is near.
extern "C" void aliked_find_near(const float* sought, const float* places, const float* radius, int count,
                                 const float* keypoints, const float* descriptors, int num_keypoints,
                                 int dimension, float cell, int columns, int rows, int32_t* partner,
                                 float* similarity) {
  std::vector<int> first(size_t(columns) * rows + 1, 0), sorted(num_keypoints), cell_of(num_keypoints, -1);
  for (int i = 0; i < num_keypoints; ++i) {
    const float x = keypoints[2 * i], y = keypoints[2 * i + 1];
    if (!(std::isfinite(x) && std::isfinite(y))) continue;
    cell_of[i] = cell_at(y, cell, rows) * columns + cell_at(x, cell, columns);
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
    const int left = cell_at(x - r, cell, columns), right = cell_at(x + r, cell, columns);
    const int top = cell_at(y - r, cell, rows), bottom = cell_at(y + r, cell, rows);
    const float* own = sought + size_t(p) * dimension;
    for (int row = top; row <= bottom; ++row)
      for (int column = left; column <= right; ++column)
        for (int k = first[row * columns + column]; k < first[row * columns + column + 1]; ++k) {
          const int i = sorted[k];
          const float dx = keypoints[2 * i] - x, dy = keypoints[2 * i + 1] - y;
          if (!(dx * dx + dy * dy <= r * r)) continue;
          const float* other = descriptors + size_t(i) * dimension;
          float sum = 0;
#pragma omp simd reduction(+ : sum)
          for (int d = 0; d < dimension; ++d) sum += own[d] * other[d];
          if (sum > similarity[p] || (sum == similarity[p] && i < partner[p])) {
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

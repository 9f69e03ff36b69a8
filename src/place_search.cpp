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

// The inner product; of a number of dimensions that is known when this is compiled, unless D is 0.
template <int D>
float product(const float* a, const float* b, int dimension) {
  float sum = 0;
  const int count = D ? D : dimension;
#pragma omp simd reduction(+ : sum)
  for (int d = 0; d < count; ++d) sum += a[d] * b[d];
  return sum;
}

}  // namespace

// sought: (L, D) descriptors, of which the points have the given rows: (count,). places: (count, 2) px.
// radius: px, at least 0. keypoints: (N, 2) px, NaN is nowhere; descriptors: (N, D). cell: edge of one of
// columns x rows cells, px. partner: (count,) out, the keypoint or -1, the first of equals; similarity:
// (count,) out, -2 where no keypoint is near.
extern "C" void aliked_find_near(const float* sought, const int64_t* rows_of, const float* places, float radius,
                                 int count, const float* keypoints, const float* descriptors, int num_keypoints,
                                 int dimension, float cell, int columns, int rows, int32_t* partner,
                                 float* similarity) {
  // Keypoints in the order of their cells, those of a cell in their own order: a row of cells is one range.
  std::vector<int> first(size_t(columns) * rows + 1, 0), sorted(num_keypoints), cell_of(num_keypoints, -1);
  for (int i = 0; i < num_keypoints; ++i) {
    const float x = keypoints[2 * i], y = keypoints[2 * i + 1];
    if (!(std::isfinite(x) && std::isfinite(y))) continue;
    cell_of[i] = cell_at(y, cell, rows) * columns + cell_at(x, cell, columns);
    ++first[cell_of[i] + 1];
  }
  for (size_t c = 0; c + 1 < first.size(); ++c) first[c + 1] += first[c];
  std::vector<int> next(first.begin(), first.end() - 1);
  std::vector<float> xs(num_keypoints), ys(num_keypoints);
  for (int i = 0; i < num_keypoints; ++i) {
    if (cell_of[i] < 0) continue;
    const int k = next[cell_of[i]]++;
    sorted[k] = i;
    xs[k] = keypoints[2 * i];
    ys[k] = keypoints[2 * i + 1];
  }
  const auto product = dimension == 64 ? ::product<64> : dimension == 128 ? ::product<128> : ::product<0>;
  std::vector<float> best_of(num_keypoints, -2);
  std::vector<int> point_of(num_keypoints, -1), near(num_keypoints);
  for (int p = 0; p < count; ++p) {
    const float x = places[2 * p], y = places[2 * p + 1];
    partner[p] = -1;
    similarity[p] = -2;
    if (!(std::isfinite(x) && std::isfinite(y))) continue;
    const int left = cell_at(x - radius, cell, columns), right = cell_at(x + radius, cell, columns);
    const int top = cell_at(y - radius, cell, rows), bottom = cell_at(y + radius, cell, rows);
    // Half of what lies in the cells is near: nobody can guess which, so nothing branches on it.
    int num_near = 0;
    for (int row = top; row <= bottom; ++row)
      for (int k = first[row * columns + left]; k < first[row * columns + right + 1]; ++k) {
        const float dx = xs[k] - x, dy = ys[k] - y;
        near[num_near] = sorted[k];
        num_near += dx * dx + dy * dy <= radius * radius;
      }
    const float* own = sought + size_t(rows_of[p]) * dimension;
    if (p + 1 < count)  // rows of a large table are far away
      for (int d = 0; d < dimension; d += 16) __builtin_prefetch(sought + size_t(rows_of[p + 1]) * dimension + d);
    float best = -2;
    int chosen = -1;
    for (int n = 0; n < num_near; ++n) {
      const int i = near[n];
      const float* other = descriptors + size_t(i) * dimension;
      const float sum = product(own, other, dimension);
      const bool is_best = sum > best || (sum == best && i < chosen);
      best = is_best ? sum : best;
      chosen = is_best ? i : chosen;
      const bool likes_most = sum > best_of[i];
      best_of[i] = likes_most ? sum : best_of[i];
      point_of[i] = likes_most ? p : point_of[i];
    }
    similarity[p] = best;
    partner[p] = chosen;
  }
  for (int p = 0; p < count; ++p)
    if (partner[p] >= 0 && point_of[partner[p]] != p) partner[p] = -1;
}

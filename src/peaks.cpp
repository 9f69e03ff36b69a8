// Local maxima of a score map, by running maxima over rows and then columns.
#include <algorithm>
#include <limits>
#include <vector>

#include "kernels.hpp"

namespace {

constexpr int kRadius = 2;
constexpr float kOutside = -std::numeric_limits<float>::infinity();

using Plane = std::vector<float>;

// Maximum of each 5x5 window. `rows` is scratch of the same size.
void window_maximum(const Plane& in, int height, int width, Plane& rows, Plane& out) {
#pragma omp for schedule(static)
  for (int y = 0; y < height; ++y) {
    const float* from = &in[size_t(y) * width];
    float* to = &rows[size_t(y) * width];
    const auto slow = [&](int x) {
      float value = kOutside;
      for (int at = std::max(x - kRadius, 0); at <= std::min(x + kRadius, width - 1); ++at)
        value = std::max(value, from[at]);
      to[x] = value;
    };
    const int last = width - kRadius;
    for (int x = 0; x < std::min(kRadius, width); ++x) slow(x);
    for (int x = kRadius; x < last; ++x)
      to[x] = std::max(std::max(std::max(from[x - 2], from[x - 1]), std::max(from[x], from[x + 1])), from[x + 2]);
    for (int x = std::max(last, kRadius); x < width; ++x) slow(x);
  }
#pragma omp for schedule(static)
  for (int y = 0; y < height; ++y) {
    float* to = &out[size_t(y) * width];
    std::fill(to, to + width, kOutside);
    for (int at = std::max(y - kRadius, 0); at <= std::min(y + kRadius, height - 1); ++at) {
      const float* from = &rows[size_t(at) * width];
      for (int x = 0; x < width; ++x) to[x] = std::max(to[x], from[x]);
    }
  }
}

}  // namespace

// `peaks` (height, width) is the score map (height, width) in [0, 1] with everything but its maxima set to 0;
// see suppress_non_maxima() in dkd.py.
extern "C" void aliked_suppress_non_maxima(const float* score_map, int height, int width, float* peaks) {
  const size_t size = size_t(height) * width;
  const Plane score(score_map, score_map + size);
  Plane is_peak(size), remaining(size), suppressed(size), rows(size), maximum(size);
#pragma omp parallel
  {
    window_maximum(score, height, width, rows, maximum);
#pragma omp for schedule(static)
    for (size_t i = 0; i < size; ++i) is_peak[i] = score[i] == maximum[i] ? 1.0f : 0.0f;
    for (int round = 0; round < 2; ++round) {
      window_maximum(is_peak, height, width, rows, suppressed);
#pragma omp for schedule(static)
      for (size_t i = 0; i < size; ++i) remaining[i] = suppressed[i] > 0 ? 0.0f : score[i];
      window_maximum(remaining, height, width, rows, maximum);
#pragma omp for schedule(static)
      for (size_t i = 0; i < size; ++i)
        is_peak[i] = (remaining[i] == maximum[i]) & (suppressed[i] == 0) ? 1.0f : is_peak[i];
    }
#pragma omp for schedule(static)
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x) {
        const bool is_border = (y < kRadius) | (y >= height - kRadius) | (x < kRadius) | (x >= width - kRadius);
        const size_t i = size_t(y) * width + x;
        peaks[i] = is_border ? 0.0f : is_peak[i] * score[i];
      }
  }
}

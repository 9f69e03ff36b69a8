// Chosen peaks of a score map -> keypoints below a pixel, their scores and dispersity, best score first.
#include <algorithm>
#include <cstdint>
#include <numeric>
#include <vector>

#include "kernels.hpp"
#include "pool.hpp"

namespace {

using namespace aliked;

constexpr int kRadius = 2, kSide = 2 * kRadius + 1, kWindow = kSide * kSide;
constexpr int kPadded = 32;                // of the window, for whole vectors
constexpr float kInverseTemperature = 10;  // of the softmax over the window

struct Keypoint {
  float x, y, score, dispersity;
};

struct ScoreMap {
  const float* score;
  int height, width;

  float at(int x, int y) const {
    return score[size_t(std::clamp(y, 0, height - 1)) * width + std::clamp(x, 0, width - 1)];
  }

  // Bilinear, for a place inside the map.
  float sample(float x, float y) const {
    const int left = int(x), top = int(y);
    const float fx = x - left, fy = y - top;
    return (1 - fy) * ((1 - fx) * at(left, top) + fx * at(left + 1, top)) +
           fy * ((1 - fx) * at(left, top + 1) + fx * at(left + 1, top + 1));
  }

  // The soft-argmax of the window around a pixel; see refine() in dkd.py.
  Keypoint refine(int64_t pixel) const {
    const int y0 = int(pixel / width), x0 = int(pixel % width);
    float weight[kPadded] = {}, highest = 0;
    for (int i = 0; i < kWindow; ++i) {
      weight[i] = at(x0 + i % kSide - kRadius, y0 + i / kSide - kRadius);
      highest = std::max(highest, weight[i]);
    }
    for (int i = 0; i < kPadded; ++i) weight[i] = (weight[i] - highest) * kInverseTemperature;
    for (int i = 0; i < kPadded; i += kLanes) store<kLanes>(weight + i, exponential<kLanes>(load<kLanes>(weight + i)));
    float sum = 0, dx = 0, dy = 0, spread = 0;
    for (int i = 0; i < kWindow; ++i) {
      sum += weight[i];
      dx += weight[i] * float(i % kSide - kRadius);
      dy += weight[i] * float(i / kSide - kRadius);
    }
    dx /= sum, dy /= sum;
    for (int i = 0; i < kWindow; ++i) {
      const float across = float(i % kSide - kRadius) - dx, down = float(i / kSide - kRadius) - dy;
      spread += weight[i] * (across * across + down * down);
    }
    const float x = x0 + dx, y = y0 + dy;
    return {x, y, sample(x, y), spread / (sum * kRadius * kRadius)};
  }
};

}  // namespace

// score_map: (height, width) in [0, 1]. pixel: (count,) row-major numbers of peaks, kRadius px and more from the
// border. keypoints: (count, 2) px, scores, dispersity: (count,), out, best score first, of equals the one that
// came first. Returns 0, or 1 if there is not enough memory.
extern "C" int aliked_refine_peaks(const float* score_map, int height, int width, const int64_t* pixel, int count,
                                   float* keypoints, float* scores, float* dispersity) {
  return out_of_memory([&] {
    const ScoreMap map{score_map, height, width};
    std::vector<Keypoint> found(count);
    for_each(count, 128, [&](int i) { found[i] = map.refine(pixel[i]); });
    std::vector<int> order(count);
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return found[a].score > found[b].score; });
    for (int i = 0; i < count; ++i) {
      const Keypoint& one = found[order[i]];
      keypoints[2 * i] = one.x, keypoints[2 * i + 1] = one.y;
      scores[i] = one.score, dispersity[i] = one.dispersity;
    }
  });
}

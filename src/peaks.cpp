// Local maxima of a score map, by running maxima over rows and then columns.
#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include "pool.hpp"

namespace {

constexpr int kRadius = 2;
constexpr int kRows = 32;            // of one tile
constexpr int kReach = 5 * kRadius;  // rows: a peak depends on so many more on either side
constexpr float kOutside = -std::numeric_limits<float>::infinity();

// Some rows of the score map and what is computed from them. Rows are counted in the map; those near the first
// and the last one, but for the map's own, lack neighbours and are not asked for.
class Band {
 public:
  Band(const float* score_map, int height, int width, int max_rows)
      : score_map_(score_map), height_(height), width_(width), rows_(size_t(max_rows) * width), maximum_(rows_.size()),
        is_peak_(rows_.size()), suppressed_(rows_.size()), remaining_(rows_.size()) {}

  // Write the rows [begin, end) of the peaks.
  void find(int begin, int end, float* peaks) {
    begin_ = begin, end_ = end;
    first_ = std::max(begin - kReach, 0);
    const float* score = score_map_ + size_t(first_) * width_;
    int reach = kReach - kRadius;
    window_maximum(score, reach, maximum_.data());
    at_pixels(reach, [&](size_t i) { is_peak_[i] = score[i] == maximum_[i] ? 1.0f : 0.0f; });
    for (int round = 0; round < 2; ++round) {
      reach -= kRadius;
      window_maximum(is_peak_.data(), reach, suppressed_.data());
      at_pixels(reach, [&](size_t i) { remaining_[i] = suppressed_[i] > 0 ? 0.0f : score[i]; });
      reach -= kRadius;
      window_maximum(remaining_.data(), reach, maximum_.data());
      at_pixels(reach, [&](size_t i) {
        is_peak_[i] = (remaining_[i] == maximum_[i]) & (suppressed_[i] == 0) ? 1.0f : is_peak_[i];
      });
    }
    for (int y = begin; y < end; ++y)
      for (int x = 0; x < width_; ++x) {
        const bool is_border = (y < kRadius) | (y >= height_ - kRadius) | (x < kRadius) | (x >= width_ - kRadius);
        const size_t i = size_t(y - first_) * width_ + x;
        peaks[size_t(y) * width_ + x] = is_border ? 0.0f : is_peak_[i] * score[i];
      }
  }

 private:
  // Call `work` for the numbers of the pixels of the tile and of `reach` rows on either side.
  template <class Work>
  void at_pixels(int reach, const Work& work) const {
    const size_t last = size_t(std::min(end_ + reach, height_) - first_) * width_;
    for (size_t i = size_t(std::max(begin_ - reach, 0) - first_) * width_; i < last; ++i) work(i);
  }

  // Maximum of each 5x5 window, in the same rows.
  void window_maximum(const float* in, int reach, float* out) {
    const int top = std::max(begin_ - reach, 0), bottom = std::min(end_ + reach, height_);
    const int above = std::max(top - kRadius, 0), below = std::min(bottom + kRadius, height_);
    for (int y = above; y < below; ++y) row_maximum(in + at(y), &rows_[at(y)]);
    for (int y = top; y < bottom; ++y) {
      const float* near[2 * kRadius + 1];  // at the edge of the map a row stands there twice
      for (int i = 0; i <= 2 * kRadius; ++i) near[i] = &rows_[at(std::clamp(y + i - kRadius, 0, height_ - 1))];
      float* to = out + at(y);
      for (int x = 0; x < width_; ++x)
        to[x] = std::max(std::max(std::max(near[0][x], near[1][x]), std::max(near[2][x], near[3][x])), near[4][x]);
    }
  }

  void row_maximum(const float* from, float* to) const {
    const auto slow = [&](int x) {
      float value = kOutside;
      for (int near = std::max(x - kRadius, 0); near <= std::min(x + kRadius, width_ - 1); ++near)
        value = std::max(value, from[near]);
      to[x] = value;
    };
    const int last = width_ - kRadius;
    for (int x = 0; x < std::min(kRadius, width_); ++x) slow(x);
    for (int x = kRadius; x < last; ++x)
      to[x] = std::max(std::max(std::max(from[x - 2], from[x - 1]), std::max(from[x], from[x + 1])), from[x + 2]);
    for (int x = std::max(last, kRadius); x < width_; ++x) slow(x);
  }

  size_t at(int y) const { return size_t(y - first_) * width_; }

  const float* score_map_;
  const int height_, width_;
  int begin_ = 0, end_ = 0;  // of the tile
  int first_ = 0;            // row of the map at which the memory begins
  std::vector<float> rows_, maximum_, is_peak_, suppressed_, remaining_;
};

}  // namespace

// `peaks` (height, width) is the score map (height, width) in [0, 1] with everything but its maxima set to 0;
// see suppress_non_maxima() in dkd.py. Returns 0, or 1 if there is not enough memory.
extern "C" int aliked_suppress_non_maxima(const float* score_map, int height, int width, float* peaks) {
  using namespace aliked;
  const int max_rows = std::min(height, kRows + 2 * kReach);
  return out_of_memory([&] {
    share_out(height, kRows, [&] {
      return [peaks, band = Band(score_map, height, width, max_rows)](int begin, int end) mutable {
        band.find(begin, end, peaks);
      };
    });
  });
}

// The peaks (size,) above a threshold: their numbers and heights, from first to last. Returns how many there are.
extern "C" int aliked_list_peaks(const float* peaks, int size, float threshold, int64_t* index, float* heights) {
  int count = 0;
  for (int i = 0; i < size; ++i)
    if (peaks[i] > threshold) index[count] = i, heights[count++] = peaks[i];
  return count;
}

// The coarser levels' part of the score head: rows of small maps as planes, interpolated between their pixels.
#pragma once

#include <algorithm>
#include <vector>

#include "kernels.hpp"

namespace aliked {

// {v[index[0]], v[index[1]], ...}
inline Vector<kLanes> permute(Vector<kLanes> v, VectorOf<kLanes>::Int index) {
#if defined(__clang__)
  Vector<kLanes> result;
  for (int lane = 0; lane < kLanes; ++lane) result[lane] = v[index[lane]];
  return result;
#else
  return __builtin_shuffle(v, index);
#endif
}

// Eight pixels, `step` apart, with eight numbers each, as eight planes.
template <class Number>
inline void transpose(const Number* in, ptrdiff_t step, float* out, ptrdiff_t pitch) {
  Vector<8> a[8], b[8];
  for (int i = 0; i < 8; ++i) a[i] = load<8>(in + i * step);
#pragma GCC unroll 4
  for (int i = 0; i < 8; i += 2) {  // pairs of pixels
    b[i] = shuffle<8, 0, 8, 1, 9, 4, 12, 5, 13>(a[i], a[i + 1]);
    b[i + 1] = shuffle<8, 2, 10, 3, 11, 6, 14, 7, 15>(a[i], a[i + 1]);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {  // fours
    const int from = i / 2 * 4 + i % 2;
    a[2 * i] = shuffle<8, 0, 1, 8, 9, 4, 5, 12, 13>(b[from], b[from + 2]);
    a[2 * i + 1] = shuffle<8, 2, 3, 10, 11, 6, 7, 14, 15>(b[from], b[from + 2]);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    store<8>(out + i * pitch, shuffle<8, 0, 1, 2, 3, 8, 9, 10, 11>(a[i], a[i + 4]));
    store<8>(out + (i + 4) * pitch, shuffle<8, 4, 5, 6, 7, 12, 13, 14, 15>(a[i], a[i + 4]));
  }
}

// Linear interpolation on one axis with aligned corners.
struct Axis {
  Axis(int fine, int coarse) : index(fine), fraction(fine) {
    const float scale = fine > 1 ? float(coarse - 1) / float(fine - 1) : 0.0f;
    for (int i = 0; i < fine; ++i) {
      const float position = scale * float(i);
      index[i] = int(position) < coarse - 1 ? int(position) : coarse - 1;
      fraction[i] = position - float(index[i]);
    }
  }
  std::vector<int> index;
  std::vector<float> fraction;
};

// The row of a coarse map of eight channels that belongs to a row of a fine one, at least as large.
class CoarseRow {
 public:
  CoarseRow(const Map& map, int height, int width)
      : map_(map), rows_(height, map.height), columns_(width, map.width), pitch_((map.width + 7) / 8 * 8 + kLanes),
        blended_(size_t(map.width + 8) * kChannels), values_(pitch_ * kChannels), steps_(pitch_ * kChannels),
        lanes_(columns_.index) {
    for (int x = 0; x < width; ++x) lanes_[x] -= columns_.index[x / kLanes * kLanes];
  }

  void move_to(int y) {
    const int row = rows_.index[y], below = std::min(row + 1, map_.height - 1);
    const float fraction = rows_.fraction[y];
    const float *a = map_.at(row, 0), *b = map_.at(below, 0);
    for (int i = 0; i < map_.width * kChannels; ++i) blended_[i] = a[i] + (b[i] - a[i]) * fraction;
    for (int x = 0; x < map_.width; x += 8) transpose(&blended_[x * kChannels], kChannels, &values_[x], pitch_);
    for (int c = 0; c < kChannels; ++c) {
      const float* value = &values_[c * pitch_];
      float* step = &steps_[c * pitch_];
      for (int x = 0; x < map_.width - 1; ++x) step[x] = value[x + 1] - value[x];
    }
  }

  // Add on kLanes pixels from x, a multiple of kLanes, on.
  void add(int x, Vector<kLanes>* sum) const {
    const float* value = values_.data() + columns_.index[x];
    const float* step = steps_.data() + columns_.index[x];
    const Vector<kLanes> fraction = load<kLanes>(&columns_.fraction[x]);
    VectorOf<kLanes>::Int lanes;  // few pixels of the coarse map, all of them in one vector
    __builtin_memcpy(&lanes, &lanes_[x], sizeof(lanes));
#pragma GCC unroll 8
    for (int c = 0; c < kChannels; ++c) {
      const Vector<kLanes> left = permute(load<kLanes>(value + c * pitch_), lanes);
      sum[c] += left + permute(load<kLanes>(step + c * pitch_), lanes) * fraction;
    }
  }

 private:
  static constexpr int kChannels = 8;

  const Map& map_;
  const Axis rows_, columns_;
  const ptrdiff_t pitch_;
  std::vector<float> blended_;          // the row, channels last
  std::vector<float> values_, steps_;  // planes: the row, and what the next pixel has more; 0 behind the last one
  std::vector<int> lanes_;  // of a column, counted from the coarse pixel of the first one of its vector
};

}  // namespace aliked

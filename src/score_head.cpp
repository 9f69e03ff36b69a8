// The score head, from the features of block 1 and what the coarser levels contribute to the score map,
// row by row: neither the full-resolution features nor the maps between its layers exist as a whole.
#include <algorithm>
#include <climits>
#include <cstring>
#include <vector>

#include "kernels.hpp"
#include "planes.hpp"
#include "pool.hpp"

struct ScoreHead {
  Weights level;        // block 1 -> features of the finest level, SELU
  Weights first;        // features of the finest level -> 8 channels
  Map coarse[3];        // 8 channels from levels 2 to 4, at their resolutions
  const float* second;  // (4, 8, 3, 3)
  const float* third;   // (4, 4, 3, 3)
  const float* fourth;  // (1, 4, 3, 3)
};

namespace {

using namespace aliked;

constexpr int kFirst = 8, kMiddle = 4;
constexpr int kTile = 8;  // rows

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

// The row of a coarse map of eight channels that belongs to a row of a fine one.
class CoarseRow {
  static constexpr int kChannels = 8;

 public:
  CoarseRow(const Map& map, int height, int width)
      : map_(map), rows_(height, map.height), columns_(width, map.width),
        blended_(size_t(map.width + 1) * kChannels) {}

  void move_to(int y) {
    const int row = rows_.index[y], below = std::min(row + 1, map_.height - 1);
    const float fraction = rows_.fraction[y];
    const float *a = map_.at(row, 0), *b = map_.at(below, 0);
    const int length = map_.width * kChannels;
    for (int i = 0; i < length; ++i) blended_[i] = a[i] + (b[i] - a[i]) * fraction;
    for (int c = 0; c < kChannels; ++c) blended_[length + c] = blended_[length + c - kChannels];
  }

  // The channels of column x.
  Vector<kChannels> at(int x) const {
    const float* left = &blended_[size_t(columns_.index[x]) * kChannels];
    const Vector<kChannels> a = load<kChannels>(left), b = load<kChannels>(left + kChannels);
    return a + (b - a) * columns_.fraction[x];
  }

 private:
  const Map& map_;
  const Axis rows_, columns_;
  std::vector<float> blended_;  // its last pixel stands twice
};

// What one thread needs to walk down the rows. Three rows on either side enter into a row of the score map:
// they are computed again where it does not go on from where it was.
template <class Number>
class Band {
 public:
  Band(const MapOf<Number>& x1, const ScoreHead& head)
      : x1_(x1), head_(head), pixels_(size_t(x1.channels) * kStep), bias_(size_t(head.level.outputs) * kStep),
        level_(bias_.size()), sums_(kFirst * kStep), first_(kFirst, x1.width), second_(kMiddle, x1.width),
        third_(kMiddle, x1.width), last_(x1.width) {
    for (size_t i = 0; i < bias_.size(); ++i) bias_[i] = head.level.bias[i / kStep];
    coarse_.reserve(3);
    for (const Map& coarse : head.coarse) coarse_.emplace_back(coarse, x1.height, x1.width);
  }

  // Score map rows [begin, end) of the padded image; `write` takes row number and logits.
  template <class Write>
  void walk(int begin, int end, Write write) {
    const auto is_inside = [&](int y) { return y >= 0 && y < x1_.height; };
    const int first = begin == next_ ? begin + 3 : begin - 3;
    next_ = end;
    for (int y = first; y < end + 3; ++y) {
      is_inside(y) ? make_first(y) : first_.clear(y);
      if (const int at = y - 1; at >= begin - 2) {
        if (is_inside(at))
          convolve_planes<kFirst, kMiddle, kSelu>(first_, at, head_.second, second_.row(at) + 1, second_.pitch, x1_.width);
        else
          second_.clear(at);
      }
      if (const int at = y - 2; at >= begin - 1) {
        if (is_inside(at))
          convolve_planes<kMiddle, kMiddle, kSelu>(second_, at, head_.third, third_.row(at) + 1, third_.pitch, x1_.width);
        else
          third_.clear(at);
      }
      if (const int at = y - 3; at >= begin) {
        convolve_planes<kMiddle, 1, kLinear>(third_, at, head_.fourth, last_.data(), 0, x1_.width);
        write(at, last_.data());
      }
    }
  }

 private:
  // The eight channels of one row.
  void make_first(int y) {
    for (CoarseRow& row : coarse_) row.move_to(y);
    for (int x = 0; x < x1_.width; x += kStep) {
      for (int c = 0; c < x1_.channels; c += 8)
        for (int p = 0; p < kStep; p += 8)
          transpose(x1_.at(y, x + p) + c, x1_.channels, &pixels_[c * kStep + p], kStep);
      multiply_planes(pixels_.data(), head_.level, bias_.data(), level_.data(), kStep);
      for (int p = 0; p < kStep; p += 8) {
        float sums[8 * kFirst];
        for (int i = 0; i < 8; ++i)
          store<8>(sums + i * kFirst, coarse_[0].at(x + p + i) + coarse_[1].at(x + p + i) + coarse_[2].at(x + p + i));
        transpose(sums, kFirst, &sums_[p], kStep);
      }
      multiply_planes(level_.data(), head_.first, sums_.data(), first_.row(y) + 1 + x, first_.pitch);
    }
  }

  const MapOf<Number>& x1_;
  const ScoreHead& head_;
  int next_ = INT_MIN;  // the row behind those that are done
  std::vector<float> pixels_, bias_, level_, sums_;  // planes of one step
  Ring first_, second_, third_;
  std::vector<float> last_;
  std::vector<CoarseRow> coarse_;
};

// 1 / (1 + exp(-x))
inline Vector<kLanes> sigmoid(Vector<kLanes> x) {
  const Vector<kLanes> zero = {}, power = x * -1.44269504f;
  return 1.0f / (1.0f + quick_power<kLanes>(power > 126.0f ? zero + 126.0f : power));
}

template <class Number>
int score(const MapOf<Number>& x1, const ScoreHead& head, int top, int left, int height, int width, float* score_map) {
  const auto write = [&](int y, float* logits) {
    for (int x = 0; x < x1.width; x += kLanes) store<kLanes>(logits + x, sigmoid(load<kLanes>(logits + x)));
    std::memcpy(score_map + ptrdiff_t(y - top) * width, logits + left, sizeof(float) * width);
  };
  return out_of_memory([&] {
    share_out(height, kTile, [&] {
      return [&, band = Band<Number>(x1, head)](int begin, int end) mutable {
        band.walk(top + begin, top + end, write);
      };
    });
  });
}

}  // namespace

extern "C" {

// The score map (height, width) of the image that begins at (top, left) of the padded one. Returns 0, or 1 if
// there is not enough memory.
int aliked_score(const Map* x1, const ScoreHead* head, int top, int left, int height, int width, float* score_map) {
  return score(*x1, *head, top, left, height, width, score_map);
}

// The same from a block 1 in bfloat16; float32 behind it.
int aliked_score16(const Map16* x1, const ScoreHead* head, int top, int left, int height, int width,
                   float* score_map) {
  return score(*x1, *head, top, left, height, width, score_map);
}
}

// The score head, from the features of block 1 and what the coarser levels contribute to the score map,
// row by row: neither the full-resolution features nor the maps between its layers exist as a whole.
#include <array>
#include <climits>
#include <cstring>
#include <type_traits>
#include <vector>

#include "kernels.hpp"
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
constexpr int kTile = 8;   // rows
constexpr int kStep = 32;  // pixels; the width of a padded image is a multiple of it

// The last three rows of some planes, zero beside and outside the image.
struct Ring {
  Ring(int channels, int width)
      : channels(channels), pitch(width + 2 + kStep), values(size_t(3) * channels * pitch, 0.0f) {}
  float* row(int y) { return values.data() + ptrdiff_t((y + 3) % 3) * channels * pitch; }
  void clear(int y) { std::memset(row(y), 0, sizeof(float) * channels * pitch); }

  int channels;
  ptrdiff_t pitch;
  std::vector<float> values;
};

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

// 3x3 convolution of one row of planes; `out` is the first pixel of the first plane.
template <int in_channels, int out_channels, Activation activation>
void convolve_planes(Ring& in, int y, const float* weights, float* out, ptrdiff_t out_pitch, int width) {
  constexpr int kVectors = kStep / kLanes;
  const float* rows[3] = {in.row(y - 1), in.row(y), in.row(y + 1)};
  for (int x = 0; x < width; x += kStep) {
    Vector<kLanes> sum[out_channels][kVectors] = {};
    for (int c = 0; c < in_channels; ++c)
      for (int ky = 0; ky < 3; ++ky)
        for (int kx = 0; kx < 3; ++kx) {
          const float* from = rows[ky] + c * in.pitch + x + kx;
#pragma GCC unroll 4
          for (int v = 0; v < kVectors; ++v) {
            const Vector<kLanes> value = load<kLanes>(from + v * kLanes);
#pragma GCC unroll 4
            for (int o = 0; o < out_channels; ++o)
              sum[o][v] += value * weights[(o * in_channels + c) * 9 + ky * 3 + kx];
          }
        }
    for (int o = 0; o < out_channels; ++o)
      for (int v = 0; v < kVectors; ++v)
        store<kLanes>(out + o * out_pitch + x + v * kLanes, activate<kLanes, activation>(sum[o][v]));
  }
}

// What one thread needs to walk down the rows. Three rows on either side enter into a row of the score map:
// they are computed again where it does not go on from where it was.
template <class Number>
class Band {
  static constexpr Activation kActivation = std::is_same_v<Number, float> ? kSelu : kQuickSelu;

 public:
  Band(const MapOf<Number>& x1, const ScoreHead& head)
      : x1_(x1), head_(head), level_(size_t(x1.width) * head.level.outputs), sums_(size_t(x1.width) * kFirst),
        first_(kFirst, x1.width), second_(kMiddle, x1.width), third_(kMiddle, x1.width), last_(x1.width) {
    if (!std::is_same_v<Number, float>) wide_.resize(size_t(x1.width) * x1.channels);
    for (int i = 0; i < 3; ++i) {
      const Map& coarse = head.coarse[i];
      rows_.emplace_back(x1.height, coarse.height);
      columns_.emplace_back(x1.width, coarse.width);
      blended_[i].resize(size_t(coarse.width + 1) * kFirst);
    }
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
          convolve_planes<kFirst, kMiddle, kActivation>(first_, at, head_.second, second_.row(at) + 1, second_.pitch, x1_.width);
        else
          second_.clear(at);
      }
      if (const int at = y - 2; at >= begin - 1) {
        if (is_inside(at))
          convolve_planes<kMiddle, kMiddle, kActivation>(second_, at, head_.third, third_.row(at) + 1, third_.pitch, x1_.width);
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
  const float* row(int y) {
    if constexpr (std::is_same_v<Number, float>) {
      return x1_.at(y, 0);
    } else {
      widen(x1_.at(y, 0), x1_.width * x1_.channels, wide_.data());
      return wide_.data();
    }
  }

  // The eight channels of one row, as planes.
  void make_first(int y) {
      const int width = x1_.width;
    Segment features = {row(y), x1_.channels, x1_.channels};
    multiply_row<kActivation>(&features, 1, head_.level, level_.data(), head_.level.outputs, width);
    Segment level = {level_.data(), head_.level.outputs, head_.level.outputs};
    multiply_row<kLinear>(&level, 1, head_.first, sums_.data(), kFirst, width);
    for (int i = 0; i < 3; ++i) blend_rows(i, y);
    float* planes = first_.row(y) + 1;
    for (int x = 0; x < width; x += 8) {
      Vector<8> values[8];
      for (int p = 0; p < 8; ++p) {
        Vector<8> sum = load<8>(&sums_[size_t(x + p) * kFirst]);
        for (int i = 0; i < 3; ++i) {
          const float* left = &blended_[i][size_t(columns_[i].index[x + p]) * kFirst];
          const Vector<8> a = load<8>(left), b = load<8>(left + kFirst);
          sum += a + (b - a) * columns_[i].fraction[x + p];
        }
        values[p] = activate<8, kActivation>(sum);
      }
      for (int c = 0; c < kFirst; ++c) {
        const Vector<8> plane = {values[0][c], values[1][c], values[2][c], values[3][c],
                                 values[4][c], values[5][c], values[6][c], values[7][c]};
        store<8>(planes + c * first_.pitch + x, plane);
      }
    }
  }

  // The row of a coarse map that belongs to row y; its last pixel stands twice.
  void blend_rows(int i, int y) {
    const Map& coarse = head_.coarse[i];
    const int row = rows_[i].index[y], below = row + 1 < coarse.height ? row + 1 : row;
    const float fraction = rows_[i].fraction[y];
    const float *a = coarse.at(row, 0), *b = coarse.at(below, 0);
    const int length = coarse.width * kFirst;
    float* out = blended_[i].data();
    for (int j = 0; j < length; ++j) out[j] = a[j] + (b[j] - a[j]) * fraction;
    std::memcpy(out + length, out + length - kFirst, sizeof(float) * kFirst);
  }

  const MapOf<Number>& x1_;
  const ScoreHead& head_;
  int next_ = INT_MIN;  // the row behind those that are done
  std::vector<float> level_, sums_, wide_;
  Ring first_, second_, third_;
  std::vector<float> last_;
  std::vector<Axis> rows_, columns_;
  std::array<std::vector<float>, 3> blended_;
};

template <class Number>
int score(const MapOf<Number>& x1, const ScoreHead& head, int top, int left, int height, int width, float* score_map) {
  const auto write = [&](int y, float* logits) {
    for (int x = 0; x < x1.width; x += 8) {
      const Vector<8> one = Vector<8>{} + 1.0f;
      store<8>(logits + x, one / (one + exponential<8>(-load<8>(logits + x))));
    }
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

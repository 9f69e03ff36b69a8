// The score head, from the features of block 1 and what the coarser levels contribute to the score map,
// row by row: neither the full-resolution features nor the maps between its layers exist as a whole.
#include <climits>
#include <cstring>
#include <vector>

#include "kernels.hpp"
#include "pool.hpp"
#include "score_levels.hpp"

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
constexpr int kTile = 8;           // rows
constexpr int kStep = 2 * kLanes;  // pixels, two vectors; the width of a padded image is a multiple of it

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

// 3x3 convolution of one row of planes; `out` is the first pixel of the first plane.
template <int in_channels, int out_channels, Activation activation>
void convolve_planes(Ring& in, int y, const float* weights, float* out, ptrdiff_t out_pitch, int width) {
  const float* rows[3] = {in.row(y - 1), in.row(y), in.row(y + 1)};
  for (int x = 0; x < width; x += kStep) {
    Vector<kLanes> sum[out_channels][2] = {};
    for (int c = 0; c < in_channels; ++c)
      for (int ky = 0; ky < 3; ++ky)
        for (int kx = 0; kx < 3; ++kx) {
          const float* from = rows[ky] + c * in.pitch + x + kx;
          const Vector<kLanes> left = load<kLanes>(from), right = load<kLanes>(from + kLanes);
#pragma GCC unroll 4
          for (int o = 0; o < out_channels; ++o) {
            const float weight = weights[(o * in_channels + c) * 9 + ky * 3 + kx];
            sum[o][0] += left * weight;
            sum[o][1] += right * weight;
          }
        }
    for (int o = 0; o < out_channels; ++o)
      for (int v = 0; v < 2; ++v)
        store<kLanes>(out + o * out_pitch + x + v * kLanes, activate<kLanes, activation>(sum[o][v]));
  }
}

// out = SELU(start + in times the weights): planes of kStep pixels.
void multiply_planes(const float* in, const Weights& weights, const float* start, float* out, ptrdiff_t out_pitch) {
  constexpr int outputs = kLanes == 16 ? 8 : 4;  // as many sums as registers hold
  for (int first = 0; first < weights.outputs; first += outputs) {
    const int block = weights.block;
    const float* weight = weights.data + ptrdiff_t(first / block) * block * weights.inputs + first % block;
    Vector<kLanes> sum[outputs][2];
    for (int o = 0; o < outputs; ++o)
      for (int v = 0; v < 2; ++v) sum[o][v] = load<kLanes>(start + (first + o) * kStep + v * kLanes);
    for (int i = 0; i < weights.inputs; ++i, weight += block) {
      const Vector<kLanes> left = load<kLanes>(in + i * kStep), right = load<kLanes>(in + i * kStep + kLanes);
#pragma GCC unroll 8
      for (int o = 0; o < outputs; ++o) {
        sum[o][0] += left * weight[o];
        sum[o][1] += right * weight[o];
      }
    }
    for (int o = 0; o < outputs; ++o)
      for (int v = 0; v < 2; ++v)
        store<kLanes>(out + (first + o) * out_pitch + v * kLanes, selu<kLanes>(sum[o][v]));
  }
}

// What one thread needs to walk down the rows. Three rows on either side enter into a row of the score map:
// they are computed again where it does not go on from where it was.
template <class Number>
class Band {
 public:
  Band(const MapOf<Number>& x1, const ScoreHead& head)
      : x1_(x1), head_(head), pixels_(size_t(x1.channels) * kStep), bias_(size_t(head.level.outputs) * kStep), level_(bias_.size()),
        sums_(kFirst * kStep), first_(kFirst, x1.width), second_(kMiddle, x1.width), third_(kMiddle, x1.width), last_(x1.width) {
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
      for (int v = 0; v < kStep; v += kLanes) {
        Vector<kLanes> sum[kFirst] = {};
        for (const CoarseRow& row : coarse_) row.add(x + v, sum);
        for (int c = 0; c < kFirst; ++c) store<kLanes>(&sums_[c * kStep + v], sum[c]);
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
  return 1.0f / (1.0f + quick_power<kLanes>(power < 126.0f ? power : zero + 126.0f));
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

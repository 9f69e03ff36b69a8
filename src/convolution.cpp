// Convolutions, ordinary and deformable, and what stands between them.
#include <cmath>
#include <vector>

#include "average.hpp"
#include "kernels.hpp"
#include "pairs.hpp"
#include "pool.hpp"

namespace {

using namespace aliked;

// The three pixels under a kernel row lie one behind the other.
void set_window(const Map& in, int y, Segment* segments) {
  for (int ky = 0; ky < 3; ++ky) segments[ky] = {in.at(y + ky - 1, -1), in.channels, 3 * in.channels};
}

template <Activation activation>
void convolve_rows(const Map& in, const Map* shortcut, const Weights& weights, const Map& out) {
#if defined(__AVX512F__)
  if (weights.outputs == 8 && !shortcut) {
    const Pairs pairs(weights);
    return for_each(out.height, 1, [&](int y) {
      Segment segments[3];
      set_window(in, y, segments);
      multiply_row<activation>(segments, pairs, out.at(y, 0), out.width);
    });
  }
#endif
  for_each(out.height, 1, [&](int y) {
    Segment segments[4];
    set_window(in, y, segments);
    if (shortcut) segments[3] = {shortcut->at(y, 0), shortcut->channels, shortcut->channels};
    multiply_row<activation>(segments, shortcut ? 4 : 3, weights, out.at(y, 0), out.channels, out.width);
  });
}

template <Activation activation>
void project_rows(const Map& in, const Weights& weights, const Map& out) {
  for_each(out.height, 1, [&](int y) {
    Segment segment = {in.at(y, 0), in.channels, in.channels};
    multiply_row<activation>(&segment, 1, weights, out.at(y, 0), out.channels, out.width);
  });
}

// Write the bilinear value of all channels, a multiple of 16, at (y, x). Outside the map are zeros: those of its
// border.
void sample(const Map& in, float y, float x, float* out) {
  const float height = float(in.height), width = float(in.width);
  y = y > -1 ? y < height ? y : height : -1;  // -1 for what is no number, too
  x = x > -1 ? x < width ? x : width : -1;
  const float top = std::floor(y), left = std::floor(x);
  const float fy = y - top, fx = x - left;
  const int row = int(top), column = int(left);
  const float* a = in.at(row, column);
  const float* c = row < in.height ? a + in.stride() : a;
  const ptrdiff_t next = column < in.width ? in.channels : 0;
  const float wa = (1 - fy) * (1 - fx), wb = (1 - fy) * fx, wc = fy * (1 - fx), wd = fy * fx;
  for (int k = 0; k < in.channels; k += kLanes)
    store<kLanes>(out + k, load<kLanes>(a + k) * wa + load<kLanes>(a + next + k) * wb + load<kLanes>(c + k) * wc +
                               load<kLanes>(c + next + k) * wd);
}

}  // namespace

extern "C" {
// Each kernel returns 0, or 1 if there is not enough memory.

// Rows of the padded image, from `first_row` on.
int aliked_load_image(const Image* image, int first_row, const Map* out) {
  return out_of_memory([&] {
    for_each(out->height, 4, [&](int y) {
      for (int x = 0; x < out->width; ++x) read_pixel(*image, first_row + y, x, out->at(y, x));
    });
  });
}

// out = conv3x3(in) + bias (+ the 1x1 convolution of a shortcut, whose weights follow); SELU if `activate`.
int aliked_convolve(const Map* in, const Map* shortcut, const Weights* weights, int activate, const Map* out) {
  return out_of_memory([&] {
    activate ? convolve_rows<kSelu>(*in, shortcut, *weights, *out) : convolve_rows<kLinear>(*in, shortcut, *weights, *out);
  });
}

// The same with taps that are moved by `offsets` (dy, dx of nine taps), each at most `limit` cells.
int aliked_convolve_deformable(const Map* in, const Map* offsets, float limit, const Map* shortcut,
                               const Weights* weights, const Map* out) {
  const int length = 9 * in->channels;
  const auto with_taps = [&] {
    return [&, taps = std::vector<float>(size_t(out->width) * length)](int y, int) mutable {
      for (int x = 0; x < out->width; ++x) {
        const float* offset = offsets->at(y, x);
        for (int tap = 0; tap < 9; ++tap) {
          const float dy = clamp(offset[2 * tap], -limit, limit);
          const float dx = clamp(offset[2 * tap + 1], -limit, limit);
          sample(*in, float(y + tap / 3 - 1) + dy, float(x + tap % 3 - 1) + dx,
                 &taps[size_t(x) * length + tap * in->channels]);
        }
      }
      Segment segments[2] = {{taps.data(), length, length}, {}};
      if (shortcut) segments[1] = {shortcut->at(y, 0), shortcut->channels, shortcut->channels};
      multiply_row<kSelu>(segments, shortcut ? 2 : 1, *weights, out->at(y, 0), out->channels, out->width);
    };
  };
  return out_of_memory([&] { share_out(out->height, 1, with_taps); });
}

// out = conv1x1(in); SELU if `activate`.
int aliked_project(const Map* in, const Weights* weights, int activate, const Map* out) {
  return out_of_memory(
      [&] { activate ? project_rows<kSelu>(*in, *weights, *out) : project_rows<kLinear>(*in, *weights, *out); });
}

// Mean of size x size pixels.
int aliked_average_pool(const Map* in, int size, const Map* out) {
  return out_of_memory([&] { average_pool(*in, size, *out); });
}

// out (rows, outputs) = in (rows, inputs) times the weights; SELU if `activate`.
int aliked_multiply(const float* in, int rows, const Weights* weights, int activate, float* out) {
  const auto multiply_tile = [&](int begin, int end) {
    Segment segment = {in + ptrdiff_t(begin) * weights->inputs, weights->inputs, weights->inputs};
    float* to = out + ptrdiff_t(begin) * weights->outputs;
    activate ? multiply_row<kSelu>(&segment, 1, *weights, to, weights->outputs, end - begin)
             : multiply_row<kLinear>(&segment, 1, *weights, to, weights->outputs, end - begin);
  };
  return out_of_memory([&] { share_out(rows, 64, [&] { return multiply_tile; }); });
}

int aliked_lanes() { return kLanes; }
}

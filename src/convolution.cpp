// Convolutions, ordinary and deformable, and what stands between them.
#include <cmath>
#include <vector>

#include "kernels.hpp"
#include "pool.hpp"

namespace {

using namespace aliked;

template <Activation activation>
void convolve_rows(const Map& in, const Map* shortcut, const Weights& weights, const Map& out) {
  for_each(out.height, 1, [&](int y) {
    // The three pixels under a kernel row lie one behind the other.
    Segment segments[4];
    for (int ky = 0; ky < 3; ++ky) segments[ky] = {in.at(y + ky - 1, -1), in.channels, 3 * in.channels};
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

// Write the bilinear value of all channels at (y, x), zeros outside the map.
void sample(const Map& in, float y, float x, float* out) {
  const float top = std::floor(y), left = std::floor(x);
  const float fy = y - top, fx = x - left;
  for (int c = 0; c < in.channels; ++c) out[c] = 0;
  for (int corner = 0; corner < 4; ++corner) {
    const int dy = corner / 2, dx = corner % 2;
    const float row = top + dy, column = left + dx;
    if (!(row >= 0 && row < in.height && column >= 0 && column < in.width)) continue;
    const float weight = (dy ? fy : 1 - fy) * (dx ? fx : 1 - fx);
    const float* from = in.at(int(row), int(column));
    for (int c = 0; c < in.channels; ++c) out[c] += weight * from[c];
  }
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
  return out_of_memory([&] {
    for_each(out->height, 2, [&](int y) {
      for (int x = 0; x < out->width; ++x) {
        float* to = out->at(y, x);
        for (int c = 0; c < out->channels; ++c) to[c] = 0;
        for (int dy = 0; dy < size; ++dy)
          for (int dx = 0; dx < size; ++dx) {
            const float* from = in->at(y * size + dy, x * size + dx);
            for (int c = 0; c < out->channels; ++c) to[c] += from[c];
          }
        for (int c = 0; c < out->channels; ++c) to[c] /= float(size * size);
      }
    });
  });
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

// Convolutions, ordinary and deformable, and what stands between them.
#include <cmath>
#include <vector>

#include "kernels.hpp"

namespace {

using aliked::Segment;

template <bool activate>
void convolve_rows(const Map& in, const Map* shortcut, const Weights& weights, const Map& out) {
#pragma omp parallel for schedule(static)
  for (int y = 0; y < out.height; ++y) {
    // The three pixels under a kernel row lie one behind the other.
    Segment segments[4];
    for (int ky = 0; ky < 3; ++ky) segments[ky] = {in.at(y + ky - 1, -1), in.channels, 3 * in.channels};
    if (shortcut) segments[3] = {shortcut->at(y, 0), shortcut->channels, shortcut->channels};
    aliked::multiply_row<activate>(segments, shortcut ? 4 : 3, weights, out.at(y, 0), out.channels, out.width);
  }
}

template <bool activate>
void project_rows(const Map& in, const Weights& weights, const Map& out) {
#pragma omp parallel for schedule(static)
  for (int y = 0; y < out.height; ++y) {
    Segment segment = {in.at(y, 0), in.channels, in.channels};
    aliked::multiply_row<activate>(&segment, 1, weights, out.at(y, 0), out.channels, out.width);
  }
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

// Pixels in [0, 255], `channels` 1 or 3, to RGB in [0, 1]; the nearest pixel continues outside the image.
void aliked_load_image(const uint8_t* pixels, int height, int width, int channels, int top, int left,
                       const Map* out) {
#pragma omp parallel for schedule(static)
  for (int y = 0; y < out->height; ++y) {
    const int row = y < top ? 0 : y - top < height ? y - top : height - 1;
    float* to = out->at(y, 0);
    for (int x = 0; x < out->width; ++x) {
      const int column = x < left ? 0 : x - left < width ? x - left : width - 1;
      const uint8_t* from = pixels + (ptrdiff_t(row) * width + column) * channels;
      for (int c = 0; c < 3; ++c) *to++ = float(from[channels == 3 ? c : 0]) / 255.0f;
    }
  }
}

// out = conv3x3(in) + bias (+ the 1x1 convolution of a shortcut, whose weights follow); SELU if `activate`.
void aliked_convolve(const Map* in, const Map* shortcut, const Weights* weights, int activate, const Map* out) {
  activate ? convolve_rows<true>(*in, shortcut, *weights, *out) : convolve_rows<false>(*in, shortcut, *weights, *out);
}

// The same with taps that are moved by `offsets` (dy, dx of nine taps), each at most `limit` cells.
void aliked_convolve_deformable(const Map* in, const Map* offsets, float limit, const Map* shortcut,
                                const Weights* weights, const Map* out) {
#pragma omp parallel for schedule(static)
  for (int y = 0; y < out->height; ++y) {
    const int length = 9 * in->channels;
    std::vector<float> taps(size_t(out->width) * length);
    for (int x = 0; x < out->width; ++x) {
      const float* offset = offsets->at(y, x);
      for (int tap = 0; tap < 9; ++tap) {
        const float dy = aliked::clamp(offset[2 * tap], -limit, limit);
        const float dx = aliked::clamp(offset[2 * tap + 1], -limit, limit);
        sample(*in, float(y + tap / 3 - 1) + dy, float(x + tap % 3 - 1) + dx,
               &taps[size_t(x) * length + tap * in->channels]);
      }
    }
    Segment segments[2] = {{taps.data(), length, length}, {}};
    if (shortcut) segments[1] = {shortcut->at(y, 0), shortcut->channels, shortcut->channels};
    aliked::multiply_row<true>(segments, shortcut ? 2 : 1, *weights, out->at(y, 0), out->channels, out->width);
  }
}

// out = conv1x1(in); SELU if `activate`.
void aliked_project(const Map* in, const Weights* weights, int activate, const Map* out) {
  activate ? project_rows<true>(*in, *weights, *out) : project_rows<false>(*in, *weights, *out);
}

// Mean of size x size pixels.
void aliked_average_pool(const Map* in, int size, const Map* out) {
#pragma omp parallel for schedule(static)
  for (int y = 0; y < out->height; ++y) {
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
  }
}

// out (rows, outputs) = in (rows, inputs) times the weights; SELU if `activate`.
void aliked_multiply(const float* in, int64_t rows, const Weights* weights, int activate, float* out) {
  constexpr int64_t kRows = 64;
#pragma omp parallel for schedule(static)
  for (int64_t first = 0; first < rows; first += kRows) {
    const int count = int(rows - first < kRows ? rows - first : kRows);
    Segment segment = {in + first * weights->inputs, weights->inputs, weights->inputs};
    float* to = out + first * weights->outputs;
    activate ? aliked::multiply_row<true>(&segment, 1, *weights, to, weights->outputs, count)
             : aliked::multiply_row<false>(&segment, 1, *weights, to, weights->outputs, count);
  }
}

int aliked_lanes() { return aliked::kLanes; }
}

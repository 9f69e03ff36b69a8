// Unit-length features of single pixels, evaluated where they are needed and nowhere else.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <type_traits>
#include <utility>
#include <vector>

#include "kernels.hpp"
#include "pairs.hpp"
#include "pool.hpp"

template <class Number>
struct PyramidOf {
  MapOf<Number> x1;  // block 1; the finest level is computed from it where it is read. In float32 it may have no
                     // memory:
  Image image;            // then block 1 is computed from these pixels,
  Weights first, second;  // by its two convolutions
  Weights level;          // block 1 -> features of the finest level, SELU
  Map levels[3];          // features of levels 2 to 4
};

namespace {

using namespace aliked;
constexpr int kMaxDim = 256;
constexpr int kMaxChannels = 32;  // of block 1
constexpr int kPoints = 8;  // of one tile

// Ask for memory that is going to be read. Inlined: GCC drops a call that does nothing else.
__attribute__((always_inline)) inline void prefetch(const void* from, ptrdiff_t size) {
  const char* memory = static_cast<const char*>(from);
  for (ptrdiff_t i = 0; i < size; i += 64) __builtin_prefetch(memory + i);
  __builtin_prefetch(memory + size - 1);
}

template <class Number>
class Reader {
  static constexpr bool kIsWide = std::is_same_v<Number, float>;

 public:
  explicit Reader(const PyramidOf<Number>& pyramid) : pyramid_(pyramid), part_(pyramid.level.outputs) {
    for (int i = 0; i < 3; ++i) {
      scale_y_[i] = scale(pyramid.levels[i].height, pyramid.x1.height);
      scale_x_[i] = scale(pyramid.levels[i].width, pyramid.x1.width);
    }
    if (!pyramid.x1.origin && pyramid.first.outputs == 8)
      first_ = Pairs(pyramid.first), second_ = Pairs(pyramid.second);
  }

  int dim() const { return 4 * part_; }

  // Add the weighted features of `count` neighbours from pixel (y, x) on to out, out + step, ...
  // Pixels outside the image count as zero.
  template <int count>
  void add(float y, float x, const float* weights, float* out, int step) const {
    if (!(y >= 0 && y < pyramid_.image.height && x > -count && x < pyramid_.image.width)) return;
    const int row = int(y) + pyramid_.image.top, column = int(x) + pyramid_.image.left;
    float features[count * kMaxDim];
    finest<count>(row, column, features);
    for (int p = 0; p < count; ++p) {
      if (x + p < 0 || x + p >= pyramid_.image.width) continue;
      float* feature = features + p * dim();
      for (int i = 0; i < 3; ++i) interpolate(i, row, column + p, feature + (i + 1) * part_);
      const float factor = weights[p] / std::fmax(norm(feature), 1e-12f);
      for (int c = 0; c < dim(); c += kLanes)
        store<kLanes>(out + p * step + c,
                      load<kLanes>(out + p * step + c) + load<kLanes>(feature + c) * factor);
    }
  }

  // Ask for what add() is going to read there of the two large maps, in `rows` rows from y on.
  template <int count>
  __attribute__((always_inline)) void expect(float y, float x, int rows) const {
    const Image& image = pyramid_.image;
    const int column = int(clamp(x, 0, float(image.width - count))) + image.left;
    const Map& level = pyramid_.levels[0];
    const int left = int(float(column) * scale_x_[0]), right = int(float(column + count - 1) * scale_x_[0]) + 1;
    for (int i = 0; i < rows; ++i) {
      const int row = int(clamp(y + float(i), 0, float(image.height - 1))) + image.top;
      if (pyramid_.x1.origin) prefetch(pyramid_.x1.at(row, column), sizeof(Number) * count * pyramid_.x1.channels);
      const float* features = level.at(int(float(row) * scale_y_[0]), left);
      const ptrdiff_t size = sizeof(float) * (right - left + 1) * part_;
      prefetch(features, size);
      prefetch(features + level.stride(), size);
    }
  }

 private:
  static float scale(int coarse, int fine) { return fine > 1 ? float(double(coarse - 1) / (fine - 1)) : 0.0f; }

  template <int count>
  void finest(int row, int column, float* out) const {
    const MapOf<Number>& x1 = pyramid_.x1;
    float pixels[count * kMaxChannels];
    Segment segment = {pixels, x1.channels, x1.channels};
    if constexpr (!kIsWide)
      widen(x1.at(row, column), count * x1.channels, pixels);
    else if (x1.origin)
      segment.in = x1.at(row, column);
    else
      block1<count>(row, column, pixels);
    multiply_block<count>(&segment, 1, pyramid_.level, out, dim());
  }

  // Block 1 at `count` pixels, from the window of the image that they depend on.
  template <int count>
  void block1(int row, int column, float* out) const {
    const int channels = pyramid_.x1.channels;
    float image[5][(count + 4) * 3], hidden[3][(count + 2) * kMaxChannels];
    for (int y = 0; y < 5; ++y)
      for (int x = 0; x < count + 4; ++x) {
        float* to = &image[y][x * 3];
        if (is_inside(row + y - 2, column + x - 2))
          read_pixel(pyramid_.image, row + y - 2, column + x - 2, to);
        else
          to[0] = to[1] = to[2] = 0;
      }
    for (int y = 0; y < 3; ++y) {
      Segment segments[3];
      for (int ky = 0; ky < 3; ++ky) segments[ky] = {image[y + ky], 3, 9};
      convolve<count + 2>(segments, pyramid_.first, first_, hidden[y]);
      for (int x = 0; x < count + 2; ++x)
        if (!is_inside(row + y - 1, column + x - 1)) std::fill_n(&hidden[y][x * channels], channels, 0.0f);
    }
    Segment segments[3];
    for (int ky = 0; ky < 3; ++ky) segments[ky] = {hidden[ky], channels, 3 * channels};
    convolve<count>(segments, pyramid_.second, second_, out);
  }

  // As aliked_convolve() does, to the last bit.
  template <int count>
  static void convolve(const Segment* segments, const Weights& weights, [[maybe_unused]] const Pairs& pairs,
                       float* out) {
#if defined(__AVX512F__)
    if (weights.outputs == 8) return multiply_pairs<count, kSelu>(segments, pairs, out);
#endif
    multiply_block<count>(segments, 3, weights, out, weights.outputs);
  }

  // The one block of outputs that such weights have; SELU.
  template <int count>
  static void multiply_block(const Segment* segments, int num_segments, const Weights& weights, float* out,
                             int out_step) {
    if (weights.block == 8)
      multiply<8, 1, count, kSelu>(segments, num_segments, weights.data, weights.bias, out, out_step);
    else if (weights.block == 16)
      multiply<kLanes, 16 / kLanes, count, kSelu>(segments, num_segments, weights.data, weights.bias, out, out_step);
    else
      multiply<kLanes, 32 / kLanes, count, kSelu>(segments, num_segments, weights.data, weights.bias, out, out_step);
  }

  bool is_inside(int row, int column) const {  // the padded image, around which all is zero
    return row >= 0 && row < pyramid_.x1.height && column >= 0 && column < pyramid_.x1.width;
  }

  void interpolate(int i, int row, int column, float* out) const {
    const Map& level = pyramid_.levels[i];
    const float y = float(row) * scale_y_[i], x = float(column) * scale_x_[i];
    const int top = int(y), left = int(x);
    const float fy = y - float(top), fx = x - float(left);
    // Beyond the last cell the weight is 0; the border of a map makes reading there harmless.
    const float *a = level.at(top, left), *b = a + level.channels;
    const float *c = a + level.stride(), *d = c + level.channels;
    const float wa = (1 - fy) * (1 - fx), wb = (1 - fy) * fx, wc = fy * (1 - fx), wd = fy * fx;
    for (int k = 0; k < part_; k += kLanes)
      store<kLanes>(out + k, load<kLanes>(a + k) * wa + load<kLanes>(b + k) * wb + load<kLanes>(c + k) * wc +
                                 load<kLanes>(d + k) * wd);
  }

  float norm(const float* feature) const {
    Vector<kLanes> squares = {};
    for (int c = 0; c < dim(); c += kLanes) squares += load<kLanes>(feature + c) * load<kLanes>(feature + c);
    float sum = 0;
    if constexpr (kIsWide) {
      for (int lane = 0; lane < kLanes; ++lane) sum += squares[lane];
    } else {  // a tree is faster; float32 keeps the order that its results have always had
      float lanes[kLanes];
      store<kLanes>(lanes, squares);
      Vector<4> quarter = load<4>(lanes);
      for (int lane = 4; lane < kLanes; lane += 4) quarter += load<4>(lanes + lane);
      sum = (quarter[0] + quarter[1]) + (quarter[2] + quarter[3]);
    }
    return std::sqrt(sum);
  }

  const PyramidOf<Number>& pyramid_;
  const int part_;
  float scale_y_[3], scale_x_[3];
  Pairs first_, second_;
};

// The numbers of points (N, 2) from top to bottom: neighbours read the same memory, and points come by score.
std::vector<int> from_top(const float* points, int num_points) {
  std::vector<int> order(num_points);
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](int a, int b) { return points[2 * a + 1] < points[2 * b + 1]; });
  return order;
}

// patches (N, 3, 3, dim): the features around the pixels that hold the points (N, 2), px, (x, y).
template <class Number>
int read_patches(const PyramidOf<Number>* pyramid, const float* points, int num_points, float* patches) {
  const float ones[3] = {1, 1, 1};
  return out_of_memory([&] {
    const Reader<Number> reader(*pyramid);
    const int dim = reader.dim();
    const std::vector<int> order = from_top(points, num_points);
    for_each(num_points, kPoints, [&](int i) {
      const ptrdiff_t n = order[i], next = order[std::min(i + 1, num_points - 1)];
      reader.template expect<3>(points[2 * next + 1] - 1, points[2 * next] - 1, 3);
      const float x = std::trunc(points[2 * n]), y = std::trunc(points[2 * n + 1]);
      float* out = patches + n * 9 * dim;
      std::fill(out, out + 9 * dim, 0.0f);
      for (int row = 0; row < 3; ++row)
        reader.template add<3>(y + float(row - 1), x - 1, ones, out + row * 3 * dim, dim);
    });
  });
}

// samples (N, M, dim): the features at points + offsets, interpolated. An offset vector holds first M times
// x and then M times y, in px, each at most `limit`.
template <class Number>
int read_samples(const PyramidOf<Number>* pyramid, const float* points, const float* offsets, int num_points,
                 int num_samples, float limit, Number* samples) {
  return out_of_memory([&] {
    const Reader<Number> reader(*pyramid);
    const int dim = reader.dim();
    const std::vector<int> order = from_top(points, num_points);
    const auto sample = [&](ptrdiff_t n, int m) {  // (x, y)
      const float* offset = offsets + n * 2 * num_samples + m;
      return std::pair(points[2 * n] + clamp(offset[0], -limit, limit),
                       points[2 * n + 1] + clamp(offset[num_samples], -limit, limit));
    };
    for_each(num_points, kPoints, [&](int i) {
      const ptrdiff_t n = order[i], next = order[std::min(i + 1, num_points - 1)];
      for (int m = 0; m < num_samples; ++m) {
        const auto [next_x, next_y] = sample(next, m);
        reader.template expect<2>(next_y, next_x, 2);
        const auto [x, y] = sample(n, m);
        const float left = std::floor(x), top = std::floor(y);
        const float fx = x - left, fy = y - top;
        const float above[2] = {(1 - fy) * (1 - fx), (1 - fy) * fx}, below[2] = {fy * (1 - fx), fy * fx};
        Number* to = samples + (n * num_samples + m) * dim;
        float sum[kMaxDim];
        float* out = sum;
        if constexpr (std::is_same_v<Number, float>) out = to;
        std::fill(out, out + dim, 0.0f);
        reader.template add<2>(top, left, above, out, 0);
        reader.template add<2>(top + 1, left, below, out, 0);
        if constexpr (!std::is_same_v<Number, float>)
          for (int c = 0; c < dim; c += kLanes) store<kLanes>(to + c, load<kLanes>(out + c));
      }
    });
  });
}
}  // namespace

extern "C" {

// All return 0, or 1 if there is not enough memory. The others take block 1, and write samples, in bfloat16.

int aliked_read_patches(const PyramidOf<float>* pyramid, const float* points, int num_points, float* patches) {
  return read_patches(pyramid, points, num_points, patches);
}

int aliked_read_patches16(const PyramidOf<Bfloat16>* pyramid, const float* points, int num_points, float* patches) {
  return read_patches(pyramid, points, num_points, patches);
}

int aliked_read_samples(const PyramidOf<float>* pyramid, const float* points, const float* offsets, int num_points,
                        int num_samples, float limit, float* samples) {
  return read_samples(pyramid, points, offsets, num_points, num_samples, limit, samples);
}

int aliked_read_samples16(const PyramidOf<Bfloat16>* pyramid, const float* points, const float* offsets,
                          int num_points, int num_samples, float limit, Bfloat16* samples) {
  return read_samples(pyramid, points, offsets, num_points, num_samples, limit, samples);
}
}

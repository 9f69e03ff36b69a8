// One layer of LightGlue: points attend to their own image, then to the other one.
//
// A thread takes some rows of an image through attention, feed-forward network and the projection of the next
// attention, so that what stands between them stays in the nearest caches. Threads meet only where a point needs
// all points of an image: twice a layer.
#pragma once

#include <limits>
#include <vector>

#include "lightglue_rows.hpp"
#include "linear.hpp"
#include "pool.hpp"

namespace aliked {

// x + shrink(gelu(norm(expand(x, message)))).
struct Update {
  Linear expand, shrink;
  const float* norm_weight;
  const float* norm_bias;
};

struct GlueLayer {
  Linear to_qkv;  // queries, keys, values; of each head the first, then the second numbers of the turned pairs
  Update own;
  Linear to_qk_v;  // what is query and key at once, and values
  Update other;
  int32_t width, heads;
};

// The points of all images. Images 2k and 2k + 1 are a pair.
struct Points {
  const float* x;    // (N, width)
  const float* cos;  // (N, width / heads / 2), of the angles by which positions turn queries and keys
  const float* sin;
  const int32_t* sizes;  // points of each image, in the order of the rows
  int32_t num_images;
  float* out;  // (N, width)
};

// Memory of the calling thread that stays for the next layer, unless it is large.
template <class Number>
Number* kept_memory(size_t count) {
  constexpr size_t kMany = (32 << 20) / sizeof(Number);
  thread_local Memory<Number> memory;
  thread_local size_t size = 0;
  if (count > size || size > kMany) {
    size = 0;
    memory = Memory<Number>();  // two at once would be too much
    memory = Memory<Number>(count);
    size = count;
  }
  return memory.data();
}

template <class Number>
class GlueRun {
 public:
  GlueRun(const GlueLayer& layer, const Points& points)
      : layer_(layer), points_(points), width_(layer.width), head_(layer.width / layer.heads) {
    int first = 0;
    for (int i = 0; i < points.num_images; ++i) {
      const int size = points.sizes[i];
      images_.push_back({first, size, round_up(size, kBlock), memory_});
      for (int row = 0; row < size; row += kTile) tiles_.push_back({i, row, size - row < kTile ? size - row : kTile});
      first += size;
      memory_ += ptrdiff_t(round_up(round_up(size, kBlock), kTile)) * width_;
      longest_ = longest_ > size ? longest_ : size;
    }
    longest_ = round_up(longest_, kBlock);
    Number* memory = kept_memory<Number>(6 * memory_);
    for (Attended* set : {&own_, &other_}) {
      set->queries = memory;
      set->keys = memory + memory_;
      set->values = memory + 2 * memory_;
      memory += 3 * memory_;
    }
    bias_.assign(size_t(points.num_images) * longest_, 0.0f);
    for (int i = 0; i < points.num_images; ++i)
      for (int p = images_[i].size; p < longest_; ++p)
        bias_[size_t(i) * longest_ + p] = -std::numeric_limits<float>::infinity();
  }

  void operator()() {
    share([&](Scratch& scratch, const Tile& tile) {
      read(points_.x, tile, scratch.joined.data());
      project_own(scratch, tile);
    });
    share([&](Scratch& scratch, const Tile& tile) {
      attend(own_, tile, tile.image, points_.x, scratch);
      update(layer_.own, points_.x, tile, scratch);
      read(points_.out, tile, scratch.joined.data());
      project_other(scratch, tile);
    });
    share([&](Scratch& scratch, const Tile& tile) {
      attend(other_, tile, tile.image ^ 1, points_.out, scratch);
      update(layer_.other, points_.out, tile, scratch);
    });
  }

 private:
  struct Image {
    int first, size, filled;  // filled: size in whole blocks
    ptrdiff_t offset;         // of its queries, keys and values
  };
  struct Tile {
    int image, row, count;
    int rows() const { return round_up(count, kGroup); }
  };
  struct Attended {
    Number *queries, *keys, *values;
  };
  // Numbers from row to row: where that is a power of two, rows push each other out of the nearest cache.
  static int step(int numbers) { return numbers + kLanes; }

  // What a thread computes a tile in.
  struct Scratch {
    explicit Scratch(int width, int points)
        : joined(kTile * 2 * width), hidden(kTile * 2 * width), activated(kTile * 2 * width),
          logits(size_t(kTile) * step(points)), weights(sizeof(Number) == 2 ? size_t(kTile) * step(points) : 0) {}
    Memory<Number> joined;  // (kTile, 2 width): points, messages
    Memory<float> hidden;
    Memory<Number> activated;
    Memory<float> logits;
    Memory<Number> weights;  // of attention; float32 ones take the place of the logits
  };

  template <class Work>
  void share(const Work& work) {
    share_out(int(tiles_.size()), 1, [&] {
      return [&, scratch = Scratch(width_, longest_)](int begin, int) mutable { work(scratch, tiles_[begin]); };
    });
  }

  // The points of a tile, then zeros, into the front halves of rows.
  void read(const float* x, const Tile& tile, Number* joined) const {
    const float* from = x + ptrdiff_t(images_[tile.image].first + tile.row) * width_;
    for (int i = 0; i < tile.rows(); ++i, joined += 2 * width_)
      for (int c = 0; c < width_; c += kLanes)
        store<kLanes>(joined + c, i < tile.count ? load<kLanes>(from + ptrdiff_t(i) * width_ + c) : Vector<kLanes>{});
  }

  // Part `part` of a projection of the points of a tile, (rows, width).
  float* project(const Linear& matrix, int part, const Tile& tile, Scratch& scratch) const {
    float* projected = scratch.hidden.data();
    multiply_rows(scratch.joined.data(), 2 * width_, tile.rows(), matrix, part * width_, width_, projected, width_);
    return projected;
  }

  void project_own(Scratch& scratch, const Tile& tile) {
    float* queries = project(layer_.to_qkv, 0, tile, scratch);
    turn(queries, tile);
    keep_queries(queries, tile, own_);
    float* keys = project(layer_.to_qkv, 1, tile, scratch);
    turn(keys, tile);
    keep_keys(keys, tile, own_);
    keep_values(project(layer_.to_qkv, 2, tile, scratch), tile, own_);
  }

  void project_other(Scratch& scratch, const Tile& tile) {
    const float* both = project(layer_.to_qk_v, 0, tile, scratch);
    keep_queries(both, tile, other_);
    keep_keys(both, tile, other_);
    keep_values(project(layer_.to_qk_v, 1, tile, scratch), tile, other_);
  }

  // Turn the pairs of numbers of each head by the angles of a point.
  void turn(float* x, const Tile& tile) const {
    const int half = head_ / 2;
    for (int i = 0; i < tile.count; ++i) {
      const ptrdiff_t point = images_[tile.image].first + tile.row + i;
      const float *cos = points_.cos + point * half, *sin = points_.sin + point * half;
      for (float* u = x + ptrdiff_t(i) * width_; u < x + ptrdiff_t(i + 1) * width_; u += head_)
        for (int c = 0; c < half; ++c) {
          const float first = u[c], second = u[half + c];
          u[c] = first * cos[c] - second * sin[c];
          u[half + c] = second * cos[c] + first * sin[c];
        }
    }
  }

  void keep_queries(const float* x, const Tile& tile, Attended& set) const {
    Number* to = set.queries + images_[tile.image].offset + ptrdiff_t(tile.row) * width_;
    for (int i = 0; i < tile.rows() * width_; i += kLanes) store<kLanes>(to + i, load<kLanes>(x + i));
  }

  // Keys as a matrix (head, points) of each head.
  void keep_keys(const float* x, const Tile& tile, Attended& set) const {
    const Image& image = images_[tile.image];
    const float scale = 1.44269504f / __builtin_sqrtf(float(head_));  // logits are to base 2
    for (int h = 0; h < layer_.heads; ++h) {
      Number* to = set.keys + image.offset + ptrdiff_t(h) * image.filled * head_;
      for (int i = 0; i < tile.count; ++i) {
        const int p = tile.row + i;
        Number* column = to + ptrdiff_t(p / kBlock) * kBlock * head_ + p % kBlock * kPack<Number>;
        const float* key = x + ptrdiff_t(i) * width_ + h * head_;
        for (int c = 0; c < head_; ++c)
          set_number(column + c / kPack<Number> * kBlock * kPack<Number> + c % kPack<Number>, key[c] * scale);
      }
      for (int p = image.size; is_last(tile) && p < image.filled; ++p)
        for (int c = 0; c < head_; ++c)
          to[ptrdiff_t(p / kBlock) * kBlock * head_ + c / kPack<Number> * kBlock * kPack<Number> +
             p % kBlock * kPack<Number> + c % kPack<Number>] = 0;
    }
  }

  // Values as a matrix (points, head) of each head.
  void keep_values(const float* x, const Tile& tile, Attended& set) const {
    const Image& image = images_[tile.image];
    for (int block = 0; block < width_ / kBlock; ++block) {
      Number* to = set.values + image.offset + ptrdiff_t(block) * image.filled * kBlock;
      for (int p = tile.row; p < (is_last(tile) ? image.filled : tile.row + tile.count); ++p) {
        Number* row = to + p / kPack<Number> * kBlock * kPack<Number> + p % kPack<Number>;
        const float* value = x + ptrdiff_t(p - tile.row) * width_ + block * kBlock;
        for (int c = 0; c < kBlock; ++c) set_number(row + c * kPack<Number>, p < image.size ? value[c] : 0.0f);
      }
    }
  }

  bool is_last(const Tile& tile) const { return tile.row + tile.count == images_[tile.image].size; }

  // Write the points of a tile beside what they receive from an image.
  void attend(const Attended& set, const Tile& tile, int from, const float* x, Scratch& scratch) const {
    read(x, tile, scratch.joined.data());
    const Image& image = images_[from];
    const Number* queries = set.queries + images_[tile.image].offset + ptrdiff_t(tile.row) * width_;
    const int rows = tile.rows(), filled = image.filled, apart = step(filled);
    float *received = scratch.hidden.data(), *logits = scratch.logits.data();
    Number* weights = scratch.weights.data();
    if constexpr (sizeof(Number) == 4) weights = logits;
    static const float kNone[kBlock] = {};
    for (int h = 0; h < layer_.heads; ++h) {
      const Linear keys = {set.keys + image.offset + ptrdiff_t(h) * filled * head_,
                           &bias_[size_t(from) * longest_], head_, filled};
      multiply_rows(queries + h * head_, width_, rows, keys, 0, filled, logits, apart);
      float sums[kTile];
      for (int i = 0; i < rows; ++i)
        sums[i] = soften(logits + size_t(i) * apart, filled, weights + size_t(i) * apart);
      for (int c = 0; c < head_; c += kBlock) {
        const Linear values = {set.values + image.offset + ptrdiff_t(h * head_ + c) * filled, kNone, filled, kBlock};
        multiply_rows(weights, apart, rows, values, 0, kBlock, received, kBlock);
        for (int i = 0; i < rows; ++i) {
          Number* message = scratch.joined.data() + ptrdiff_t(2 * i + 1) * width_ + h * head_ + c;
          for (int k = 0; k < kBlock; k += kLanes)
            store<kLanes>(message + k, load<kLanes>(received + i * kBlock + k) / sums[i]);
        }
      }
    }
  }

  void update(const Update& update, const float* x, const Tile& tile, Scratch& scratch) const {
    const int rows = tile.rows(), wide = 2 * width_;
    float* hidden = scratch.hidden.data();
    multiply_rows(scratch.joined.data(), wide, rows, update.expand, 0, wide, hidden, wide);
    for (int i = 0; i < rows; ++i)
      normalise(hidden + i * wide, wide, update.norm_weight, update.norm_bias, scratch.activated.data() + i * wide);
    multiply_rows(scratch.activated.data(), wide, rows, update.shrink, 0, width_, hidden, width_);
    const ptrdiff_t offset = ptrdiff_t(images_[tile.image].first + tile.row) * width_;
    for (int i = 0; i < tile.count * width_; i += kLanes)
      store<kLanes>(points_.out + offset + i, load<kLanes>(x + offset + i) + load<kLanes>(hidden + i));
  }

  const GlueLayer& layer_;
  const Points& points_;
  const int width_, head_;
  int longest_ = 0;  // points of an image, in whole blocks
  ptrdiff_t memory_ = 0;
  std::vector<Image> images_;
  std::vector<Tile> tiles_;
  std::vector<float> bias_;  // (images, longest), of logits
  Attended own_, other_;
};

}  // namespace aliked

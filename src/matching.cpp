// Nearest neighbours of descriptors without a matrix of similarities: a block of its rows at a time.
#include <limits>
#include <mutex>
#include <vector>

#include "kernels.hpp"
#include "pool.hpp"

namespace {

using namespace aliked;
using Int = VectorOf<kLanes>::Int;

constexpr int kRows = 16;  // similarities of so many rows fit into the nearest cache
constexpr float kLowest = -std::numeric_limits<float>::infinity();

int first_maximum(const float* values, int count, float* maximum) {
  Vector<kLanes> best = Vector<kLanes>{} + kLowest;
  for (int i = 0; i < count; i += kLanes) {
    const Vector<kLanes> value = load<kLanes>(values + i);
    best = value > best ? value : best;
  }
  *maximum = kLowest;
  for (int lane = 0; lane < kLanes; ++lane) *maximum = best[lane] > *maximum ? best[lane] : *maximum;
  int index = 0;
  while (index < count - 1 && values[index] != *maximum) ++index;  // nothing equals NaN
  return index;
}

// The best row of each column so far, and its number; rows are added from first to last.
struct Columns {
  explicit Columns(int count) : value(count, kLowest), row(count, 0) {}

  void clear() {
    std::fill(value.begin(), value.end(), kLowest);
    std::fill(row.begin(), row.end(), 0);
  }

  void add(const float* values, int32_t number) {
    for (size_t i = 0; i < value.size(); i += kLanes) {
      const Vector<kLanes> candidate = load<kLanes>(values + i), best = load<kLanes>(&value[i]);
      Int& rows = reinterpret_cast<Int&>(row[i]);
      const Int is_better = candidate > best;
      rows = is_better ? Int{} + number : rows;
      store<kLanes>(&value[i], candidate > best ? candidate : best);
    }
  }

  // Add what came of other rows, before or after these.
  void merge(const Columns& other) {
    for (size_t i = 0; i < value.size(); ++i) {
      const bool is_first_of_equals = other.value[i] == value[i] && other.row[i] < row[i];
      if (other.value[i] > value[i] || is_first_of_equals) value[i] = other.value[i], row[i] = other.row[i];
    }
  }

  std::vector<float> value;
  std::vector<int32_t> row;
};

// What a thread has found; goes into `best` before a jump to other rows and at the end.
class Search {
 public:
  Search(const float* descriptors0, const Weights& descriptors1, int32_t* nearest1, float* similarity, Columns* best,
         std::mutex* mutex)
      : descriptors0_(descriptors0), descriptors1_(descriptors1), nearest1_(nearest1), similarity_(similarity),
        best_(best), mutex_(mutex), own_(descriptors1.outputs), block_(size_t(kRows) * descriptors1.outputs) {}
  Search(const Search&) = delete;
  ~Search() { hand_over(); }

  void operator()(int begin, int end) {
    if (begin != next_) {
      hand_over();
      own_.clear();
    }
    next_ = end;
    const int columns = descriptors1_.outputs, length = descriptors1_.inputs;
    Segment segment = {descriptors0_ + ptrdiff_t(begin) * length, length, length};
    multiply_row<aliked::kLinear>(&segment, 1, descriptors1_, block_.data(), columns, end - begin);
    for (int i = 0; i < end - begin; ++i) {
      nearest1_[begin + i] = first_maximum(&block_[size_t(i) * columns], columns, similarity_ + begin + i);
      own_.add(&block_[size_t(i) * columns], begin + i);
    }
  }

 private:
  void hand_over() {
    const std::lock_guard<std::mutex> lock(*mutex_);
    best_->merge(own_);
  }

  const float* descriptors0_;
  const Weights& descriptors1_;
  int32_t* nearest1_;
  float* similarity_;
  Columns* best_;
  std::mutex* mutex_;
  int next_ = 0;
  Columns own_;
  std::vector<float> block_;
};

}  // namespace

// For the descriptors 0 (rows, D) and 1, packed as (D, outputs): the most similar descriptor 1 of each
// descriptor 0 with its similarity, and the most similar descriptor 0 of each descriptor 1; the first of equals.
// The bias makes the filling up to `outputs` unlike everything. Returns 0, or 1 if there is not enough memory.
extern "C" int aliked_nearest_neighbours(const float* descriptors0, int rows, const Weights* descriptors1,
                                         int32_t* nearest1, float* similarity, int32_t* nearest0) {
  return out_of_memory([&] {
    Columns best(descriptors1->outputs);
    std::mutex mutex;
    share_out(rows, kRows, [&] { return Search(descriptors0, *descriptors1, nearest1, similarity, &best, &mutex); });
    std::copy(best.row.begin(), best.row.end(), nearest0);
  });
}

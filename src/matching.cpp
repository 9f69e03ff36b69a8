// Nearest neighbours of descriptors without a matrix of similarities: a block of its rows at a time.
#include <omp.h>

#include <limits>
#include <vector>

#include "kernels.hpp"

namespace {

using aliked::kLanes;
using aliked::load;
using aliked::store;
using aliked::Vector;
using Int = aliked::VectorOf<kLanes>::Int;

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

// The best row of each column so far, and its number.
struct Columns {
  explicit Columns(int count) : value(count, kLowest), row(count, 0) {}

  void add(const float* values, int32_t number) {
    for (size_t i = 0; i < value.size(); i += kLanes) {
      const Vector<kLanes> candidate = load<kLanes>(values + i), best = load<kLanes>(&value[i]);
      Int& rows = reinterpret_cast<Int&>(row[i]);
      const Int is_better = candidate > best;
      rows = is_better ? Int{} + number : rows;
      store<kLanes>(&value[i], candidate > best ? candidate : best);
    }
  }

  std::vector<float> value;
  std::vector<int32_t> row;
};

}  // namespace

// For the descriptors 0 (rows, D) and 1, packed as (D, outputs): the most similar descriptor 1 of each
// descriptor 0 with its similarity, and the most similar descriptor 0 of each descriptor 1; the first of equals.
// The bias makes the filling up to `outputs` unlike everything.
extern "C" void aliked_nearest_neighbours(const float* descriptors0, int rows, const Weights* descriptors1,
                                          int32_t* nearest1, float* similarity, int32_t* nearest0) {
  const int columns = descriptors1->outputs, length = descriptors1->inputs;
  Columns best(columns);
#pragma omp parallel
  {
    Columns own(columns);
    std::vector<float> block(size_t(kRows) * columns);
    const int threads = omp_get_num_threads(), thread = omp_get_thread_num();
    const int end = int(int64_t(rows) * (thread + 1) / threads);
    for (int first = int(int64_t(rows) * thread / threads); first < end; first += kRows) {
      const int count = end - first < kRows ? end - first : kRows;
      aliked::Segment segment = {descriptors0 + ptrdiff_t(first) * length, length, length};
      aliked::multiply_row<false>(&segment, 1, *descriptors1, block.data(), columns, count);
      for (int i = 0; i < count; ++i) {
        nearest1[first + i] = first_maximum(&block[size_t(i) * columns], columns, similarity + first + i);
        own.add(&block[size_t(i) * columns], first + i);
      }
    }
#pragma omp critical
    for (int i = 0; i < columns; ++i) {
      const bool is_first_of_equals = own.value[i] == best.value[i] && own.row[i] < best.row[i];
      if (own.value[i] > best.value[i] || is_first_of_equals) best.value[i] = own.value[i], best.row[i] = own.row[i];
    }
  }
  for (int i = 0; i < columns; ++i) nearest0[i] = best.row[i];
}

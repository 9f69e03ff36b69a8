// The end of LightGlue without a matrix of similarities: a block of its rows at a time, twice.
#include <algorithm>
#include <limits>
#include <vector>

#include "linear.hpp"
#include "pool.hpp"

namespace {

using namespace aliked;

constexpr float kLowest = -std::numeric_limits<float>::infinity();

// log(exp a + exp b + ...) as it is added up; the sum is relative to the greatest term.
struct LogSum {
  float greatest = kLowest, sum = 0.0f;

  void add(float other_greatest, float other_sum) {
    if (other_greatest > greatest) {
      sum *= __builtin_expf(greatest - other_greatest);
      greatest = other_greatest;
      sum += other_sum;
    } else {
      sum += other_sum * __builtin_expf(other_greatest - greatest);
    }
  }
  float value() const { return greatest + __builtin_logf(sum); }
};

class Partners {
 public:
  Partners(const float* f0, int rows, const Linear& f1, int columns)
      : f0_(f0), rows_(rows), f1_(f1), columns_(columns), filled_(f1.outputs), step_(f1.outputs + kLanes),
        tile_greatest_(size_t((rows + kTile - 1) / kTile) * filled_), tile_second_(tile_greatest_.size()),
        of_row_(rows), of_column_(filled_, 0.0f) {}

  // How likely each point is the other's choice, as a logarithm without the pair's own similarity.
  void normalise(const float* chance0, const float* chance1) {
    for_each_tile([&](float* similarity, int begin, int end) {
      for (int i = begin; i < end; ++i) of_row_[i] = chance0[i] - log_sum(similarity + ptrdiff_t(i - begin) * step_);
      float *greatest = at(tile_greatest_, begin), *sums = at(tile_second_, begin);
      for (int j = 0; j < filled_; j += kLanes) {
        Vector<kLanes> most = load<kLanes>(similarity + j), sum = {};
        for (int i = 1; i < end - begin; ++i) most = greater(load<kLanes>(similarity + ptrdiff_t(i) * step_ + j), most);
        for (int i = 0; i < end - begin; ++i)
          sum += exponential<kLanes>(load<kLanes>(similarity + ptrdiff_t(i) * step_ + j) - most);
        store<kLanes>(greatest + j, most);
        store<kLanes>(sums + j, sum);
      }
    });
    for (int j = 0; j < columns_; ++j) {
      LogSum all;
      for (int begin = 0; begin < rows_; begin += kTile) all.add(at(tile_greatest_, begin)[j], at(tile_second_, begin)[j]);
      of_column_[j] = chance1[j] - all.value();
    }
  }

  // The best of each row with its score, and the best of each column; the first of equals.
  void choose(int32_t* best1, float* log_score, int32_t* best0) {
    for_each_tile([&](float* similarity, int begin, int end) {
      float *greatest = at(tile_greatest_, begin), *number = at(tile_second_, begin);
      for (int i = begin; i < end; ++i) {
        const float* row = similarity + ptrdiff_t(i - begin) * step_;
        best1[i] = best_of(row, log_score + i);
        log_score[i] += of_row_[i];
        for (int j = 0; j < filled_; j += kLanes) {
          const Vector<kLanes> value = 2.0f * load<kLanes>(row + j) + of_row_[i];
          const Vector<kLanes> before = i == begin ? Vector<kLanes>{} + kLowest : load<kLanes>(greatest + j);
          const Vector<kLanes> which = i == begin ? Vector<kLanes>{} : load<kLanes>(number + j);
          store<kLanes>(number + j, value > before ? Vector<kLanes>{} + float(i - begin) : which);
          store<kLanes>(greatest + j, value > before ? value : before);
        }
      }
    });
    for (int j = 0; j < columns_; ++j) {
      float most = kLowest;
      best0[j] = 0;
      for (int begin = 0; begin < rows_; begin += kTile)
        if (at(tile_greatest_, begin)[j] > most) {
          most = at(tile_greatest_, begin)[j];
          best0[j] = begin + int(at(tile_second_, begin)[j]);
        }
    }
  }

 private:
  static Vector<kLanes> greater(Vector<kLanes> a, Vector<kLanes> b) { return a > b ? a : b; }

  float* at(std::vector<float>& of_tiles, int row) const { return &of_tiles[size_t(row / kTile) * filled_]; }

  // Call `work(similarities, begin, end)`, with `step_` numbers from row to row.
  template <class Work>
  void for_each_tile(const Work& work) const {
    share_out(rows_, kTile, [&] {
      return [&, points = std::vector<float>(size_t(kTile) * f1_.inputs),
              similarity = Memory<float>(size_t(kTile) * step_)](int begin, int end) mutable {
        const float* from = f0_ + ptrdiff_t(begin) * f1_.inputs;
        std::copy(from, from + ptrdiff_t(end - begin) * f1_.inputs, points.begin());
        multiply_rows(points.data(), f1_.inputs, round_up(end - begin, kGroup), f1_, 0, filled_, similarity.data(), step_);
        work(similarity.data(), begin, end);
      };
    });
  }

  float log_sum(const float* row) const {
    Vector<kLanes> most = load<kLanes>(row), sum = {};
    for (int j = kLanes; j < filled_; j += kLanes) most = greater(load<kLanes>(row + j), most);
    LogSum all;
    for (int lane = 0; lane < kLanes; ++lane) all.greatest = std::max(all.greatest, most[lane]);
    for (int j = 0; j < filled_; j += kLanes) sum += exponential<kLanes>(load<kLanes>(row + j) - all.greatest);
    for (int lane = 0; lane < kLanes; ++lane) all.sum += sum[lane];
    return all.value();
  }

  int best_of(const float* row, float* value) const {
    Vector<kLanes> most = Vector<kLanes>{} + kLowest;
    for (int j = 0; j < filled_; j += kLanes) most = greater(2.0f * load<kLanes>(row + j) + load<kLanes>(&of_column_[j]), most);
    *value = kLowest;
    for (int lane = 0; lane < kLanes; ++lane) *value = std::max(*value, most[lane]);
    for (int j = 0; j < columns_; ++j)
      if (2.0f * row[j] + of_column_[j] == *value) return j;
    return 0;  // nothing equals NaN
  }

  const float* f0_;
  const int rows_;
  const Linear& f1_;
  const int columns_, filled_, step_;  // step_ is from row to row of the similarities
  std::vector<float> tile_greatest_, tile_second_;  // (tiles, filled): what the rows of a tile say of a column
  std::vector<float> of_row_, of_column_;
};

}  // namespace

// For points 0 (rows, D) and points 1, packed with a bias of -inf for the filling behind the `columns` real ones, and
// the logarithms of their chances of having a partner: the best partner of each, and the logarithm of the score of
// each point 0 with its best one. Returns 0, or 1 if memory is missing.
extern "C" int aliked_choose_partners(const float* f0, int rows, const Linear* f1, int columns, const float* chance0,
                                      const float* chance1, int32_t* best1, float* log_score, int32_t* best0) {
  return out_of_memory([&] {
    Partners partners(f0, rows, *f1, columns);
    partners.normalise(chance0, chance1);
    partners.choose(best1, log_score, best0);
  });
}

// A window of keyframes and landmarks at one estimate: residuals, and the normal equations of the poses with
// the landmarks eliminated.
#pragma once

#include <algorithm>
#include <cstring>
#include <vector>

#include "doubles.hpp"
#include "motion.hpp"

namespace aliked {

struct Observation {
  int keyframe;
  double value[3], precision[3];  // x, y, inverse depth; one over the deviations, 0 where unknown
};

struct Window {
  int keyframes, landmarks, observations, free;
  std::vector<int> column;  // of each keyframe's six parameters, -1 if it is fixed
  std::vector<int> start;   // observations start[l] to start[l + 1] see landmark l
  std::vector<Observation> seen_by;
  double width;  // length of a residual, in deviations, where the loss turns
};

// One observation at the current estimate.
struct Term {
  double chi2[2], error[3];  // reprojection and inverse depth; (3,) in deviations
  double x, y, inverse;      // x / z, y / z, 1 / z of the landmark as the keyframe sees it
  bool is_in_front;
};

struct Estimate {
  std::vector<Motion> poses;
  std::vector<Vector3> points;
  std::vector<Term> terms;
  double cost;
};

inline double cauchy_weight(double chi2, double width) { return 1 / (1 + chi2 / (width * width)); }

// Fill in the terms and the cost, half the sum of the robust squared residuals: width^2 log(1 + chi2 / width^2)
// of each (Cauchy), where one logarithm serves as many as a product holds.
inline void evaluate(const Window& window, Estimate* estimate) {
  constexpr double kBehind = 1e6;  // cost of a landmark behind the camera
  constexpr double kMaxProduct = 1e100;
  const double square = window.width * window.width, inverse_square = 1 / square;
  estimate->terms.resize(window.observations);
  double product = 1, logarithms = 0;
  for (int l = 0; l < window.landmarks; ++l)
    for (int n = window.start[l]; n < window.start[l + 1]; ++n) {
      const Observation& o = window.seen_by[n];
      Term& term = estimate->terms[n];
      const Vector3 seen = estimate->poses[o.keyframe].apply(estimate->points[l]);
      term.is_in_front = seen.z >= kMinDepth;
      term.inverse = term.is_in_front ? 1 / seen.z : 0;
      term.x = seen.x * term.inverse;
      term.y = seen.y * term.inverse;
      const double measurable[3] = {term.x, term.y, term.inverse};
      for (int k = 0; k < 3; ++k)
        term.error[k] = term.is_in_front ? (o.value[k] - measurable[k]) * o.precision[k] : 0;
      term.chi2[0] = term.is_in_front ? term.error[0] * term.error[0] + term.error[1] * term.error[1] : kBehind;
      term.chi2[1] = term.error[2] * term.error[2];
      product *= (1 + term.chi2[0] * inverse_square) * (1 + term.chi2[1] * inverse_square);
      if (product > kMaxProduct) {
        logarithms += std::log(product);
        product = 1;
      }
    }
  estimate->cost = square / 2 * (logarithms + std::log(product));
}

// A landmark's coordinates (x / z, y / z, 1 / z) in the camera that sees it first, held still during a
// step: what cameras measure is nearly linear in them. Returns d point / d coordinates (3, 3).
inline void chart(const Motion& anchor, const Vector3& point, double* by_chart) {
  const Vector3 p = anchor.apply(point);
  const Vector3 columns[3] = {anchor.rotate_back({p.z, 0, 0}), anchor.rotate_back({0, p.z, 0}),
                              anchor.rotate_back({-p.x, -p.y, -p.z})};
  for (int j = 0; j < 3; ++j) {
    by_chart[j] = columns[j].x;
    by_chart[3 + j] = columns[j].y;
    by_chart[6 + j] = columns[j].z;
  }
}

// C = A B of (3, 3) matrices.
inline void multiply3(const double* A, const double* B, double* C) {
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j)
      C[3 * i + j] = A[3 * i] * B[j] + A[3 * i + 1] * B[3 + j] + A[3 * i + 2] * B[6 + j];
}

struct System {
  std::vector<double> reduced, gradient;         // (6 F, 6 F), lower triangle of blocks; (6 F,)
  std::vector<Row> coupling;                     // (N, 3) of an observation's landmark and pose, if that is free
  std::vector<double> inverse, point_gradient;   // (L, 3, 3) of the damped hessians; (L, 3)
  std::vector<double> point_hessian;             // (L, 3, 3) in the landmark's coordinates

  // Linearise at an estimate. damping: part of the diagonal that is added. for_covariance: good
  // measurements count in full, whatever the loss made of them: the spread of a robust estimate is nearly
  // that of least squares over the good ones.
  void linearise(const Window& window, const Estimate& estimate, double damping, bool for_covariance) {
    coupling.resize(3 * size_t(window.observations));
    inverse.assign(9 * size_t(window.landmarks), 0);
    point_gradient.assign(3 * size_t(window.landmarks), 0);
    point_hessian.assign(9 * size_t(window.landmarks), 0);
    own_.assign(6 * size_t(window.free), Row{});
    blocks_.assign(6 * block_of(window.free, 0), Row{});
    gradient_.assign(window.free, Row{});
    for (int l = 0; l < window.landmarks; ++l) {
      if (window.start[l] == window.start[l + 1]) continue;
      double by_chart[9];
      chart(estimate.poses[window.seen_by[window.start[l]].keyframe], estimate.points[l], by_chart);
      for (int n = window.start[l]; n < window.start[l + 1]; ++n) add(window, estimate, l, n, by_chart, for_covariance);
      eliminate(window, l, damping);
    }
    assemble(window.free, damping);
  }

 private:
  std::vector<Row> own_;       // (F, 6) what the observations say about a pose alone
  std::vector<Row> blocks_;    // (F (F + 1) / 2, 6) what the landmarks say about two poses, lower triangle
  std::vector<Row> gradient_;  // (F,)

  static size_t block_of(int row, int column) { return size_t(row) * (row + 1) / 2 + column; }

  // Add what observation n says about landmark l and its keyframe.
  void add(const Window& window, const Estimate& estimate, int l, int n, const double* by_chart,
           bool for_covariance) {
    const Observation& o = window.seen_by[n];
    const Term& term = estimate.terms[n];
    Row* W = &coupling[3 * size_t(n)];
    W[0] = W[1] = W[2] = Row{};
    if (!term.is_in_front) return;
    const auto weigh = [&](double chi2) {
      const bool counts_in_full = for_covariance && chi2 <= window.width * window.width;
      return counts_in_full ? 1 : cauchy_weight(chi2, window.width);
    };
    const double reprojection = weigh(term.chi2[0]), depth = weigh(term.chi2[1]);
    const double weight[3] = {reprojection, reprojection, depth};
    const double x = term.x, y = term.y, w = term.inverse, *scale = o.precision;
    double R_chart[9], by_point[3][3], scaled[3][3], error[3];
    multiply3(estimate.poses[o.keyframe].R, by_chart, R_chart);
    for (int j = 0; j < 3; ++j) {
      by_point[0][j] = scale[0] * w * (R_chart[j] - x * R_chart[6 + j]);
      by_point[1][j] = scale[1] * w * (R_chart[3 + j] - y * R_chart[6 + j]);
      by_point[2][j] = -scale[2] * w * w * R_chart[6 + j];
      for (int k = 0; k < 3; ++k) scaled[k][j] = weight[k] * by_point[k][j];
    }
    for (int k = 0; k < 3; ++k) error[k] = weight[k] * term.error[k];
    double *H = &point_hessian[9 * size_t(l)], *g = &point_gradient[3 * size_t(l)];
    for (int i = 0; i < 3; ++i) {
      for (int j = 0; j < 3; ++j)
        H[3 * i + j] += by_point[0][i] * scaled[0][j] + by_point[1][i] * scaled[1][j] + by_point[2][i] * scaled[2][j];
      g[i] += by_point[0][i] * error[0] + by_point[1][i] * error[1] + by_point[2][i] * error[2];
    }
    const int column = window.column[o.keyframe];
    if (column < 0) return;
    // The derivative of x, y and inverse depth by xi in exp(xi) T.
    const double J[3][6] = {
        {scale[0] * w, 0, -scale[0] * x * w, -scale[0] * x * y, scale[0] * (1 + x * x), -scale[0] * y},
        {0, scale[1] * w, -scale[1] * y * w, -scale[1] * (1 + y * y), scale[1] * x * y, scale[1] * x},
        {0, 0, -scale[2] * w * w, -scale[2] * y * w, scale[2] * x * w, 0}};
    Row* D = &own_[6 * size_t(column)];
    Row rows[3] = {};
    for (int k = 0; k < 3; ++k) rows[k].set(J[k]);
    gradient_[column].add(error[0], error[1], error[2], rows);
    for (int i = 0; i < 3; ++i) W[i].add(scaled[0][i], scaled[1][i], scaled[2][i], rows);
    for (int a = 0; a < 6; ++a) D[a].add(weight[0] * J[0][a], weight[1] * J[1][a], weight[2] * J[2][a], rows);
  }

  // Leave to the poses what is left once landmark l has moved to where it fits best.
  void eliminate(const Window& window, int l, double damping) {
    constexpr double kMinDiagonal = 1e-12;  // as part of the largest entry
    const int first = window.start[l], last = window.start[l + 1];
    const double* H = &point_hessian[9 * size_t(l)];
    const double largest = std::max({H[0], H[4], H[8]});
    if (largest == 0) return;
    double damped[9];
    std::memcpy(damped, H, sizeof(damped));
    for (int i = 0; i < 3; ++i) damped[4 * i] += damping * H[4 * i] + kMinDiagonal * largest;
    double* inverted = &inverse[9 * size_t(l)];
    invert3(damped, inverted);
    const double* g = &point_gradient[3 * size_t(l)];
    for (int n = first; n < last; ++n) {
      const int row = window.column[window.seen_by[n].keyframe];
      if (row < 0) continue;
      const Row* W = &coupling[3 * size_t(n)];
      Row solved[3] = {};  // -inverted @ W
      for (int i = 0; i < 3; ++i) solved[i].add(-inverted[3 * i], -inverted[3 * i + 1], -inverted[3 * i + 2], W);
      gradient_[row].add(g[0], g[1], g[2], solved);
      for (int m = first; m < last; ++m) {
        const int column = window.column[window.seen_by[m].keyframe];
        if (column < 0 || column > row) continue;
        const Row* V = &coupling[3 * size_t(m)];
        Row* block = &blocks_[6 * block_of(row, column)];
        for (int a = 0; a < 6; ++a) block[a].add(solved[0][a], solved[1][a], solved[2][a], V);
      }
    }
  }

  // Write the blocks where the solver of linear systems wants them.
  void assemble(int free, double damping) {
    const size_t size = 6 * size_t(free);
    reduced.assign(size * size, 0);
    gradient.resize(size);
    for (int f = 0; f < free; ++f)
      for (int a = 0; a < 6; ++a) {
        gradient[6 * f + a] = gradient_[f][a];
        for (int column = 0; column <= f; ++column)
          for (int b = 0; b < 6; ++b)
            reduced[(6 * f + a) * size + 6 * column + b] = blocks_[6 * block_of(f, column) + a][b];
        double* own = &reduced[(6 * f + a) * size + 6 * f];
        for (int b = 0; b < 6; ++b) own[b] += own_[6 * f + a][b];
        own[a] += damping * own_[6 * f + a][a];
      }
  }
};

}  // namespace aliked

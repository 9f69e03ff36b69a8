// A window of keyframes and landmarks at one estimate: residuals, and the normal equations of the poses with
// the landmarks eliminated.
#pragma once

#include <algorithm>
#include <cstring>
#include <vector>

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
  double chi2[2], error[3], by_seen[9];  // reprojection and inverse depth; (3,); (3, 3)
  Vector3 seen;
  bool is_in_front;
};

struct Estimate {
  std::vector<Motion> poses;
  std::vector<Vector3> points;
  std::vector<Term> terms;
  double cost;
};

inline double cauchy(double chi2, double width) { return width * width * std::log1p(chi2 / (width * width)); }
inline double cauchy_weight(double chi2, double width) { return 1 / (1 + chi2 / (width * width)); }

// Fill in the terms and the cost, half the sum of the robust squared residuals.
inline void evaluate(const Window& window, Estimate* estimate) {
  constexpr double kBehind = 1e6;  // cost of a landmark behind the camera
  estimate->terms.resize(window.observations);
  estimate->cost = 0;
  for (int l = 0; l < window.landmarks; ++l)
    for (int n = window.start[l]; n < window.start[l + 1]; ++n) {
      const Observation& o = window.seen_by[n];
      Term& term = estimate->terms[n];
      term.seen = estimate->poses[o.keyframe].apply(estimate->points[l]);
      const Projection projection(term.seen);
      term.is_in_front = projection.is_in_front;
      for (int k = 0; k < 3; ++k) {
        term.error[k] = term.is_in_front ? (o.value[k] - projection.value[k]) * o.precision[k] : 0;
        for (int j = 0; j < 3; ++j) term.by_seen[3 * k + j] = projection.by_point[3 * k + j] * o.precision[k];
      }
      term.chi2[0] = term.is_in_front ? term.error[0] * term.error[0] + term.error[1] * term.error[1] : kBehind;
      term.chi2[1] = term.error[2] * term.error[2];
      estimate->cost += (cauchy(term.chi2[0], window.width) + cauchy(term.chi2[1], window.width)) / 2;
    }
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
  std::vector<double> coupling;                  // (N, 3, 6) of an observation's landmark and pose
  std::vector<double> inverse, point_gradient;   // (L, 3, 3) of the damped hessians; (L, 3)
  std::vector<double> point_hessian;             // (L, 3, 3) in the landmark's coordinates

  // Linearise at an estimate. damping: part of the diagonal that is added. for_covariance: good
  // measurements count in full, whatever the loss made of them: the spread of a robust estimate is nearly
  // that of least squares over the good ones.
  void linearise(const Window& window, const Estimate& estimate, double damping, bool for_covariance) {
    const int size = 6 * window.free;
    reduced.assign(size_t(size) * size, 0);
    gradient.assign(size, 0);
    coupling.assign(18 * size_t(window.observations), 0);
    inverse.assign(9 * size_t(window.landmarks), 0);
    point_gradient.assign(3 * size_t(window.landmarks), 0);
    point_hessian.assign(9 * size_t(window.landmarks), 0);
    own_.assign(36 * size_t(window.free), 0);
    for (int l = 0; l < window.landmarks; ++l) {
      if (window.start[l] == window.start[l + 1]) continue;
      double by_chart[9];
      chart(estimate.poses[window.seen_by[window.start[l]].keyframe], estimate.points[l], by_chart);
      for (int n = window.start[l]; n < window.start[l + 1]; ++n)
        if (estimate.terms[n].is_in_front) add(window, estimate, l, n, by_chart, for_covariance);
      eliminate(window, l, damping);
    }
    for (int f = 0; f < window.free; ++f)
      for (int a = 0; a < 6; ++a) {
        double* row = &reduced[size_t(6 * f + a) * size + 6 * f];
        for (int b = 0; b < 6; ++b) row[b] += own_[36 * f + 6 * a + b];
        row[a] += damping * own_[36 * f + 7 * a];
      }
  }

 private:
  std::vector<double> own_;  // (F, 6, 6) what the observations say about a pose alone

  // Add what observation n says about landmark l and its keyframe.
  void add(const Window& window, const Estimate& estimate, int l, int n, const double* by_chart,
           bool for_covariance) {
    const Observation& o = window.seen_by[n];
    const Term& term = estimate.terms[n];
    const auto weigh = [&](double chi2) {
      const bool counts_in_full = for_covariance && chi2 <= window.width * window.width;
      return counts_in_full ? 1 : cauchy_weight(chi2, window.width);
    };
    const double reprojection = weigh(term.chi2[0]), depth = weigh(term.chi2[1]);
    const double weight[3] = {reprojection, reprojection, depth};
    double R_chart[9], by_point[9], scaled[9], error[3];
    multiply3(estimate.poses[o.keyframe].R, by_chart, R_chart);
    multiply3(term.by_seen, R_chart, by_point);
    for (int i = 0; i < 3; ++i) {
      error[i] = weight[i] * term.error[i];
      for (int j = 0; j < 3; ++j) scaled[3 * i + j] = weight[i] * by_point[3 * i + j];
    }
    double* H = &point_hessian[9 * l];
    for (int i = 0; i < 3; ++i) {
      for (int j = 0; j < 3; ++j)
        H[3 * i + j] += by_point[i] * scaled[j] + by_point[3 + i] * scaled[3 + j] + by_point[6 + i] * scaled[6 + j];
      point_gradient[3 * l + i] += by_point[i] * error[0] + by_point[3 + i] * error[1] + by_point[6 + i] * error[2];
    }
    const int column = window.column[o.keyframe];
    if (column < 0) return;
    double J[18];
    by_twist(term.by_seen, term.seen, J);
    double *D = &own_[36 * column], *W = &coupling[18 * n];
    for (int a = 0; a < 6; ++a) {
      for (int b = 0; b < 6; ++b)
        for (int k = 0; k < 3; ++k) D[6 * a + b] += J[6 * k + a] * weight[k] * J[6 * k + b];
      for (int k = 0; k < 3; ++k) gradient[6 * column + a] += J[6 * k + a] * error[k];
      for (int i = 0; i < 3; ++i)
        W[6 * i + a] = scaled[i] * J[a] + scaled[3 + i] * J[6 + a] + scaled[6 + i] * J[12 + a];
    }
  }

  // Leave to the poses what is left once landmark l has moved to where it fits best.
  void eliminate(const Window& window, int l, double damping) {
    constexpr double kMinDiagonal = 1e-12;  // as part of the largest entry
    const int size = 6 * window.free, first = window.start[l], last = window.start[l + 1];
    const double* H = &point_hessian[9 * l];
    const double largest = std::max({H[0], H[4], H[8]});
    if (largest == 0) return;
    double damped[9];
    std::memcpy(damped, H, sizeof(damped));
    for (int i = 0; i < 3; ++i) damped[4 * i] += damping * H[4 * i] + kMinDiagonal * largest;
    double* inverted = &inverse[9 * l];
    invert3(damped, inverted);
    const double* g = &point_gradient[3 * l];
    for (int n = first; n < last; ++n) {
      const int row = window.column[window.seen_by[n].keyframe];
      if (row < 0) continue;
      const double* W = &coupling[18 * n];
      double solved[18];  // inverted @ W, (3, 6)
      for (int i = 0; i < 3; ++i)
        for (int a = 0; a < 6; ++a)
          solved[6 * i + a] = inverted[3 * i] * W[a] + inverted[3 * i + 1] * W[6 + a] + inverted[3 * i + 2] * W[12 + a];
      for (int a = 0; a < 6; ++a)
        gradient[6 * row + a] -= solved[a] * g[0] + solved[6 + a] * g[1] + solved[12 + a] * g[2];
      for (int m = first; m < last; ++m) {
        const int column = window.column[window.seen_by[m].keyframe];
        if (column < 0 || column > row) continue;
        const double* V = &coupling[18 * m];
        double* block = &reduced[size_t(6 * row) * size + 6 * column];
        for (int a = 0; a < 6; ++a)
          for (int b = 0; b < 6; ++b)
            block[a * size + b] -= solved[a] * V[b] + solved[6 + a] * V[6 + b] + solved[12 + a] * V[12 + b];
      }
    }
  }
};

}  // namespace aliked

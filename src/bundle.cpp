// Keyframes, landmarks and what the keyframes measure of them -> the most likely poses and landmarks, by
// Levenberg-Marquardt with the landmarks eliminated (Triggs et al., Bundle Adjustment, section 6.1).
#include <cstdint>
#include <utility>

#include "bundle_system.hpp"

namespace {

using namespace aliked;

constexpr double kFirstDamping = 1e-4, kMinDamping = 1e-9, kMaxDamping = 1e6;
constexpr double kMaxFactor = 10;  // by which an inverse depth changes in one step: it keeps its sign

// The landmark after a step d of its coordinates (u, v, inverse depth over what it is now).
Vector3 moved_point(const Motion& anchor, const Vector3& point, const double* d) {
  const Vector3 p = anchor.apply(point);
  const double shrinkage = std::min(std::max(1 + d[2], 1 / kMaxFactor), kMaxFactor);
  return anchor.apply_inverse({(p.x + d[0] * p.z) / shrinkage, (p.y + d[1] * p.z) / shrinkage, p.z / shrinkage});
}

// The estimate after the step that solves a system, which is used up.
void step(const Window& window, const Estimate& estimate, System* system, Estimate* next) {
  const int size = 6 * window.free;
  double largest = 0;
  for (int i = 0; i < size; ++i) largest = std::max(largest, system->reduced[size_t(i) * size + i]);
  factorise(system->reduced.data(), size, 1e-14 * largest + 1e-300);
  std::vector<double> x = system->gradient;
  substitute(system->reduced.data(), size, x.data());
  next->poses = estimate.poses;
  next->points = estimate.points;
  std::vector<Row> rows(window.free);
  for (int k = 0; k < window.keyframes; ++k)
    if (window.column[k] >= 0) {
      const double* xi = &x[6 * window.column[k]];
      rows[window.column[k]].set(xi);
      next->poses[k] = moved(xi, estimate.poses[k]);
      orthonormalise(&next->poses[k]);
    }
  for (int l = 0; l < window.landmarks; ++l) {
    const int first = window.start[l], last = window.start[l + 1];
    if (first == last) continue;
    double left[3], d[3];
    std::memcpy(left, &system->point_gradient[3 * size_t(l)], sizeof(left));
    for (int n = first; n < last; ++n) {
      const int column = window.column[window.seen_by[n].keyframe];
      if (column < 0) continue;
      for (int i = 0; i < 3; ++i) left[i] -= dot(system->coupling[3 * size_t(n) + i], rows[column]);
    }
    const double* inverse = &system->inverse[9 * l];
    for (int i = 0; i < 3; ++i)
      d[i] = inverse[3 * i] * left[0] + inverse[3 * i + 1] * left[1] + inverse[3 * i + 2] * left[2];
    next->points[l] = moved_point(estimate.poses[window.seen_by[first].keyframe], estimate.points[l], d);
  }
  evaluate(window, next);
}

// The covariance (3, 3) of a landmark in the world with the poses held, from its hessian in its chart.
void covariance_of(const Motion& anchor, const Vector3& point, const double* hessian, double* covariance) {
  double damped[9], inverse[9], by_chart[9], half[9];
  const double largest = std::max({hessian[0], hessian[4], hessian[8]});
  std::memcpy(damped, hessian, sizeof(damped));
  for (int i = 0; i < 3; ++i) damped[4 * i] += 1e-9 * largest;
  invert3(damped, inverse);
  chart(anchor, point, by_chart);
  multiply3(by_chart, inverse, half);
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j) {
      covariance[3 * i + j] = 0;
      for (int k = 0; k < 3; ++k) covariance[3 * i + j] += half[3 * i + k] * by_chart[3 * j + k];
    }
}

Window read_window(const uint8_t* is_fixed, int keyframes, const int32_t* start, int landmarks,
                   const int32_t* keyframe, const double* measured, const double* precision, double width) {
  Window window{keyframes, landmarks, start[landmarks], 0, {}, {}, {}, width};
  window.start.assign(start, start + landmarks + 1);
  window.column.resize(keyframes);
  for (int k = 0; k < keyframes; ++k) window.column[k] = is_fixed[k] ? -1 : window.free++;
  window.seen_by.resize(window.observations);
  for (int n = 0; n < window.observations; ++n) {
    Observation& o = window.seen_by[n];
    o.keyframe = keyframe[n];
    std::memcpy(o.value, measured + 3 * n, sizeof(o.value));
    std::memcpy(o.precision, precision + 3 * n, sizeof(o.precision));
  }
  return window;
}

}  // namespace

// T: (K, 4, 4) T_camera_world, guess in, answer out. is_fixed: (K,). points: (L, 3) in and out.
// Observations are sorted by landmark: start (L + 1,); keyframe (N,), measured (N, 3) x, y, inverse
// depth, precision (N, 3), 0 where nothing was measured; the first of a landmark is its anchor, in front
// of which it lies. chi2: (N, 2) out, of the reprojection and of the inverse depth. hessian: (6 F, 6 F) out,
// of the free poses' twists, landmarks eliminated. point_covariance: (L, 3, 3) out, with the poses held.
// costs: (2,) out, first and last. Returns the number of linear systems solved.
extern "C" int aliked_adjust_bundle(double* T, const uint8_t* is_fixed, int keyframes, double* points,
                                    const int32_t* start, int landmarks, const int32_t* keyframe,
                                    const double* measured, const double* precision, double width,
                                    int max_iterations, double tolerance, double* chi2, double* hessian,
                                    double* point_covariance, double* costs) {
  const Window window = read_window(is_fixed, keyframes, start, landmarks, keyframe, measured, precision, width);
  Estimate best, candidate;
  for (int k = 0; k < keyframes; ++k) best.poses.push_back(Motion::load(T + 16 * k));
  for (int l = 0; l < landmarks; ++l) best.points.push_back({points[3 * l], points[3 * l + 1], points[3 * l + 2]});
  evaluate(window, &best);
  costs[0] = best.cost;
  double damping = kFirstDamping;
  int iterations = 0;
  System system;
  while (iterations < max_iterations && damping < kMaxDamping) {
    ++iterations;
    system.linearise(window, best, damping, false);
    step(window, best, &system, &candidate);
    if (!(candidate.cost < best.cost)) {
      damping *= 10;
      continue;
    }
    const bool is_done = best.cost - candidate.cost < tolerance * best.cost;
    std::swap(best, candidate);
    damping = std::max(damping / 10, kMinDamping);
    if (is_done) break;
  }
  costs[1] = best.cost;
  system.linearise(window, best, 0, true);
  const int size = 6 * window.free;
  for (int i = 0; i < size; ++i)
    for (int j = 0; j <= i; ++j)
      hessian[size_t(j) * size + i] = hessian[size_t(i) * size + j] = system.reduced[size_t(i) * size + j];
  for (int k = 0; k < keyframes; ++k)
    if (!is_fixed[k]) best.poses[k].store(T + 16 * k);
  for (int l = 0; l < landmarks; ++l) {
    const Vector3& p = best.points[l];
    points[3 * l] = p.x, points[3 * l + 1] = p.y, points[3 * l + 2] = p.z;
    if (start[l] < start[l + 1])
      covariance_of(best.poses[keyframe[start[l]]], p, &system.point_hessian[9 * l], point_covariance + 9 * l);
  }
  for (int n = 0; n < window.observations; ++n)
    for (int k = 0; k < 2; ++k) chi2[2 * n + k] = best.terms[n].is_in_front ? best.terms[n].chi2[k] : INFINITY;
  return iterations;
}

// Landmarks with their uncertainty and what an image measures of them -> the pose of the camera.
#include <algorithm>
#include <cstdint>
#include <cstring>

#include "motion.hpp"

namespace {

using namespace aliked;

constexpr int kRounds = 4, kIterations = 6;
constexpr double kMedianOfTwo = 1.386;  // of chi-square with two degrees of freedom
constexpr double kUnknown = 1e3;  // variance of an inverse depth that was not measured, 1/m^2

struct Measurement {
  Vector3 point;
  double covariance[9];  // (3, 3) of the point, world
  double value[3];       // x, y, inverse depth
  double variance[3];
  bool has_depth;
};

// The covariance of a residual: noise of the image, and of the landmark as the camera sees it.
void spread_of(const Measurement& m, const Motion& T, double scale, double* S) {
  const Vector3 seen = T.apply(m.point);
  const Projection projection({seen.x, seen.y, std::max(seen.z, kMinDepth)});
  double J[9];
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j) {
      J[3 * i + j] = 0;
      for (int k = 0; k < 3; ++k) J[3 * i + j] += projection.by_point[3 * i + k] * T.R[3 * k + j];
    }
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j) {
      double sum = 0;
      for (int k = 0; k < 3; ++k)
        for (int l = 0; l < 3; ++l) sum += J[3 * i + k] * m.covariance[3 * k + l] * J[3 * j + l];
      S[3 * i + j] = sum;
    }
  for (int i = 0; i < 3; ++i) S[4 * i] += m.variance[i] * (i < 2 ? scale : 1);
}

// The normal equations (6, 6) and (6,) of a step at a pose; chi2 of every measurement.
void linearise(const std::vector<Measurement>& measurements, const std::vector<double>& information,
               const Motion& pose, double width, const uint8_t* is_inlier, double* chi2, double* H, double* g) {
  std::memset(H, 0, 36 * sizeof(double));
  std::memset(g, 0, 6 * sizeof(double));
  for (size_t i = 0; i < measurements.size(); ++i) {
    const Measurement& m = measurements[i];
    const double* I = &information[9 * i];
    const Vector3 seen = pose.apply(m.point);
    const Projection projection(seen);
    if (!projection.is_in_front) {
      chi2[i] = INFINITY;
      continue;
    }
    double r[3], J[18], IJ[18];
    for (int k = 0; k < 3; ++k) r[k] = m.value[k] - projection.value[k];
    if (!m.has_depth) r[2] = 0;
    chi2[i] = 0;
    for (int k = 0; k < 3; ++k)
      chi2[i] += r[k] * (I[3 * k] * r[0] + I[3 * k + 1] * r[1] + I[3 * k + 2] * r[2]);
    if (!is_inlier[i]) continue;
    by_twist(projection.by_point, seen, J);
    const double weight = 1 / (1 + chi2[i] / (width * width));
    for (int a = 0; a < 3; ++a)
      for (int j = 0; j < 6; ++j)
        IJ[6 * a + j] = weight * (I[3 * a] * J[j] + I[3 * a + 1] * J[6 + j] + I[3 * a + 2] * J[12 + j]);
    for (int a = 0; a < 6; ++a) {
      for (int b = 0; b < 6; ++b) H[6 * a + b] += J[a] * IJ[b] + J[6 + a] * IJ[6 + b] + J[12 + a] * IJ[12 + b];
      g[a] += IJ[a] * r[0] + IJ[6 + a] * r[1] + IJ[12 + a] * r[2];
    }
  }
}

// The information of a prior about the rotation: R_prior with standard deviation sigma, rad, about
// any axis. Small turns only: the difference is the antisymmetric part of R_prior R^T.
void add_prior(const double* R_prior, double sigma, const Motion& pose, double* H, double* g) {
  double D[9];
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j) {
      D[3 * i + j] = 0;
      for (int k = 0; k < 3; ++k) D[3 * i + j] += R_prior[3 * i + k] * pose.R[3 * j + k];
    }
  const double turn[3] = {(D[7] - D[5]) / 2, (D[2] - D[6]) / 2, (D[3] - D[1]) / 2};
  const double weight = 1 / (sigma * sigma);
  for (int a = 0; a < 3; ++a) {
    H[7 * (3 + a)] += weight;
    g[3 + a] += weight * turn[a];
  }
}

// How much noisier an image is than expected, squared: the median of the distances in the image says
// it as long as half of the measurements are right.
double noise_of(const std::vector<Measurement>& measurements, const Motion& pose, double scale) {
  std::vector<double> ratio;
  for (const Measurement& m : measurements) {
    const Projection projection(pose.apply(m.point));
    double S[9];
    spread_of(m, pose, scale, S);
    const double x = m.value[0] - projection.value[0], y = m.value[1] - projection.value[1];
    const double chi2 = (S[4] * x * x - 2 * S[1] * x * y + S[0] * y * y) / (S[0] * S[4] - S[1] * S[1]);
    ratio.push_back(projection.is_in_front ? chi2 / kMedianOfTwo : INFINITY);
  }
  std::nth_element(ratio.begin(), ratio.begin() + ratio.size() / 2, ratio.end());
  return scale * ratio[ratio.size() / 2];
}

}  // namespace

// Minimise the robust (Cauchy) distance of what an image measures to what landmarks predict. Twice the
// noise of the image is measured, then twice the outliers are left out; they may come back.
//
// T: (4, 4) T_camera_world, guess in, answer out. points: (count, 3) and covariances: (count, 3, 3) of the
// landmarks in the world. measured: (count, 3) x, y, inverse depth, NaN where it is unknown; sigma:
// (count, 3). width: length of a residual where the loss turns. limits: (2,) squared distance of an inlier
// without and with depth. max_noise: image noise over sigma at most. R_prior: (3, 3) rotation of
// T_camera_world that another sensor measured, with prior_sigma, rad; 0: none. chi2, is_inlier: (count,)
// out. hessian: (6, 6) out, of the twist xi in exp(xi) T. Returns the image noise over sigma, at least 1.
extern "C" double aliked_refine_pose(double* T, const double* points, const double* covariances,
                                     const double* measured, const double* sigma, int count, double width,
                                     const double* limits, double max_noise, const double* R_prior,
                                     double prior_sigma, double* chi2, uint8_t* is_inlier, double* hessian) {
  Motion pose = Motion::load(T);
  std::vector<Measurement> measurements(count);
  std::vector<double> information(9 * size_t(count));
  for (int i = 0; i < count; ++i) {
    Measurement& m = measurements[i];
    m.point = {points[3 * i], points[3 * i + 1], points[3 * i + 2]};
    std::memcpy(m.covariance, covariances + 9 * i, sizeof(m.covariance));
    m.has_depth = std::isfinite(measured[3 * i + 2]);
    for (int k = 0; k < 3; ++k) {
      m.value[k] = measured[3 * i + k];
      m.variance[k] = sigma[3 * i + k] * sigma[3 * i + k];
    }
    if (!m.has_depth) m.variance[2] = kUnknown;
    is_inlier[i] = 1;
  }
  double scale = 1;
  for (int round = 0; round < kRounds; ++round) {
    for (int i = 0; i < count; ++i) {
      double S[9];
      spread_of(measurements[i], pose, scale, S);
      invert3(S, &information[9 * i]);
    }
    for (int iteration = 0; iteration < kIterations; ++iteration) {
      double H[36], g[6];
      linearise(measurements, information, pose, width, is_inlier, chi2, H, g);
      if (prior_sigma > 0) add_prior(R_prior, prior_sigma, pose, H, g);
      std::memcpy(hessian, H, sizeof(H));
      double trace = 0;
      for (int a = 0; a < 6; ++a) trace += H[7 * a];
      for (int a = 0; a < 6; ++a) H[7 * a] += 1e-10 * trace + 1e-12;
      factorise(H, 6, 1e-12);
      substitute(H, 6, g);
      pose = moved(g, pose);
      double length = 0;
      for (int a = 0; a < 6; ++a) length += g[a] * g[a];
      if (length < 1e-14) break;
    }
    double H[36], g[6];
    linearise(measurements, information, pose, width, is_inlier, chi2, H, g);
    if (round < kRounds / 2 && count > 5) {
      scale = std::min(std::max(noise_of(measurements, pose, scale), 1.0), max_noise * max_noise);
      continue;
    }
    int num_inliers = 0;
    for (int i = 0; i < count; ++i) {
      is_inlier[i] = chi2[i] < limits[measurements[i].has_depth];
      num_inliers += is_inlier[i];
    }
    if (num_inliers < 6) break;
  }
  orthonormalise(&pose);
  pose.store(T);
  return std::sqrt(scale);
}

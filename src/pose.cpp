// Landmarks with their uncertainty and what an image measures of them -> the pose of the camera.
#include <algorithm>
#include <cstdint>
#include <cstring>

#include "pose_measurements.hpp"

namespace {

using namespace aliked;

constexpr int kRounds = 4, kIterations = 6;
constexpr double kMedianOfTwo = 1.386;  // of chi-square with two degrees of freedom
constexpr double kUnknown = 1e3;  // variance of an inverse depth that was not measured, 1/m^2
constexpr double kSmallest = 1e-12, kLargest = 1e30;  // beyond, squares overflow: a number is not used

bool are_small(const double* values, int count) {
  return std::all_of(values, values + count, [](double value) { return std::abs(value) < kLargest; });
}

bool is_deviation(double value) { return kSmallest < value && value < kLargest; }

// Measurements as they are given, row by row: see aliked_refine_pose.
struct Rows {
  const double *points, *covariances, *xy, *xy_sigma, *inverse_depth, *depth_sigma;

  bool has_depth(int row) const { return std::isfinite(inverse_depth[row]) && depth_sigma[row] < kLargest; }

  bool can_be_used(int row) const {
    return are_small(points + 3 * row, 3) && are_small(covariances + 9 * row, 9) && are_small(xy + 2 * row, 2) &&
           is_deviation(xy_sigma[row]) && (!has_depth(row) || is_deviation(depth_sigma[row]));
  }

  std::vector<Block> read(const std::vector<int>& rows) const {
    std::vector<Block> blocks((rows.size() + kDoubles - 1) / kDoubles);
    for (size_t n = 0; n < rows.size(); ++n) {
      const int row = rows[n], lane = n % kDoubles;
      Block& block = blocks[n / kDoubles];
      for (int i = 0; i < 3; ++i) {
        block.point[i][lane] = points[3 * row + i];
        for (int j = i; j < 3; ++j) block.covariance[kUpper[i][j]][lane] = covariances[9 * row + 3 * i + j];
      }
      for (int i = 0; i < 2; ++i) {
        block.value[i][lane] = xy[2 * row + i];
        block.variance[i][lane] = xy_sigma[row] * xy_sigma[row];
      }
      block.value[2][lane] = has_depth(row) ? inverse_depth[row] : 0;
      block.variance[2][lane] = has_depth(row) ? depth_sigma[row] * depth_sigma[row] : kUnknown;
      block.has_depth[lane] = has_depth(row);
      block.counts[lane] = 1;
    }
    return blocks;
  }
};

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
double noise_of(const std::vector<Block>& blocks, int count, const Motion& pose, double scale) {
  std::vector<double> chi2(blocks.size() * kDoubles);
  measure_in_image(blocks, pose, scale, chi2.data());
  std::nth_element(chi2.begin(), chi2.begin() + count / 2, chi2.begin() + count);
  return scale * chi2[count / 2] / kMedianOfTwo;
}

}  // namespace

// Minimise the robust (Cauchy) distance of what an image measures to what landmarks predict. Twice the
// noise of the image is measured, then twice the outliers are left out; they may come back.
//
// T: (4, 4) T_camera_world, guess in, answer out. points: (count, 3) and covariances: (count, 3, 3) of the
// landmarks in the world. xy: (count, 2) with deviations xy_sigma (count,). inverse_depth: (count,),
// NaN where it is unknown, with deviations depth_sigma (count,). A row with a number that cannot be used is left
// out. width: length of a residual where the loss turns. limits: (2,) squared distance of an
// inlier without and with depth. max_noise: image noise over sigma at most. R_prior: (3, 3) rotation of
// T_camera_world that another sensor measured, with prior_sigma, rad; 0: none. chi2, is_inlier: (count,)
// out. hessian: (6, 6) out, of the twist xi in exp(xi) T. Returns the image noise over sigma, at least 1.
extern "C" double aliked_refine_pose(double* T, const double* points, const double* covariances,
                                     const double* xy, const double* xy_sigma, const double* inverse_depth,
                                     const double* depth_sigma, int count, double width, const double* limits,
                                     double max_noise, const double* R_prior, double prior_sigma, double* chi2,
                                     uint8_t* is_inlier, double* hessian) {
  Motion pose = Motion::load(T);
  const Rows given{points, covariances, xy, xy_sigma, inverse_depth, depth_sigma};
  std::vector<int> rows;
  for (int row = 0; row < count; ++row)
    if (given.can_be_used(row)) rows.push_back(row);
  std::vector<Block> blocks = given.read(rows);
  const int known = rows.size();
  double scale = 1;
  for (int round = 0; round < kRounds; ++round) {
    weigh(&blocks, pose, scale);
    for (int iteration = 0; iteration < kIterations; ++iteration) {
      double H[36], g[6];
      linearise(&blocks, pose, width, H, g);
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
    measure(&blocks, pose);
    if (round < kRounds / 2 && known > 5) {
      scale = std::min(std::max(noise_of(blocks, known, pose, scale), 1.0), max_noise * max_noise);
      continue;
    }
    int num_inliers = 0;
    for (int i = 0; i < known; ++i) {
      Block& block = blocks[i / kDoubles];
      const int lane = i % kDoubles;
      const bool agrees = block.chi2[lane] < limits[block.has_depth[lane] != 0];
      block.counts[lane] = agrees;
      num_inliers += agrees;
    }
    if (num_inliers < 6) break;
  }
  std::fill(chi2, chi2 + count, INFINITY);
  std::fill(is_inlier, is_inlier + count, 0);
  for (int i = 0; i < known; ++i) {
    chi2[rows[i]] = blocks[i / kDoubles].chi2[i % kDoubles];
    is_inlier[rows[i]] = blocks[i / kDoubles].counts[i % kDoubles] != 0;
  }
  orthonormalise(&pose);
  pose.store(T);
  return std::sqrt(scale);
}

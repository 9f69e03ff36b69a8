// Measurements of landmarks at one pose of the camera: residuals, their covariances, and the normal equations
// of the pose. A register's width of measurements is computed at once.
#pragma once

#include <algorithm>
#include <vector>

#include "doubles.hpp"
#include "motion.hpp"

namespace aliked {

// Of symmetric (3, 3) matrices: where entry (i, j) is in the upper triangle, row by row.
constexpr int kUpper[3][3] = {{0, 1, 2}, {1, 3, 4}, {2, 4, 5}};

// kDoubles measurements, side by side in each field. What fills up the last block counts 0.
struct Block {
  Doubles point[3];        // world
  Doubles covariance[6];   // of the point, world, upper triangle
  Doubles value[3];        // x, y, inverse depth
  Doubles variance[3];     // noise of the image
  Doubles has_depth;       // 1, or 0 where the inverse depth was not measured
  Doubles information[6];  // inverse of the residual's covariance, upper triangle
  Doubles counts;          // 1, or 0 of outliers
  Doubles chi2;
};

// x / z, y / z and 1 / z in the camera; what is not in front of it is put at kMinDepth.
struct Place {
  Doubles x, y, inverse;
  decltype(Doubles() < Doubles()) is_in_front;

  Place(const Block& block, const Motion& T) {
    const Doubles* p = block.point;
    const Doubles z = T.R[6] * p[0] + T.R[7] * p[1] + T.R[8] * p[2] + T.t.z, nearest = Doubles{} + kMinDepth;
    is_in_front = z >= nearest;
    inverse = 1 / (is_in_front ? z : nearest);
    x = (T.R[0] * p[0] + T.R[1] * p[1] + T.R[2] * p[2] + T.t.x) * inverse;
    y = (T.R[3] * p[0] + T.R[4] * p[1] + T.R[5] * p[2] + T.t.y) * inverse;
  }

  // J^T m of m (3,), where J (3, 6) is the derivative of x, y and inverse by xi in exp(xi) T.
  void by_twist(const Doubles* m, Doubles* product) const {
    const Doubles along = x * m[0] + y * m[1] + inverse * m[2];
    product[0] = inverse * m[0];
    product[1] = inverse * m[1];
    product[2] = -inverse * along;
    product[3] = -y * along - m[1];
    product[4] = x * along + m[0];
    product[5] = x * m[1] - y * m[0];
  }
};

// The covariance (6) of a residual: noise of the image, scaled, and of the landmark as the camera sees it.
inline void spread_of(const Block& block, const Motion& T, const Place& place, double scale, Doubles* S) {
  Doubles J[3][3];  // of x, y and inverse depth by the point
  for (int k = 0; k < 3; ++k) {
    J[0][k] = place.inverse * (T.R[k] - place.x * T.R[6 + k]);
    J[1][k] = place.inverse * (T.R[3 + k] - place.y * T.R[6 + k]);
    J[2][k] = -place.inverse * place.inverse * T.R[6 + k];
  }
  for (int i = 0; i < 3; ++i) {
    Doubles half[3];
    for (int k = 0; k < 3; ++k) {
      half[k] = Doubles{};
      for (int l = 0; l < 3; ++l) half[k] += J[i][l] * block.covariance[kUpper[l][k]];
    }
    for (int j = i; j < 3; ++j) S[kUpper[i][j]] = half[0] * J[j][0] + half[1] * J[j][1] + half[2] * J[j][2];
  }
  S[0] += block.variance[0] * scale;
  S[3] += block.variance[1] * scale;
  S[5] += block.variance[2];
}

// Set how much each residual is worth, by its covariance at a pose: cofactors over the determinant, 0 where
// that is 0.
inline void weigh(std::vector<Block>* blocks, const Motion& T, double scale) {
  for (Block& block : *blocks) {
    Doubles S[6];
    spread_of(block, T, Place(block, T), scale, S);
    Doubles* I = block.information;
    I[0] = S[3] * S[5] - S[4] * S[4];
    I[1] = S[2] * S[4] - S[1] * S[5];
    I[2] = S[1] * S[4] - S[2] * S[3];
    I[3] = S[0] * S[5] - S[2] * S[2];
    I[4] = S[1] * S[2] - S[0] * S[4];
    I[5] = S[0] * S[3] - S[1] * S[1];
    const Doubles determinant = S[0] * I[0] + S[1] * I[1] + S[2] * I[2];
    const Doubles inverse = determinant != 0 ? 1 / determinant : Doubles{};
    for (int k = 0; k < 6; ++k) I[k] *= inverse;
  }
}

// Set chi2 of a block, infinite behind the camera; returns it as it is there too. residual: (3) out.
inline Doubles measure(const Place& place, Block* block, Doubles* residual) {
  const Doubles *I = block->information, *r = residual;
  residual[0] = block->value[0] - place.x;
  residual[1] = block->value[1] - place.y;
  residual[2] = block->has_depth * (block->value[2] - place.inverse);
  const Doubles chi2 = r[0] * (I[0] * r[0] + I[1] * r[1] + I[2] * r[2]) +
                       r[1] * (I[1] * r[0] + I[3] * r[1] + I[4] * r[2]) +
                       r[2] * (I[2] * r[0] + I[4] * r[1] + I[5] * r[2]);
  block->chi2 = place.is_in_front ? chi2 : Doubles{} + INFINITY;
  return chi2;
}

inline void measure(std::vector<Block>* blocks, const Motion& T) {
  Doubles residual[3];
  for (Block& block : *blocks) measure(Place(block, T), &block, residual);
}

// The normal equations (6, 6) and (6,) of a step at a pose; sets chi2. width: where Cauchy's loss turns.
inline void linearise(std::vector<Block>* blocks, const Motion& T, double width, double* H, double* g) {
  Doubles hessian[6][6] = {}, gradient[6] = {};  // of the hessian the lower triangle
  for (Block& block : *blocks) {
    const Place place(block, T);
    Doubles r[3], I[6], IJ[3][6], product[6];
    const Doubles chi2 = measure(place, &block, r);
    const Doubles weight = place.is_in_front ? block.counts / (1 + chi2 / (width * width)) : Doubles{};
    for (int k = 0; k < 6; ++k) I[k] = weight * block.information[k];
    for (int i = 0; i < 3; ++i) {
      const Doubles row[3] = {I[kUpper[i][0]], I[kUpper[i][1]], I[kUpper[i][2]]};
      place.by_twist(row, IJ[i]);
    }
    const Doubles Ir[3] = {I[0] * r[0] + I[1] * r[1] + I[2] * r[2], I[1] * r[0] + I[3] * r[1] + I[4] * r[2],
                           I[2] * r[0] + I[4] * r[1] + I[5] * r[2]};
    place.by_twist(Ir, product);
    for (int a = 0; a < 6; ++a) gradient[a] += product[a];
#pragma GCC unroll 6
    for (int b = 0; b < 6; ++b) {
      const Doubles column[3] = {IJ[0][b], IJ[1][b], IJ[2][b]};
      place.by_twist(column, product);
      for (int a = b; a < 6; ++a) hessian[a][b] += product[a];
    }
  }
  for (int a = 0; a < 6; ++a) {
    g[a] = sum_of(gradient[a]);
    for (int b = 0; b <= a; ++b) H[6 * a + b] = H[6 * b + a] = sum_of(hessian[a][b]);
  }
}

// Squared distances in the image alone, over their variances at a pose; infinite behind the camera.
inline void measure_in_image(const std::vector<Block>& blocks, const Motion& T, double scale, double* chi2) {
  for (const Block& block : blocks) {
    const Place place(block, T);
    Doubles S[6];
    spread_of(block, T, place, scale, S);
    const Doubles x = block.value[0] - place.x, y = block.value[1] - place.y;
    const Doubles value = (S[3] * x * x - 2 * S[1] * x * y + S[0] * y * y) / (S[0] * S[3] - S[1] * S[1]);
    const Doubles known = place.is_in_front ? value : Doubles{} + INFINITY;
    for (int lane = 0; lane < kDoubles; ++lane) *chi2++ = known[lane];
  }
}

}  // namespace aliked

// Small matrices, rigid motions and Cholesky factors, in double precision: what pose refinement and
// bundle adjustment stand on. Matrices are row-major.
#pragma once

#include <cmath>
#include <vector>

namespace aliked {

struct Vector3 {
  double x, y, z;
};

inline double dot(const Vector3& a, const Vector3& b) { return a.x * b.x + a.y * b.y + a.z * b.z; }

// A motion T_camera_world: p_camera = R p_world + t.
struct Motion {
  double R[9];
  Vector3 t;

  // From and to a (4, 4) matrix.
  static Motion load(const double* T) {
    return {{T[0], T[1], T[2], T[4], T[5], T[6], T[8], T[9], T[10]}, {T[3], T[7], T[11]}};
  }
  void store(double* T) const {
    const double rows[16] = {R[0], R[1], R[2], t.x, R[3], R[4], R[5], t.y,
                             R[6], R[7], R[8], t.z, 0,    0,    0,    1};
    for (int i = 0; i < 16; ++i) T[i] = rows[i];
  }
  Vector3 rotate(const Vector3& p) const {
    return {R[0] * p.x + R[1] * p.y + R[2] * p.z, R[3] * p.x + R[4] * p.y + R[5] * p.z,
            R[6] * p.x + R[7] * p.y + R[8] * p.z};
  }
  Vector3 apply(const Vector3& p) const {
    const Vector3 q = rotate(p);
    return {q.x + t.x, q.y + t.y, q.z + t.z};
  }
  Vector3 rotate_back(const Vector3& p) const {
    return {R[0] * p.x + R[3] * p.y + R[6] * p.z, R[1] * p.x + R[4] * p.y + R[7] * p.z,
            R[2] * p.x + R[5] * p.y + R[8] * p.z};
  }
  Vector3 apply_inverse(const Vector3& p) const {
    return rotate_back({p.x - t.x, p.y - t.y, p.z - t.z});
  }
};

// exp(xi) T; xi is a twist, translation part first (Barfoot, State Estimation for Robotics, 7.1).
inline Motion moved(const double* xi, const Motion& T) {
  const Vector3 rho = {xi[0], xi[1], xi[2]}, w = {xi[3], xi[4], xi[5]};
  const double square = dot(w, w), angle = std::sqrt(square);
  const bool is_small = angle < 1e-4;
  const double a = is_small ? 1 - square / 6 : std::sin(angle) / angle;
  const double b = is_small ? 0.5 - square / 24 : (1 - std::cos(angle)) / square;
  const double c = is_small ? 1.0 / 6 - square / 120 : (angle - std::sin(angle)) / (square * angle);
  // K and K^2 of the cross product with w.
  const double K[9] = {0, -w.z, w.y, w.z, 0, -w.x, -w.y, w.x, 0};
  double K2[9], dR[9], V[9];
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j) {
      K2[3 * i + j] = 0;
      for (int k = 0; k < 3; ++k) K2[3 * i + j] += K[3 * i + k] * K[3 * k + j];
    }
  for (int i = 0; i < 9; ++i) {
    const double one = i % 4 == 0;
    dR[i] = one + a * K[i] + b * K2[i];
    V[i] = one + b * K[i] + c * K2[i];
  }
  Motion result;
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j) {
      result.R[3 * i + j] = 0;
      for (int k = 0; k < 3; ++k) result.R[3 * i + j] += dR[3 * i + k] * T.R[3 * k + j];
    }
  const double old[3] = {T.t.x, T.t.y, T.t.z};
  double t[3];
  for (int i = 0; i < 3; ++i) {
    t[i] = V[3 * i] * rho.x + V[3 * i + 1] * rho.y + V[3 * i + 2] * rho.z;
    for (int k = 0; k < 3; ++k) t[i] += dR[3 * i + k] * old[k];
  }
  result.t = {t[0], t[1], t[2]};
  return result;
}

// Rotations drift away from orthonormal by products of rounded ones: Gram-Schmidt on the rows.
inline void orthonormalise(Motion* T) {
  double* R = T->R;
  auto scale = [&](int row) {
    const double length = std::sqrt(R[row] * R[row] + R[row + 1] * R[row + 1] + R[row + 2] * R[row + 2]);
    for (int i = 0; i < 3; ++i) R[row + i] /= length;
  };
  scale(0);
  const double along = R[0] * R[3] + R[1] * R[4] + R[2] * R[5];
  for (int i = 0; i < 3; ++i) R[3 + i] -= along * R[i];
  scale(3);
  R[6] = R[1] * R[5] - R[2] * R[4];
  R[7] = R[2] * R[3] - R[0] * R[5];
  R[8] = R[0] * R[4] - R[1] * R[3];
}

// The inverse of a symmetric (3, 3) matrix by cofactors; 0 where it is singular.
inline bool invert3(const double* A, double* inverse) {
  const double a = A[0], b = A[1], c = A[2], d = A[4], e = A[5], f = A[8];
  const double C0 = d * f - e * e, C1 = c * e - b * f, C2 = b * e - c * d;
  const double determinant = a * C0 + b * C1 + c * C2;
  if (!(std::abs(determinant) > 0)) {
    for (int i = 0; i < 9; ++i) inverse[i] = 0;
    return false;
  }
  const double s = 1 / determinant;
  inverse[0] = C0 * s;
  inverse[1] = inverse[3] = C1 * s;
  inverse[2] = inverse[6] = C2 * s;
  inverse[4] = (a * f - c * c) * s;
  inverse[5] = inverse[7] = (b * c - a * e) * s;
  inverse[8] = (a * d - b * b) * s;
  return true;
}

// Factorise a symmetric positive definite (n, n) matrix in place as L L^T, lower triangle; a pivot
// that is not positive (a direction that nothing is known about) becomes `floor`.
inline void factorise(double* A, int n, double floor) {
  for (int j = 0; j < n; ++j) {
    double* row_j = A + j * n;
    double pivot = row_j[j];
    for (int k = 0; k < j; ++k) pivot -= row_j[k] * row_j[k];
    row_j[j] = std::sqrt(pivot > floor ? pivot : floor);
    for (int i = j + 1; i < n; ++i) {
      double* row_i = A + i * n;
      double sum = 0;
#pragma omp simd reduction(+ : sum)
      for (int k = 0; k < j; ++k) sum += row_i[k] * row_j[k];
      row_i[j] = (row_i[j] - sum) / row_j[j];
    }
  }
}

// Solve L L^T x = b in place.
inline void substitute(const double* L, int n, double* b) {
  for (int i = 0; i < n; ++i) {
    double value = b[i];
    for (int k = 0; k < i; ++k) value -= L[i * n + k] * b[k];
    b[i] = value / L[i * n + i];
  }
  for (int i = n - 1; i >= 0; --i) {
    double value = b[i];
    for (int k = i + 1; k < n; ++k) value -= L[k * n + i] * b[k];
    b[i] = value / L[i * n + i];
  }
}

constexpr double kMinDepth = 1e-3;  // of what is in front: nearer, a derivative outweighs all others

}  // namespace aliked

// Registers of double precision numbers, and rows of six in them.
#pragma once

namespace aliked {

#if defined(__AVX512F__)
constexpr int kDoubles = 8;
#else
constexpr int kDoubles = 4;
#endif
typedef double Doubles __attribute__((vector_size(8 * kDoubles)));

inline double sum_of(const Doubles& values) {
  double sum = 0;
  for (int lane = 0; lane < kDoubles; ++lane) sum += values[lane];
  return sum;
}

// A row of a pose's six parameters, and two zeros that fill up the registers.
struct Row {
  Doubles parts[8 / kDoubles];

  double operator[](int i) const { return parts[i / kDoubles][i % kDoubles]; }
  void set(const double* six) {
#if defined(__AVX512F__)
    parts[0] = Doubles{six[0], six[1], six[2], six[3], six[4], six[5]};
#else
    parts[0] = Doubles{six[0], six[1], six[2], six[3]};
    parts[1] = Doubles{six[4], six[5]};
#endif
  }
  // Add multiples of three rows.
  void add(double a, double b, double c, const Row* rows) {
    for (int i = 0; i < 8 / kDoubles; ++i)
      parts[i] += a * rows[0].parts[i] + b * rows[1].parts[i] + c * rows[2].parts[i];
  }
};

inline double dot(const Row& a, const Row& b) {
  Doubles product = a.parts[0] * b.parts[0];
  for (int i = 1; i < 8 / kDoubles; ++i) product += a.parts[i] * b.parts[i];
  return sum_of(product);
}

}  // namespace aliked

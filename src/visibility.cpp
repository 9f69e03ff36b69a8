// Points of a map -> those that a camera should show, and where.
#include <cmath>
#include <cstdint>

#include "motion.hpp"

// points, direction: (L, 3), world; the direction is the unit vector along which a point was looked at.
// numbers: (count,) rows that are asked for. T: (4, 4) T_camera_world. K: (3, 3) px. A point is expected in
// front of the camera, inside the image, and looked at within an angle of min_cosine. expected: (count,) rows
// of such points, out, in the order of numbers; places: (count, 2) px, out. Returns how many there are.
extern "C" int aliked_expected_places(const double* points, const double* direction, const int64_t* numbers,
                                      int count, const double* T, const double* K, int height, int width,
                                      double min_cosine, int64_t* expected, double* places) {
  using namespace aliked;
  const Motion pose = Motion::load(T);
  int found = 0;
  for (int i = 0; i < count; ++i) {
    const double* p = points + 3 * numbers[i];
    const Vector3 seen = pose.apply({p[0], p[1], p[2]});
    if (!(seen.z > 0)) continue;
    const double x = K[0] * (seen.x / seen.z) + K[2], y = K[4] * (seen.y / seen.z) + K[5];
    if (!(x >= 0 && x < width && y >= 0 && y < height)) continue;
    const double* d = direction + 3 * numbers[i];
    const double along = dot(pose.rotate_back(seen), {d[0], d[1], d[2]}), length = std::sqrt(dot(seen, seen));
    if (!(along > min_cosine * length)) continue;
    expected[found] = numbers[i];
    places[2 * found] = x;
    places[2 * found + 1] = y;
    ++found;
  }
  return found;
}

// The mean of squares of pixels, for maps of either kind.
#pragma once

#include "kernels.hpp"
#include "pool.hpp"

namespace aliked {

// Mean of size x size pixels; the size is a power of two.
template <class From, class To>
inline void average_pool(const MapOf<From>& in, int size, const MapOf<To>& out) {
  for_each(out.height, 2, [&](int y) {
    for (int x = 0; x < out.width; ++x)
      for (int c = 0; c < out.channels; c += 8) {
        Vector<8> sum = {};
        for (int dy = 0; dy < size; ++dy)
          for (int dx = 0; dx < size; ++dx) sum += load<8>(in.at(y * size + dy, x * size + dx) + c);
        store<8>(out.at(y, x) + c, sum * (1.0f / float(size * size)));
      }
  });
}

}  // namespace aliked

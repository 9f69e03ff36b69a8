// Loops shared out among the threads of a pool, which nobody waits for before they have begun.
//
// All tiles of a loop belong to the thread that calls it. A thread that has nothing to do takes the back half
// of what the richest one has left; so each works on neighbouring tiles, and a thread that gets no core takes
// no tile. The caller waits for tiles that others have taken and for nothing else.
#pragma once

#include <algorithm>
#include <functional>
#include <new>

namespace aliked {

constexpr int kMaxThreads = 64;

class Job;

// A thread's seat at a loop.
class Seat {
 public:
  Seat(Job* job, int number) : job_(job), number_(number) {}
  bool take(int* tile);  // false: nothing is left

 private:
  Job* job_;
  int number_;
};

// Call `work` in this thread and in those that come to help; it takes tiles until none is left. What it throws
// is thrown here, after all have stopped.
void work_together(int num_tiles, const std::function<void(Seat&)>& work);

// Cut [0, count) into tiles of `size`. Each thread calls `make` once: what it returns is called with (begin, end)
// of one tile after the other, and may keep memory from one to the next.
template <class Make>
void share_out(int count, int size, const Make& make) {
  work_together((count + size - 1) / size, [&](Seat& seat) {
    int tile;
    if (!seat.take(&tile)) return;
    auto work = make();
    do work(tile * size, std::min(count, (tile + 1) * size));
    while (seat.take(&tile));
  });
}

// Call `work(i)` for each i of [0, count), `size` of them at a time.
template <class Work>
void for_each(int count, int size, const Work& work) {
  share_out(count, size, [&] {
    return [&](int begin, int end) {
      for (int i = begin; i < end; ++i) work(i);
    };
  });
}

// What a kernel returns to Python: no exception may leave it.
template <class Kernel>
int out_of_memory(const Kernel& kernel) {
  try {
    kernel();
    return 0;
  } catch (const std::exception&) {  // they throw nothing else
    return 1;
  }
}

}  // namespace aliked

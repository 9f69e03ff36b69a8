// Puts src/pool.cpp to the test: argument 1 names what; leaves with 0 if it holds.
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <new>
#include <stdexcept>
#include <thread>
#include <vector>

#include "pool.hpp"

extern "C" void aliked_use_threads(int count);

namespace {

using aliked::for_each;

// Every number is worked on once; whether it is what the numbers before the loop say.
bool counts_up(int count, int size) {
  std::vector<int> seen(count, 0), before(count, count);
  for_each(count, size, [&](int i) { seen[i] += before[i] + i; });
  for (int i = 0; i < count; ++i)
    if (seen[i] != count + i) return false;
  return true;
}

bool small_loops() {
  for (int i = 0; i < 10000; ++i)
    if (!counts_up(i % 40, 1 + i % 3)) return false;
  return true;
}

bool callers_at_once() {
  std::atomic<int> right{0};
  std::vector<std::thread> callers;
  for (int c = 0; c < 4; ++c)
    callers.emplace_back([&] {
      for (int i = 0; i < 500; ++i) right += counts_up(100, 1);
    });
  for (std::thread& caller : callers) caller.join();
  return right == 2000;
}

// Each thread begins once, works on neighbouring tiles, and more than one takes part where there is time.
bool threads_help() {
  std::atomic<int> begun{0};
  for (int attempt = 0; attempt < 100 && begun < 2; ++attempt) {
    begun = 0;
    aliked::share_out(50, 1, [&] {
      ++begun;
      return [](int, int) { std::this_thread::sleep_for(std::chrono::milliseconds(2)); };
    });
  }
  return begun >= 2 && begun <= 4;
}

// What a loop throws, in any thread, comes out of it; and the next loop works.
bool exceptions() {
  for (int i = 0; i < 200; ++i) {
    bool is_caught = false;
    try {
      for_each(64, 1, [&](int tile) {
        if (tile == i % 64) throw std::runtime_error("tile");
      });
    } catch (const std::runtime_error&) {
      is_caught = true;
    }
    if (!is_caught || !counts_up(64, 1)) return false;
  }
  return aliked::out_of_memory([] { for_each(8, 1, [](int) { throw std::bad_alloc(); }); }) == 1;
}

// A child has no threads, whatever the parent's were doing when it was forked.
bool fork_safety() {
  std::atomic<bool> is_over{false};
  std::thread busy([&] {
    while (!is_over) counts_up(50, 1);
  });
  bool is_right = true;
  for (int i = 0; i < 20; ++i) {
    const pid_t child = fork();
    if (child == 0) _exit(counts_up(1000, 1) && counts_up(1000, 1) ? 0 : 1);
    int status = 1;
    waitpid(child, &status, 0);
    is_right = is_right && status == 0 && counts_up(1000, 1);
  }
  is_over = true;
  busy.join();
  return is_right;
}

bool one_thread() {
  aliked_use_threads(1);
  const std::thread::id caller = std::this_thread::get_id();
  std::atomic<int> elsewhere{0};
  for_each(1000, 1, [&](int) { elsewhere += std::this_thread::get_id() != caller; });
  return elsewhere == 0;
}

}  // namespace

int main(int, char** arguments) {
  aliked_use_threads(4);
  const struct {
    const char* name;
    bool (*holds)();
  } checks[] = {{"small_loops", small_loops}, {"callers_at_once", callers_at_once}, {"threads_help", threads_help},
                {"exceptions", exceptions},   {"fork_safety", fork_safety},         {"one_thread", one_thread}};
  for (const auto& check : checks)
    if (!std::strcmp(check.name, arguments[1])) return check.holds() ? 0 : 1;
  return 2;
}

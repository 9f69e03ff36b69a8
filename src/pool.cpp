// The threads of a process that share the kernels' loops. They sleep while there is nothing to do.
#include "pool.hpp"

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace aliked {
namespace {

using Clock = std::chrono::steady_clock;

// The next loop of a frame is mostly nearer than a thread is woken.
constexpr std::chrono::microseconds kPatience(50);
constexpr std::chrono::milliseconds kWary(100);  // so long a thread knows that its core was taken away
constexpr std::chrono::microseconds kStretch(500), kPause(1);

// Whether others want the core of this thread.
bool is_crowded(Clock::time_point now) {
  thread_local long lost = 0;
  thread_local Clock::time_point end{};
  rusage usage;
  if (getrusage(RUSAGE_THREAD, &usage) == 0 && usage.ru_nivcsw != lost) {
    lost = usage.ru_nivcsw;
    end = now + kWary;
  }
  return now < end;
}

// Where others want the core, give it to them for a moment: a thread that sleeps gets it back at once, one that
// works on until it is taken away waits for all others in turn, and its tile with it.
void give_way() {
  thread_local Clock::time_point last{};
  const Clock::time_point now = Clock::now();
  if (now - last < kStretch) return;
  if (is_crowded(now)) std::this_thread::sleep_for(kPause);
  last = Clock::now();
}

// Look at something for a short time; true once it holds.
template <class Condition>
bool soon(const Condition& condition) {
  if (condition()) return true;
  const auto start = Clock::now();
  if (is_crowded(start)) return false;
  do {
    for (int i = 0; i < 64; ++i) {
      if (condition()) return true;
#if defined(__x86_64__)
      __builtin_ia32_pause();
#endif
    }
  } while (Clock::now() < start + kPatience);
  return false;
}

// The tiles [begin, end) in one word, which changes hands in one step.
uint64_t pack(uint32_t begin, uint32_t end) { return uint64_t(begin) << 32 | end; }
int begin_of(uint64_t tiles) { return int(tiles >> 32); }
int end_of(uint64_t tiles) { return int(tiles & 0xffffffffu); }

struct alignas(64) Tiles {
  std::atomic<uint64_t> left{0};
};

}  // namespace

class Job {
 public:
  Job(int num_tiles, int num_seats, const std::function<void(Seat&)>& work) : num_seats_(num_seats), work_(work) {
    tiles_[0].left = pack(0, num_tiles);
  }

  bool take(int seat, int* tile) {
    std::atomic<uint64_t>& own = tiles_[seat].left;
    do {
      uint64_t left = own.load();
      while (begin_of(left) < end_of(left))
        if (own.compare_exchange_weak(left, pack(begin_of(left) + 1, end_of(left)))) {
          *tile = begin_of(left);
          return true;
        }
    } while (take_over(seat));
    return false;
  }

  void work(int number) {
    Seat seat(this, number);
    try {
      work_(seat);
    } catch (...) {
      for (int i = 0; i < num_seats_; ++i) tiles_[i].left = 0;
      if (!has_failed_.exchange(true)) error_ = std::current_exception();
    }
  }

  // These three under the pool's mutex.
  int enter() {
    ++helpers_;
    return next_seat_++;
  }
  void leave() {
    if (--helpers_ == 0) left_.notify_one();
  }
  bool is_full() const { return next_seat_ == num_seats_; }

  void finish(std::mutex* mutex) {
    soon([&] { return helpers_ == 0; });
    std::unique_lock<std::mutex> lock(*mutex);
    left_.wait(lock, [&] { return helpers_ == 0; });
    if (error_) std::rethrow_exception(error_);
  }

 private:
  // Make the back half of what the richest seat has left the seat's own.
  bool take_over(int seat) {
    for (;;) {
      int richest = 0, most = 0;
      uint64_t its = 0;
      for (int i = 0; i < num_seats_; ++i) {
        const uint64_t left = tiles_[i].left.load();
        const int count = end_of(left) - begin_of(left);
        if (count > most) richest = i, most = count, its = left;
      }
      if (most == 0) return false;
      const int middle = end_of(its) - (most + 1) / 2;
      if (tiles_[richest].left.compare_exchange_strong(its, pack(begin_of(its), middle))) {
        tiles_[seat].left = pack(middle, end_of(its));
        return true;
      }
    }
  }

  const int num_seats_;
  const std::function<void(Seat&)>& work_;
  Tiles tiles_[kMaxThreads];
  int next_seat_ = 1;
  std::atomic<int> helpers_{0};
  std::condition_variable left_;
  std::atomic<bool> has_failed_{false};
  std::exception_ptr error_;
};

bool Seat::take(int* tile) {
  give_way();
  return job_->take(number_, tile);
}

namespace {

class Pool {
 public:
  void run(int num_tiles, int num_threads, const std::function<void(Seat&)>& work) {
    Job job(num_tiles, num_threads, work);
    if (num_threads > 1) open(&job, num_threads - 1);
    job.work(0);
    if (num_threads > 1) {
      std::unique_lock<std::mutex> lock(mutex_);
      close(&job);
    }
    job.finish(&mutex_);
  }

 private:
  void open(Job* job, int helpers) {
    std::unique_lock<std::mutex> lock(mutex_);
    while (num_threads_ < helpers && start_thread()) ++num_threads_;
    jobs_.push_back(job);
    num_open_ = int(jobs_.size());
    const int to_wake = std::min(helpers, num_asleep_);
    lock.unlock();
    for (int i = 0; i < to_wake; ++i) came_.notify_one();
  }

  // Nobody else may enter: it is full, or a thread has found nothing to do.
  void close(Job* job) {
    const auto at = std::find(jobs_.begin(), jobs_.end(), job);
    if (at != jobs_.end()) jobs_.erase(at);
    num_open_ = int(jobs_.size());
  }

  bool start_thread() {
    // Signals are for the threads of Python.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool has_started = true;
    try {
      std::thread([this] { serve(); }).detach();
    } catch (const std::system_error&) {  // too many threads: whoever calls works alone
      has_started = false;
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return has_started;
  }

  void serve() {
    std::unique_lock<std::mutex> lock(mutex_);
    for (;;) {
      ++num_asleep_;
      came_.wait(lock, [&] { return !jobs_.empty(); });
      --num_asleep_;
      do {
        help(&lock);
        lock.unlock();
        soon([&] { return num_open_ > 0; });
        lock.lock();
      } while (!jobs_.empty());
    }
  }

  void help(std::unique_lock<std::mutex>* lock) {
    Job* job = jobs_.front();
    const int seat = job->enter();
    if (job->is_full()) close(job);
    lock->unlock();
    job->work(seat);
    lock->lock();
    close(job);
    job->leave();
  }

  std::mutex mutex_;
  std::condition_variable came_;
  std::vector<Job*> jobs_;
  std::atomic<int> num_open_{0};
  int num_threads_ = 0, num_asleep_ = 0;
};

std::atomic<int> num_threads{1};
Pool* pool = nullptr;

// Threads do not survive a fork: the child begins with none. The old ones' mutex may be locked for ever.
Pool* the_pool() {
  static const bool is_made = [] {
    pool = new Pool;  // never deleted: its threads outlive everything
    pthread_atfork(nullptr, nullptr, [] { pool = new Pool; });
    return true;
  }();
  (void)is_made;
  return pool;
}

}  // namespace

void work_together(int num_tiles, const std::function<void(Seat&)>& work) {
  if (num_tiles > 0) the_pool()->run(num_tiles, std::min(num_tiles, num_threads.load()), work);
}

}  // namespace aliked

// Loops run on at most so many threads, that of the caller included; 1 at first.
extern "C" void aliked_use_threads(int count) {
  aliked::num_threads = std::min(std::max(count, 1), aliked::kMaxThreads);
}

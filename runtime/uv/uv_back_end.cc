#include "runtime/uv/uv_back_end.h"

#include <csignal>
#include <ctime>

#if defined(__linux__)
#include <sys/timerfd.h>
#include <unistd.h>
#endif

#include "runtime/check.h"
#include "runtime/error.h"

namespace coracle::uv {
namespace {

#if defined(__linux__)
constexpr clockid_t kClock = CLOCK_BOOTTIME;
constexpr clockid_t kRoughClock = CLOCK_MONOTONIC_COARSE;  // steps with the kernel's ticks
#else
constexpr clockid_t kClock = CLOCK_MONOTONIC;
constexpr clockid_t kRoughClock = CLOCK_MONOTONIC;
#endif
constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;

Duration read_clock(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return Duration(time.tv_sec * kNanosecondsPerSecond + time.tv_nsec);
}

}  // namespace

void throw_on_error(int code, std::string_view operation, std::string_view subject) {
  if (code < 0) throw Error(code, operation, subject);
}

UvBackEnd::UvBackEnd() {
  std::signal(SIGPIPE, SIG_IGN);
  throw_on_error(uv_loop_init(&uv_loop_), "make a loop");
  async_.data = this;
  throw_on_error(uv_async_init(&uv_loop_, &async_,
                               [](uv_async_t* async) {
                                 auto* self = static_cast<UvBackEnd*>(async->data);
                                 self->loop_->run_posted();
                                 self->loop_->run_ready();
                               }),
                 "make a loop's wake-up");
  open_timer();
}

UvBackEnd::~UvBackEnd() {
  uv_close(reinterpret_cast<uv_handle_t*>(&async_), nullptr);
  uv_close(reinterpret_cast<uv_handle_t*>(&timer_), nullptr);
  uv_run(&uv_loop_, UV_RUN_DEFAULT);  // until each close has been called back
#if defined(__linux__)
  close(timer_descriptor_);
#endif
  CORACLE_CHECK(uv_loop_close(&uv_loop_) == 0, "every handle is closed before its loop");
}

void UvBackEnd::poll(TimePoint earliest, bool may_wait) {
  const bool waits = may_wait && (earliest == kNever || earliest > now());
  set_timer(earliest);
  uv_run(&uv_loop_, waits ? UV_RUN_ONCE : UV_RUN_NOWAIT);
}

TimePoint UvBackEnd::now() { return TimePoint(read_clock(kClock)); }

WallTime UvBackEnd::wall_time() { return WallTime(read_clock(CLOCK_REALTIME)); }

Duration UvBackEnd::rough_time() { return read_clock(kRoughClock); }

void UvBackEnd::wake() { uv_async_send(&async_); }

void UvBackEnd::check_failed(std::string_view /*message*/) {}

std::uint64_t UvBackEnd::system_seed() {
  std::uint64_t seed = 0;
  throw_on_error(uv_random(nullptr, nullptr, &seed, sizeof(seed), 0, nullptr), "draw a seed");
  return seed;
}

#if defined(__linux__)

void UvBackEnd::open_timer() {
  timer_descriptor_ = timerfd_create(kClock, TFD_NONBLOCK | TFD_CLOEXEC);
  if (timer_descriptor_ < 0) throw Error(errno, "make a timer");
  timer_.data = this;
  throw_on_error(uv_poll_init(&uv_loop_, &timer_, timer_descriptor_), "poll a timer");
  // It only notes: deadlines expire after all I/O of the pass.
  throw_on_error(uv_poll_start(&timer_, UV_READABLE,
                               [](uv_poll_t* timer, int, int) {
                                 static_cast<UvBackEnd*>(timer->data)->timer_fired_ = true;
                               }),
                 "poll a timer");
}

// At most one system call a pass, and none while what is set is early enough. Setting a timerfd
// also clears its readiness, so that it is never read.
void UvBackEnd::set_timer(TimePoint earliest) {
  if (!timer_fired_ && earliest >= timer_set_to_) return;
  timer_fired_ = false;
  timer_set_to_ = earliest;
  itimerspec when{};
  if (earliest != kNever) {
    const std::int64_t nanoseconds = std::max<std::int64_t>(earliest.time_since_epoch().count(), 1);
    when.it_value.tv_sec = nanoseconds / kNanosecondsPerSecond;
    when.it_value.tv_nsec = nanoseconds % kNanosecondsPerSecond;
  }
  CORACLE_CHECK(timerfd_settime(timer_descriptor_, TFD_TIMER_ABSTIME, &when, nullptr) == 0,
                "a timerfd takes any time");
}

#else

void UvBackEnd::open_timer() {
  timer_.data = this;
  throw_on_error(uv_timer_init(&uv_loop_, &timer_), "make a timer");
}

// libuv's timers count milliseconds: rounded up, so that no deadline expires early.
void UvBackEnd::set_timer(TimePoint earliest) {
  if (!timer_fired_ && earliest >= timer_set_to_) return;
  timer_fired_ = false;
  timer_set_to_ = earliest;
  if (earliest == kNever) {
    uv_timer_stop(&timer_);
    return;
  }
  const auto span = std::max(earliest - now(), Duration::zero());
  uv_update_time(&uv_loop_);
  uv_timer_start(
      &timer_, [](uv_timer_t* timer) { static_cast<UvBackEnd*>(timer->data)->timer_fired_ = true; },
      static_cast<std::uint64_t>(std::chrono::ceil<std::chrono::milliseconds>(span).count()) + 1,
      0);
}

#endif

}  // namespace coracle::uv

#include "runtime/stall_watch.h"

#include <chrono>
#include <string>

#include "runtime/back_end.h"
#include "runtime/dump_tasks.h"
#include "runtime/fiber.h"
#include "runtime/log.h"

namespace coracle {

void StallWatch::batch_begins() { began_ = back_end_.rough_time(); }

void StallWatch::goes_on(const Fiber& fiber) { since_ = fiber.innermost()->awaiting; }

void StallWatch::has_suspended(const Fiber& fiber) {
  const Duration now = back_end_.rough_time();
  const Duration ran = now - began_;
  began_ = now;
  if (ran < limit_) [[likely]]
    return;
  report(fiber, ran);
  began_ = back_end_.rough_time();
}

void StallWatch::report(const Fiber& fiber, Duration ran) const {
  const std::string since =
      since_.line() == 0 ? "its_start" : fmt::format("{}:{}", since_.file_name(), since_.line());
  const std::string at = fiber.ended() ? "its_end" : await_chain(fiber);
  log_warn("stalled task={} ran={}ms since={} at={}", fiber.name(),
           std::chrono::duration_cast<std::chrono::milliseconds>(ran).count(), since, at);
}

}  // namespace coracle

// Clean-up that awaits although everything around it is canceled.
#pragma once

#include <exception>
#include <utility>

#include "runtime/log.h"
#include "runtime/timeout.h"

namespace coracle {

// How long a clean-up may take unless it says otherwise.
inline constexpr Duration kCleanupTimeout = std::chrono::seconds(5);

// Awaits `awaitable` out of reach of every cancellation from outside, for at most `span` from its
// start.
//   Returns    its result.
//   Throws     TimedOut when it takes longer; what the awaitable throws.
//   Canceled   never from outside: an enclosing request takes effect at the next await after it.
template <Awaitable A>
[[nodiscard]] Task<Awaited<A>> shielded(Duration span, A awaitable) {
  co_return co_await timeout_detail::await_until<A>(deadline_after(now(), span),
                                                    Scope::Kind::shield, std::move(awaitable));
}

// Awaits `task`, and then `cleanup`, shielded, however `task` ended. (`co_await` is not allowed in
// a catch block or a destructor: this is what to write instead.)
//   Returns    the task's result.
//   Throws     the task's exception, once the clean-up has ended; the clean-up's if only that
//              failed. If both fail, the clean-up's is logged.
//   Canceled   as the task is; the clean-up never.
template <Awaitable A, Awaitable C>
[[nodiscard]] Task<Awaited<A>> with_cleanup(A task, C cleanup, Duration span = kCleanupTimeout) {
  std::exception_ptr failure;
  std::optional<AwaitedValue<A>> result;
  try {
    if constexpr (std::is_void_v<Awaited<A>>) {
      co_await std::move(task);
      result.emplace();
    } else {
      result.emplace(co_await std::move(task));
    }
  } catch (...) {
    failure = std::current_exception();
  }
  try {
    co_await shielded<C>(span, std::move(cleanup));
  } catch (...) {
    if (failure == nullptr) throw;
    log_warn("cleanup_failed error=\"{}\"", describe_exception(std::current_exception()));
  }
  if (failure != nullptr) std::rethrow_exception(std::move(failure));
  if constexpr (!std::is_void_v<Awaited<A>>) co_return std::move(*result);
}

}  // namespace coracle

// Deadlines around any awaitable. They are scopes in the same fiber: nothing is spawned, they
// nest, the earliest wins, and what they cancel is waited for.
#pragma once

#include <optional>
#include <type_traits>
#include <utility>

#include "runtime/awaited.h"
#include "runtime/error.h"
#include "runtime/scope.h"

namespace coracle {

namespace timeout_detail {

// What `within` returns for a result of type T.
template <class T>
struct Within {
  using type = std::optional<T>;
};
template <>
struct Within<void> {
  using type = bool;
};

[[noreturn]] void throw_timed_out();

// Awaits inside a scope of the given kind.
template <Awaitable A>
Task<Awaited<A>> await_until(TimePoint deadline, Scope::Kind kind, A awaitable) {
  DeadlineScope scope(deadline, kind);
  try {
    co_return co_await std::move(awaitable);
  } catch (const Canceled&) {
    if (scope.settle() == Scope::Verdict::pass_on) throw;
  }
  throw_timed_out();
}

template <Awaitable A>
Task<typename Within<Awaited<A>>::type> await_within(TimePoint deadline, A awaitable) {
  DeadlineScope scope(deadline, Scope::Kind::deadline);
  try {
    if constexpr (std::is_void_v<Awaited<A>>) {
      co_await std::move(awaitable);
      co_return true;
    } else {
      co_return co_await std::move(awaitable);
    }
  } catch (const Canceled&) {
    if (scope.settle() == Scope::Verdict::pass_on) throw;
  }
  co_return typename Within<Awaited<A>>::type();
}

}  // namespace timeout_detail

// Awaits `awaitable` for at most `span` from this call.
//   Returns    its result, also if the deadline passed meanwhile.
//   Throws     TimedOut when the deadline came first; what the awaitable throws.
//   Canceled   as the awaitable is.
template <Awaitable A>
[[nodiscard]] Task<Awaited<A>> with_timeout(Duration span, A awaitable) {
  return timeout_detail::await_until<A>(deadline_after(now(), span), Scope::Kind::deadline,
                                        std::move(awaitable));
}

// The same with a deadline instead of a span.
template <Awaitable A>
[[nodiscard]] Task<Awaited<A>> with_deadline(TimePoint deadline, A awaitable) {
  return timeout_detail::await_until<A>(deadline, Scope::Kind::deadline, std::move(awaitable));
}

// Awaits `awaitable` for at most `span` from this call, where running out of time is expected.
//   Returns    its result in an optional, empty when the deadline came first; for an awaitable
//              without a result whether it ended in time.
//   Throws     what the awaitable throws.
//   Canceled   as the awaitable is.
template <Awaitable A>
[[nodiscard]] Task<typename timeout_detail::Within<Awaited<A>>::type> within(Duration span,
                                                                             A awaitable) {
  return timeout_detail::await_within<A>(deadline_after(now(), span), std::move(awaitable));
}

}  // namespace coracle

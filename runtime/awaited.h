// What awaiting something gives: used by the scopes and combinators, which take any awaitable.
#pragma once

#include <type_traits>
#include <utility>
#include <variant>

#include "runtime/task.h"

namespace coracle {

// A task, or an operation such as a read: what may stand behind co_await.
template <class T>
inline constexpr bool kIsTask = false;
template <class T>
inline constexpr bool kIsTask<Task<T>> = true;
template <class A>
concept Awaitable = kIsTask<A> || LeafOperation<A>;

template <class A>
struct AwaitedResult {
  using type = decltype(std::declval<A&>().take());
};
template <class T>
struct AwaitedResult<Task<T>> {
  using type = T;
};

// The type of `co_await a`.
template <Awaitable A>
using Awaited = typename AwaitedResult<A>::type;

// The same with void made a value: what a tuple or an optional can hold.
template <Awaitable A>
using AwaitedValue =
    std::conditional_t<std::is_void_v<Awaited<A>>, std::monostate, std::decay_t<Awaited<A>>>;

}  // namespace coracle

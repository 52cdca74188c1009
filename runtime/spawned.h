// The coroutine at the root of a spawned fiber: it keeps the callable and its arguments until the
// child ends. Mechanism behind TaskGroup::spawn and run().
#pragma once

#include <functional>
#include <string_view>
#include <tuple>
#include <utility>

#include "runtime/task.h"

namespace coracle {

// Where a new fiber belongs, and its name.
struct SpawnPlace {
  SpawnPlace(TaskGroup& group, std::string_view fiber_name);
  SpawnPlace(Loop& main_of, std::string_view fiber_name);

  Loop& loop;
  TaskGroup* group;
  Scope* parent_scope;
  std::string_view name;
};

// A fiber that was not started yet. Owned by nobody else; adopt() or start_main() take it.
class SpawnedTask {
 public:
  struct promise_type : TaskPromiseBase {
    template <class... Parameters>
    explicit promise_type(const SpawnPlace& place, Parameters&... /*stored in the frame*/)
        : record(place.loop, place.group, place.parent_scope, place.name, *this) {
      handle = std::coroutine_handle<promise_type>::from_promise(*this);
      fiber = &record;
    }

    SpawnedTask get_return_object() { return SpawnedTask(record); }
    void return_void() const {}
    void unhandled_exception() { record.fail_with_current_exception(); }

    Fiber record;
  };

  [[nodiscard]] Fiber& fiber() const { return *fiber_; }

  // Destroys the root frame of a fiber that has ended.
  static void destroy(FrameLink& root) { root.handle.destroy(); }

 private:
  explicit SpawnedTask(Fiber& fiber) : fiber_(&fiber) {}

  Fiber* fiber_;
};

namespace spawned {

// A frame holds what the user spawns, which may well be of a type in an unnamed namespace: GCC
// warns of that for types in headers, and takes the frame of a template for one.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsubobject-linkage"
#endif

template <class F, class... Args>
SpawnedTask child(SpawnPlace /*place: for the promise*/, F function, Args... args) {
  co_await std::invoke(std::move(function), std::move(args)...);
}

// The same from a tuple of the callable and its arguments.
template <class F, class... Args>
SpawnedTask store(TaskGroup& group, std::string_view name, std::tuple<F, Args...> stored) {
  return std::apply(
      [&](F& function, Args&... args) {
        return child<F, Args...>({group, name}, std::move(function), std::move(args)...);
      },
      stored);
}

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

}  // namespace spawned
}  // namespace coracle

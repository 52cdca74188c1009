// What the canaries await: coroutines that take an argument in each way there is, and use it before
// and after they were suspended.
#pragma once

#include <functional>
#include <memory>
#include <tuple>
#include <utility>

#include "tests/compiler/owner.h"
#include "tests/compiler/task.h"

namespace canary {

inline Task<> suspend_once() { co_return; }  // every await of a task suspends its awaiter

template <class T>
Task<> take(T value) {
  value.use();
  co_await suspend_once();
  value.use();
}

template <class T>
Task<> look(const T& value) {
  value.use();
  co_await suspend_once();
  value.use();
}

inline Task<> take_pointer(std::unique_ptr<Owner> owner) {
  owner->use();
  co_await suspend_once();
  owner->use();
}

inline Task<> take_default(Thing thing = Thing()) { co_await look(thing); }

template <class F>
Task<> call(F function) {
  co_await suspend_once();
  co_await function();
}

inline Task<> call_function(std::function<Task<>()> function) { co_await call(std::ref(function)); }

template <class T>
Task<T> give(T value) {
  co_await suspend_once();
  co_return value;
}

inline Task<Owner> make_owner() { co_return Owner(); }
inline Task<bool> truth(Owner owner) {
  co_await look(owner);
  co_return true;
}

inline Task<> both(Task<> first, Task<> second) {
  co_await suspend_once();
  co_await std::move(first);
  co_await std::move(second);
}

// A plain function that gives an operation holding the value: Channel::send is like this.
template <class T>
class SendOperation {
 public:
  explicit SendOperation(T value) : value_(std::move(value)) {}

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiter) const noexcept { Pump::next = waiter; }
  T await_resume() noexcept { return std::move(value_); }

 private:
  T value_;
};

template <class T>
SendOperation<T> send(T value) {
  return SendOperation<T>(std::move(value));
}

// An object whose method is awaited.
struct AggregateWithMethod {
  Owner name;

  Task<> look_at(Thing thing) const {
    name.use();
    co_await look(thing);
    name.use();
  }
};

class ThingWithMethod {
 public:
  Task<> look_at(Aggregate aggregate) const {
    co_await look(aggregate);
    name_.use();
  }
  void use_plainly(const Aggregate& aggregate) const { aggregate.use(); }

 private:
  Owner name_;
};

inline Task<ThingWithMethod> make_thing_with_method() { co_return ThingWithMethod(); }

}  // namespace canary

// How something ended: with a value or with a failure. Mechanism of Completion and Remote.
#pragma once

#include <concepts>
#include <cstdint>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include "runtime/check.h"

namespace coracle {

// Decided once, taken once.
template <class T>
class Outcome {
 public:
  using Value = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

  // True for the arguments of complete(): one that makes a T, or none for void.
  template <class... Args>
  static constexpr bool kCompletes =
      sizeof...(Args) == (std::is_void_v<T> ? 0 : 1) && std::constructible_from<Value, Args...>;

  [[nodiscard]] bool decided() const { return state_ != State::open; }

  template <class... Args>
  void complete(Args&&... args) {
    decide();
    value_.emplace(std::forward<Args>(args)...);
  }
  void fail(std::exception_ptr failure) {
    CORACLE_CHECK(failure != nullptr, "a failure is an exception");
    decide();
    failure_ = std::move(failure);
  }

  //   Requires   that it is decided, and was not taken.
  T take() {
    CORACLE_CHECK(state_ == State::decided, "a result is taken once");
    state_ = State::taken;
    if (failure_ != nullptr) std::rethrow_exception(std::move(failure_));
    if constexpr (!std::is_void_v<T>) return std::move(*value_);
  }

 private:
  enum class State : std::uint8_t { open, decided, taken };

  void decide() {
    CORACLE_CHECK(state_ == State::open, "a result is given exactly once");
    state_ = State::decided;
  }

  std::optional<Value> value_;
  std::exception_ptr failure_;
  State state_ = State::open;
};

}  // namespace coracle

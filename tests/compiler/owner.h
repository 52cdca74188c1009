// Objects that own something, and count how often they were born and destroyed. They own no memory,
// so that a second destruction is counted and not fatal.
#pragma once

#include <utility>

namespace canary {

class Owner {
 public:
  Owner() { ++born; }
  Owner(const Owner& other) : state_(other.state_) { ++born; }
  Owner(Owner&& other) noexcept : state_(std::exchange(other.state_, State::moved_from)) { ++born; }
  Owner& operator=(const Owner&) = default;
  Owner& operator=(Owner&& other) noexcept {
    state_ = std::exchange(other.state_, State::moved_from);
    return *this;
  }
  ~Owner() {
    ++destroyed;
    state_ = State::dead;
  }

  // Notes that what should be usable here is not.
  void use() const {
    if (state_ != State::whole) misused = true;
  }

  static inline int born = 0;
  static inline int destroyed = 0;
  static inline bool misused = false;

 private:
  enum class State { whole, moved_from, dead };
  State state_ = State::whole;
};

// An aggregate with an owning member: what people write for options.
struct Aggregate {
  Owner name;
  int limit = 0;

  void use() const { name.use(); }
};

// The same with a constructor.
class Thing {
 public:
  Thing() = default;
  explicit Thing(const Owner& name) : name_(name) {}

  void use() const { name_.use(); }

 private:
  Owner name_;
};

// A class with a constructor that is given an aggregate.
class Wrap {
 public:
  explicit Wrap(Aggregate inner) : inner_(std::move(inner)) {}

  void use() const { inner_.use(); }

 private:
  Aggregate inner_;
};

}  // namespace canary

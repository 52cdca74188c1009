// fork and exec.
#pragma once

#include <array>
#include <utility>

#include "runtime/child.h"

namespace coracle::uv {

// Closes a descriptor at its end.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor();

  [[nodiscard]] int number() const { return number_; }
  [[nodiscard]] int release() { return std::exchange(number_, -1); }

 private:
  int number_ = -1;
};

// A process that runs its program, and our ends of its three streams; -1 where there is no pipe.
struct StartedProcess {
  int pid = -1;
  std::array<Descriptor, 3> streams;
};

// Starts a process and waits until it has loaded its program.
//   Throws     Error when it could not; then there is no process.
[[nodiscard]] StartedProcess start_process(const ProcessOptions& options);

}  // namespace coracle::uv

// The seam below pipe_reader.h and pipe_writer.h: one end of a pipe, or what stands in its place
// (a terminal, a file). Mechanism.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace coracle {

// How one attempt went.
struct PipeResult {
  std::size_t bytes = 0;  // read: 0 at the end
  int error = 0;          // an errno value, 0 if there was none
  bool blocked = false;   // nothing could be done now: wait
};

// Who waits for an end.
class PipeSink {
 public:
  // The end may be read or written again. Called once for each wait().
  virtual void ready() = 0;

 protected:
  PipeSink() = default;
  PipeSink(const PipeSink&) = default;
  PipeSink& operator=(const PipeSink&) = default;
  ~PipeSink() = default;
};

// One end, for reading or for writing. Destroying it closes it (standard
// input stays open for others).
class PipeEnd {
 public:
  // `name` is what errors call it.
  explicit PipeEnd(std::string_view name) : name_(name) {}
  PipeEnd(const PipeEnd&) = delete;
  PipeEnd& operator=(const PipeEnd&) = delete;
  virtual ~PipeEnd() = default;

  [[nodiscard]] const std::string& name() const { return name_; }

  // Each does at once what can be done without waiting.
  virtual PipeResult read(std::span<std::byte> buffer) = 0;
  virtual PipeResult write(std::span<const std::byte> bytes) = 0;

  // Tells `sink`, on the loop's thread, when what was blocked may be tried again. One at a time.
  virtual void wait(PipeSink& sink) = 0;
  virtual void stop_waiting() = 0;

 private:
  std::string name_;
};

}  // namespace coracle

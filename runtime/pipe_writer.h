// Writing to a child process.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "runtime/leaf.h"
#include "runtime/pipe_end.h"

namespace coracle {

// What PipeWriter::write() returns; await it.
class [[nodiscard]] PipeWriteOperation final : public Leaf, private PipeSink {
 public:
  PipeWriteOperation(PipeEnd& end, std::span<const std::byte> bytes) : end_(end), bytes_(bytes) {}

  bool try_complete();
  void start() { end_.wait(*this); }
  void take() const;
  void on_cancel() override;
  void on_tear_down() override;
  [[nodiscard]] const char* waits_for() const override { return "room in a pipe"; }

 private:
  void ready() override;

  PipeEnd& end_;
  std::span<const std::byte> bytes_;  // those that are left
  int error_ = 0;
};

// The writing end of a pipe. Belongs to one loop. At most one write at a time.
class PipeWriter {
 public:
  // Mechanism, for Process.
  explicit PipeWriter(std::unique_ptr<PipeEnd> end) : end_(std::move(end)) {}

  // Writes all of `bytes`: returns when the pipe has taken them.
  //   Throws     Error with std::errc::broken_pipe once nobody reads any more.
  //   Canceled   throws; how much was written is not known.
  //   Borrows    `bytes` and this writer until it returns; the writer may be moved.
  //   Requires   no other write in progress; a writer that is not closed.
  [[nodiscard]] PipeWriteOperation write(std::span<const std::byte> bytes);

  // Closes it: the reader comes to its end. The destructor does the same. Twice does nothing.
  void close() { end_.reset(); }

 private:
  std::unique_ptr<PipeEnd> end_;
};

}  // namespace coracle

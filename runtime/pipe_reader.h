// Reading from a child process, or from standard input.
//
//   PipeReader input = PipeReader::standard_input();
//   const std::size_t count = co_await input.read(buffer);
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "runtime/leaf.h"
#include "runtime/pipe_end.h"

namespace coracle {

// What PipeReader::read() returns; await it.
class [[nodiscard]] PipeReadOperation final : public Leaf, private PipeSink {
 public:
  PipeReadOperation(PipeEnd& end, std::span<std::byte> buffer) : end_(end), buffer_(buffer) {}

  bool try_complete();
  void start() { end_.wait(*this); }
  [[nodiscard]] std::size_t take() const;
  void on_cancel() override;
  void on_tear_down() override;
  [[nodiscard]] const char* waits_for() const override { return "bytes from a pipe"; }

 private:
  void ready() override;

  PipeEnd& end_;
  std::span<std::byte> buffer_;
  PipeResult result_;
};

// The reading end of a pipe. Belongs to one loop. At most one read at a time.
class PipeReader {
 public:
  // Reads what this process gets as its standard input: a terminal, a pipe, a file, anything.
  // Others may share it: its flags stay as they are, and destroying the reader does not close it.
  // When another process reads from the same one at the same time, a read may block the loop.
  //   Throws     Error when there is no standard input.
  //   Requires   a current loop.
  [[nodiscard]] static PipeReader standard_input();

  // Mechanism, for Process.
  explicit PipeReader(std::unique_ptr<PipeEnd> end) : end_(std::move(end)) {}

  // Reads at least one byte, at most `buffer.size()`.
  //   Returns    how many bytes arrived; 0 once all writers have closed their end.
  //   Throws     Error when the pipe failed.
  //   Canceled   loses nothing.
  //   Borrows    `buffer` and this reader until it returns; the reader may be moved.
  //   Requires   a buffer that is not empty; no other read in progress.
  [[nodiscard]] PipeReadOperation read(std::span<std::byte> buffer);

 private:
  std::unique_ptr<PipeEnd> end_;
};

}  // namespace coracle

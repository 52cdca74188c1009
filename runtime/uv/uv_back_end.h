// The runtime on libuv. Included by its factory (runtime/run.cc) and by net/uv only.
#pragma once

#include <uv.h>

#include <cstdint>
#include <memory>

#include "runtime/back_end.h"
#include "runtime/loop.h"

namespace coracle::uv {

class UvBackEnd final : public BackEnd {
 public:
  // Makes a libuv loop, a timerfd on CLOCK_BOOTTIME (elsewhere a libuv timer), and ignores
  // SIGPIPE, which would kill the process on a write to a closed socket.
  //   Throws     Error when the system gives none.
  UvBackEnd();
  // Closes what is left and waits for it.
  ~UvBackEnd() override;

  [[nodiscard]] uv_loop_t* uv() { return &uv_loop_; }

  // A seed from the system's entropy.
  static std::uint64_t system_seed();

  void serve(Loop& loop) override { loop_ = &loop; }
  void poll(TimePoint earliest, bool may_wait) override;
  [[nodiscard]] TimePoint now() override;
  [[nodiscard]] WallTime wall_time() override;
  [[nodiscard]] Duration rough_time() override;
  void wake() override;
  [[nodiscard]] std::unique_ptr<SignalWatch> watch_signal(int number, SignalSink& sink) override;
  void perform_blocking(BlockingRequest& request) override;
  void perform_file(FileRequest& request) override;
  void cancel(Request& request) override;
  bool abandon(Request& request) override;
  void close_file(int descriptor) noexcept override;
  [[nodiscard]] std::unique_ptr<Child> spawn_child(const ProcessOptions& options, ChildSink& sink,
                                                   ChildPipes& pipes) override;
  [[nodiscard]] std::unique_ptr<PipeEnd> standard_input() override;
  [[nodiscard]] std::string program_path() override;
  void check_failed(std::string_view message) override;

 private:
  void queue(Request& request, void (*perform)(Request&));
  void open_timer();
  void set_timer(TimePoint earliest);

  Loop* loop_ = nullptr;
  uv_loop_t uv_loop_{};
  uv_async_t async_{};
#if defined(__linux__)
  uv_poll_t timer_{};
  int timer_descriptor_ = -1;
#else
  uv_timer_t timer_{};
#endif
  TimePoint timer_set_to_ = kNever;
  bool timer_fired_ = false;
};

// Throws Error if a libuv call returned a negative code.
void throw_on_error(int code, std::string_view operation, std::string_view subject = {});

}  // namespace coracle::uv

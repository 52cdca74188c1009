#include "runtime/uv/uv_pipe_end.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "runtime/check.h"
#include "runtime/error.h"
#include "runtime/uv/uv_back_end.h"

namespace coracle::uv {
namespace {

// The handle outlives the end until libuv has closed it.
struct PollHandle {
  uv_poll_t poll{};
  Loop* loop = nullptr;
  PipeSink* sink = nullptr;
};

class UvPipeEnd final : public PipeEnd {
 public:
  // Closes `descriptor` in the end. `ours`: nobody else uses what it stands for, so it may be
  // non-blocking.
  UvPipeEnd(Loop& loop, int descriptor, PipeDirection direction, bool ours, std::string_view name)
      : PipeEnd(name), loop_(loop), descriptor_(descriptor), direction_(direction), ours_(ours) {}
  ~UvPipeEnd() override;

  void watch(uv_loop_t* uv_loop);

  PipeResult read(std::span<std::byte> buffer) override;
  PipeResult write(std::span<const std::byte> bytes) override;
  void wait(PipeSink& sink) override;
  void stop_waiting() override;

 private:
  [[nodiscard]] bool would_block() const;

  Loop& loop_;
  int descriptor_;
  PipeDirection direction_;
  bool ours_;
  PollHandle* handle_ = nullptr;  // null for what never blocks: files
};

PipeResult judge(ssize_t count) {
  if (count >= 0) return {.bytes = static_cast<std::size_t>(count)};
  if (errno == EAGAIN || errno == EWOULDBLOCK) return {.blocked = true};
  return {.error = errno};
}

void on_poll(uv_poll_t* poll, int /*status: the next attempt tells more*/, int /*events*/) {
  auto* handle = static_cast<PollHandle*>(poll->data);
  uv_poll_stop(poll);
  Loop& loop = *handle->loop;
  if (handle->sink != nullptr) std::exchange(handle->sink, nullptr)->ready();
  loop.run_ready();
}

UvPipeEnd::~UvPipeEnd() {
  CORACLE_CHECK(handle_ == nullptr || handle_->sink == nullptr,
                "a pipe is closed while somebody waits for it");
  if (handle_ != nullptr) {
    uv_close(reinterpret_cast<uv_handle_t*>(&handle_->poll),
             [](uv_handle_t* closed) { delete static_cast<PollHandle*>(closed->data); });
  }
  ::close(descriptor_);
}

void UvPipeEnd::watch(uv_loop_t* uv_loop) {
  const int flags = ::fcntl(descriptor_, F_GETFL);
  if (flags < 0) throw Error(errno, "open", name());
  auto handle = std::make_unique<PollHandle>();
  const int code = uv_poll_init(uv_loop, &handle->poll, descriptor_);
  // uv_poll_init made it non-blocking, for all processes that share it.
  CORACLE_CHECK(ours_ || ::fcntl(descriptor_, F_SETFL, flags) == 0, "flags can be set back");
  if (code == UV_EPERM) return;  // a file, or /dev/null: it never blocks, and cannot be watched
  throw_on_error(code, "open", name());
  handle->poll.data = handle.get();
  handle->loop = &loop_;
  handle_ = handle.release();
}

// Asked before a read that nothing else keeps from blocking.
bool UvPipeEnd::would_block() const {
  if (ours_ || handle_ == nullptr) return false;
  pollfd asked{.fd = descriptor_, .events = POLLIN, .revents = 0};
  return ::poll(&asked, 1, 0) == 0;
}

PipeResult UvPipeEnd::read(std::span<std::byte> buffer) {
  if (would_block()) return {.blocked = true};
  ssize_t count = 0;
  do {
    count = ::read(descriptor_, buffer.data(), buffer.size());
  } while (count < 0 && errno == EINTR);
  return judge(count);
}

PipeResult UvPipeEnd::write(std::span<const std::byte> bytes) {
  ssize_t count = 0;
  do {
    count = ::write(descriptor_, bytes.data(), bytes.size());
  } while (count < 0 && errno == EINTR);
  return judge(count);
}

void UvPipeEnd::wait(PipeSink& sink) {
  CORACLE_CHECK(handle_ != nullptr, "a file never blocks");
  CORACLE_CHECK(handle_->sink == nullptr, "one at a time reads from a pipe, or writes to it");
  handle_->sink = &sink;
  const int events = direction_ == PipeDirection::reading ? UV_READABLE : UV_WRITABLE;
  CORACLE_CHECK(uv_poll_start(&handle_->poll, events, on_poll) == 0, "an open pipe is polled");
}

void UvPipeEnd::stop_waiting() {
  uv_poll_stop(&handle_->poll);
  handle_->sink = nullptr;
}

}  // namespace

std::unique_ptr<PipeEnd> own_pipe_end(uv_loop_t* uv_loop, Loop& loop, int descriptor,
                                      PipeDirection direction, std::string_view name) {
  auto end = std::make_unique<UvPipeEnd>(loop, descriptor, direction, /*ours=*/true, name);
  end->watch(uv_loop);
  return end;
}

// On a descriptor of its own: libuv has only one watcher for each.
std::unique_ptr<PipeEnd> UvBackEnd::standard_input() {
  const int descriptor = ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  if (descriptor < 0) throw Error(errno, "open", "standard input");
  auto end = std::make_unique<UvPipeEnd>(*loop_, descriptor, PipeDirection::reading,
                                         /*ours=*/false, "standard input");
  end->watch(&uv_loop_);
  return end;
}

}  // namespace coracle::uv

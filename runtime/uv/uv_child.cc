// Child processes, as the loop sees them: a pidfd is readable once its process has ended.
#include <cerrno>
#include <csignal>

#include "runtime/child.h"
#include "runtime/error.h"
#include "runtime/uv/start_process.h"
#include "runtime/uv/uv_back_end.h"
#include "runtime/uv/uv_pipe_end.h"

#if defined(__linux__)
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

namespace coracle::uv {

#if defined(__linux__)
namespace {

// One process until it is gone, whether or not anybody still asks for it.
struct ChildHandle {
  uv_poll_t poll{};
  Loop* loop = nullptr;
  ChildSink* sink = nullptr;
  bool* ended = nullptr;  // of the UvChild, while there is one
  int pid = -1;
  int pidfd = -1;
};

class UvChild final : public Child {
 public:
  explicit UvChild(ChildHandle* handle) : handle_(handle), pid_(handle->pid) {
    handle_->ended = &ended_;
  }
  // The handle stays until the process is gone.
  ~UvChild() override {
    if (ended_) return;
    kill(SIGKILL);
    handle_->sink = nullptr;
    handle_->ended = nullptr;
  }

  [[nodiscard]] int pid() const override { return pid_; }
  // A process that has ended keeps its number until it is waited for: this hits no other.
  bool kill(int signal) override { return !ended_ && ::kill(pid_, signal) == 0; }

 private:
  ChildHandle* handle_;
  int pid_;
  bool ended_ = false;
};

ExitStatus exit_status(int status) {
  if (WIFSIGNALED(status)) return {.code = 0, .signal = WTERMSIG(status)};
  return {.code = WEXITSTATUS(status), .signal = 0};
}

void on_ended(uv_poll_t* poll, int /*status*/, int /*events*/) {
  auto* handle = static_cast<ChildHandle*>(poll->data);
  int status = 0;
  const pid_t gone = ::waitpid(handle->pid, &status, WNOHANG);
  if (gone == 0 || (gone < 0 && errno == EINTR)) return;  // not yet
  uv_close(reinterpret_cast<uv_handle_t*>(poll), [](uv_handle_t* closed) {
    auto* closed_handle = static_cast<ChildHandle*>(closed->data);
    ::close(closed_handle->pidfd);
    delete closed_handle;
  });
  if (handle->ended != nullptr) *handle->ended = true;
  if (handle->sink == nullptr) return;  // destroyed while it ran; there may be no loop any more
  Loop& loop = *handle->loop;
  handle->sink->child_ended(exit_status(status));
  loop.run_ready();
}

// Watches a process that runs, or undoes its start.
ChildHandle* watch_process(uv_loop_t* uv_loop, int pid, const std::string& program) {
  auto handle = std::make_unique<ChildHandle>();
  handle->poll.data = handle.get();
  handle->pid = pid;
  handle->pidfd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));  // closed on exec, always
  int code = handle->pidfd < 0 ? -errno : uv_poll_init(uv_loop, &handle->poll, handle->pidfd);
  if (code == 0) {
    code = uv_poll_start(&handle->poll, UV_READABLE, on_ended);
    CORACLE_CHECK(code == 0, "a handle that was made can be polled");
    return handle.release();
  }
  if (handle->pidfd >= 0) ::close(handle->pidfd);
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
  throw Error(code, "watch process", program);
}

}  // namespace

std::unique_ptr<Child> UvBackEnd::spawn_child(const ProcessOptions& options, ChildSink& sink,
                                              ChildPipes& pipes) {
  StartedProcess started = start_process(options);
  ChildHandle* handle = watch_process(&uv_loop_, started.pid, options.program);
  handle->loop = loop_;
  auto child = std::make_unique<UvChild>(handle);
  const auto make_end = [&](Descriptor& end, PipeDirection direction, const char* stream) {
    if (end.number() < 0) return std::unique_ptr<PipeEnd>();
    return own_pipe_end(&uv_loop_, *loop_, end.release(), direction, stream + options.program);
  };
  pipes.input = make_end(started.streams[0], PipeDirection::writing, "input of ");
  pipes.output = make_end(started.streams[1], PipeDirection::reading, "output of ");
  pipes.error = make_end(started.streams[2], PipeDirection::reading, "error output of ");
  handle->sink = &sink;
  return child;
}

#else

std::unique_ptr<Child> UvBackEnd::spawn_child(const ProcessOptions& options, ChildSink& /*sink*/,
                                              ChildPipes& /*pipes*/) {
  throw Error(ENOSYS, "start", options.program);
}

#endif

std::string UvBackEnd::program_path() {
  std::string path(4096, '\0');
  std::size_t bytes = path.size();
  throw_on_error(uv_exepath(path.data(), &bytes), "find", "this program");
  path.resize(bytes);
  return path;
}

}  // namespace coracle::uv

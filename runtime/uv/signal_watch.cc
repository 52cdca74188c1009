#include <string>

#include "runtime/uv/uv_back_end.h"

namespace coracle::uv {
namespace {

// The handle outlives the watch until libuv has closed it.
struct SignalHandle {
  uv_signal_t handle{};
  SignalSink* sink = nullptr;
  Loop* loop = nullptr;
};

class UvSignalWatch final : public SignalWatch {
 public:
  explicit UvSignalWatch(SignalHandle* signal) : signal_(signal) {}
  ~UvSignalWatch() override {
    signal_->sink = nullptr;
    uv_close(reinterpret_cast<uv_handle_t*>(&signal_->handle),
             [](uv_handle_t* handle) { delete static_cast<SignalHandle*>(handle->data); });
  }

 private:
  SignalHandle* signal_;
};

}  // namespace

std::unique_ptr<SignalWatch> UvBackEnd::watch_signal(int number, SignalSink& sink) {
  auto* signal = new SignalHandle;
  signal->handle.data = signal;
  signal->sink = &sink;
  signal->loop = loop_;
  uv_signal_init(&uv_loop_, &signal->handle);  // fails only where a process has no signals at all
  auto watch = std::make_unique<UvSignalWatch>(signal);
  const int code = uv_signal_start(
      &signal->handle,
      [](uv_signal_t* handle, int arrived) {
        auto* self = static_cast<SignalHandle*>(handle->data);
        Loop& loop = *self->loop;
        if (self->sink != nullptr) self->sink->signaled(arrived);
        loop.run_ready();
      },
      number);
  throw_on_error(code, "watch signal", std::to_string(number));
  return watch;
}

}  // namespace coracle::uv

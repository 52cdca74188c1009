// Blocking requests and file operations on libuv's pool of threads.
#include <unistd.h>

#include <atomic>
#include <memory>

#include "runtime/file_request.h"
#include "runtime/request.h"
#include "runtime/uv/perform_file.h"
#include "runtime/uv/uv_back_end.h"

namespace coracle::uv {
namespace {

// Outlives the request if that was abandoned: libuv needs it until its last callback.
struct Ticket {
  uv_work_t work{};
  Loop* loop = nullptr;
  Request* request = nullptr;
  void (*perform)(Request&) = nullptr;
  std::atomic<bool> performed = false;
};

void on_pool(uv_work_t* work) {
  auto* ticket = static_cast<Ticket*>(work->data);
  ticket->perform(*ticket->request);
  ticket->performed.store(true, std::memory_order_release);
  ticket->performed.notify_one();
}

void after_pool(uv_work_t* work, int status) {
  const std::unique_ptr<Ticket> ticket(static_cast<Ticket*>(work->data));
  if (ticket->request == nullptr) return;
  ticket->request->ticket = nullptr;
  ticket->request->ended(/*ran=*/status != UV_ECANCELED);
  ticket->loop->run_ready();
}

}  // namespace

void UvBackEnd::queue(Request& request, void (*perform)(Request&)) {
  auto ticket = std::make_unique<Ticket>();
  ticket->work.data = ticket.get();
  ticket->loop = loop_;
  ticket->request = &request;
  ticket->perform = perform;
  request.ticket = ticket.get();
  throw_on_error(uv_queue_work(&uv_loop_, &ticket->work, on_pool, after_pool), "queue work");
  static_cast<void>(ticket.release());  // after_pool() has it now
}

void UvBackEnd::perform_blocking(BlockingRequest& request) {
  queue(request, [](Request& queued) { static_cast<BlockingRequest&>(queued).perform(); });
}

void UvBackEnd::perform_file(FileRequest& request) {
  queue(request, [](Request& queued) {
    auto& file_request = static_cast<FileRequest&>(queued);
    do {
      file_request.result = uv::perform_file(file_request.call);
    } while (file_request.goes_on());
  });
}

void UvBackEnd::cancel(Request& request) {
  auto* ticket = static_cast<Ticket*>(request.ticket);
  uv_cancel(reinterpret_cast<uv_req_t*>(&ticket->work));  // refused once it has begun
}

bool UvBackEnd::abandon(Request& request) {
  auto* ticket = static_cast<Ticket*>(request.ticket);
  const bool begun = uv_cancel(reinterpret_cast<uv_req_t*>(&ticket->work)) != 0;
  if (begun) ticket->performed.wait(false, std::memory_order_acquire);
  ticket->request = nullptr;
  return begun;
}

void UvBackEnd::close_file(int descriptor) noexcept { ::close(descriptor); }

}  // namespace coracle::uv

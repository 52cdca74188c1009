#include "runtime/sim/pool_work.h"

#include "runtime/loop.h"
#include "runtime/sim/sim_process.h"
#include "runtime/sim/simulation.h"

namespace coracle::sim {
namespace {

// What a call takes that a program hands to run_blocking().
constexpr Delay kBlockingDelay{.min = std::chrono::microseconds(20),
                               .max = std::chrono::milliseconds(2)};

}  // namespace

PoolWork::PoolWork(SimBackEnd& back_end, FileRequest& request)
    : back_end_(back_end), request_(request), file_(&request) {
  request.ticket = this;
}

PoolWork::PoolWork(SimBackEnd& back_end, BlockingRequest& request)
    : back_end_(back_end), request_(request), blocking_(&request) {
  request.ticket = this;
}

PoolWork::~PoolWork() {
  if (gone_ != nullptr) *gone_ = true;
  back_end_.host().world().agenda().cancel(*this);
  back_end_.withdraw(*this);
}

bool PoolWork::begin() {
  bool gone = false;
  gone_ = &gone;
  phase_ = Phase::begun;
  Host& host = back_end_.host();
  Simulation& world = host.world();
  const Duration takes =
      file_ != nullptr ? host.disk().begin(file_->call) : kBlockingDelay.draw(world.random());
  if (gone) return false;
  gone_ = nullptr;
  held_ = file_ != nullptr && takes == Disk::kHeld;
  if (!held_) world.agenda().plan(*this, deadline_after(world.now(), takes));
  return true;
}

void PoolWork::release() {
  held_ = false;
  Simulation& world = back_end_.host().world();
  world.agenda().plan(*this, world.now());
}

// A thread that works for a process that is paused is paused, too; the kernel, which does what was
// asked of the disk, is not.
void PoolWork::expired() {
  if (file_ != nullptr && back_end_.host().disk().held()) {
    held_ = true;
    return;
  }
  if (file_ != nullptr) {
    file_->result = back_end_.host().disk().perform(file_->call, back_end_.process().pid());
    trace_file(file_->result);
    if (file_->goes_on()) {
      static_cast<void>(begin());
      return;
    }
  }
  phase_ = Phase::performed;
  back_end_.post(*this);
  back_end_.begin_queued();
}

void PoolWork::cancel() {
  phase_ = Phase::canceled;
  back_end_.post(*this);
}

void PoolWork::arrived() {
  const bool ran = phase_ == Phase::performed;
  if (ran && blocking_ != nullptr) {
    const NoCurrentLoop none;  // as on a thread of its own
    blocking_->perform();
  }
  const std::unique_ptr<PoolWork> self = back_end_.take(*this);
  request_.ticket = nullptr;
  request_.ended(ran);
}

bool PoolWork::abandon() {
  const std::unique_ptr<PoolWork> self = back_end_.take(*this);
  request_.ticket = nullptr;
  if (phase_ == Phase::performed) return file_ != nullptr;
  if (phase_ == Phase::begun && file_ != nullptr) {
    back_end_.host().disk().interrupt(file_->call, back_end_.process().pid());
    back_end_.host().trace("interrupted_file", {{"action", to_string(file_->call.action)}});
  }
  return false;
}

void PoolWork::trace_file(const FileResult& result) {
  const FileCall& call = file_->call;
  back_end_.host().trace("file", {{"action", to_string(call.action)},
                                  {"path", call.path == nullptr ? std::string_view() : *call.path},
                                  {"offset", static_cast<std::int64_t>(call.offset)},
                                  {"error", result.error},
                                  {"value", result.value}});
}

}  // namespace coracle::sim

// A request on its way through a simulated process's pool of threads. Mechanism of SimBackEnd.
#pragma once

#include <cstdint>

#include "runtime/file_request.h"
#include "runtime/request.h"
#include "runtime/sim/agenda.h"
#include "runtime/sim/sim_back_end.h"

namespace coracle::sim {

// Waits for a thread, takes its time, has its effect, and is reported by the next poll.
class PoolWork final : private Happening, private Notice {
 public:
  PoolWork(SimBackEnd& back_end, FileRequest& request);
  PoolWork(SimBackEnd& back_end, BlockingRequest& request);
  PoolWork(const PoolWork&) = delete;
  PoolWork& operator=(const PoolWork&) = delete;
  ~PoolWork();

  [[nodiscard]] bool queued() const { return phase_ == Phase::queued; }
  // Holds a thread: has begun, and not ended.
  [[nodiscard]] bool in_progress() const { return phase_ == Phase::begun; }
  //   Returns    false if an observer of the disk crashed the machine: then there is neither this
  //              nor its back end any more.
  [[nodiscard]] bool begin();
  // It has not begun, and never will: reported by the next poll.
  void cancel();
  // Its process dies.
  //   Returns    whether it had its effect, and the request its result.
  bool abandon();
  // Its time has come, but the disk hangs: it goes on when that does.
  [[nodiscard]] bool held() const { return held_; }
  void release();

 private:
  enum class Phase : std::uint8_t { queued, begun, performed, canceled };

  void expired() override;
  void arrived() override;
  void perform();
  void trace_file(const FileResult& result);

  SimBackEnd& back_end_;
  Request& request_;
  FileRequest* file_ = nullptr;  // one of these two is what `request_` is
  BlockingRequest* blocking_ = nullptr;
  Phase phase_ = Phase::queued;
  bool held_ = false;
  bool* gone_ = nullptr;  // to be told of its end
};

}  // namespace coracle::sim

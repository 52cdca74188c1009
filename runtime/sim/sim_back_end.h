// The runtime on a simulated world: the other implementation of back_end.h. Included by runtime/sim
// and net/sim only.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "runtime/back_end.h"
#include "runtime/time.h"

namespace coracle::sim {

class Host;
class PoolWork;
class SimProcess;
class SimSignalWatch;

// Something that a process is told of at its next poll: a socket has become readable, a file
// operation has ended. Lives where it is waited for.
class Notice {
 public:
  Notice() = default;
  Notice(const Notice&) = delete;
  Notice& operator=(const Notice&) = delete;

  [[nodiscard]] bool posted() const { return posted_; }

 protected:
  ~Notice() = default;

 private:
  friend class SimBackEnd;

  // Called once for each post(), in a poll, on the process's loop. Completes operations; whoever
  // that makes ready is run when it returns.
  virtual void arrived() = 0;

  bool posted_ = false;
};

class SimBackEnd final : public BackEnd {
 public:
  explicit SimBackEnd(SimProcess& process);
  ~SimBackEnd() override;

  [[nodiscard]] SimProcess& process() const { return process_; }
  [[nodiscard]] Host& host() const;

  // Has `notice.arrived()` called by the next poll; nothing happens if it is posted already. What
  // is posted when a poll begins is taken in an order that the seed decides.
  void post(Notice& notice);
  // Takes a notice back; nothing happens if it is not posted.
  void withdraw(Notice& notice);
  // Returns    whether a poll would find something.
  [[nodiscard]] bool has_posted() const { return !posted_.empty(); }

  // The disk hangs no more: what waited for it ends.
  void release_file_work();

  // A signal arrives: whoever watches it is told by the next poll; if nobody does, it has its
  // default action.
  void signal(int number);

  void serve(Loop& loop) override { loop_ = &loop; }
  void poll(TimePoint earliest, bool may_wait) override;
  [[nodiscard]] TimePoint now() override;
  [[nodiscard]] WallTime wall_time() override;
  [[nodiscard]] Duration rough_time() override;
  void wake() override { post(mail_); }
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
  friend class PoolWork;
  friend class SimSignalWatch;

  // Calls a function of the back end in a poll.
  class Call final : public Notice {
   public:
    Call(SimBackEnd& back_end, void (SimBackEnd::*function)())
        : back_end_(back_end), function_(function) {}

   private:
    void arrived() override { (back_end_.*function_)(); }

    SimBackEnd& back_end_;
    void (SimBackEnd::*function_)();
  };

  void run_posted();
  void deliver_signals();

  void queue(std::unique_ptr<PoolWork> work);
  void begin_queued();
  std::unique_ptr<PoolWork> take(PoolWork& work);

  SimProcess& process_;
  Loop* loop_ = nullptr;
  std::vector<Notice*> posted_;
  Call mail_{*this, &SimBackEnd::run_posted};
  std::set<int> signals_;  // that have arrived
  Call signals_arrived_{*this, &SimBackEnd::deliver_signals};
  std::vector<std::unique_ptr<PoolWork>> pool_;  // queued and begun, in the order of asking
  std::multimap<int, SimSignalWatch*> watches_;
};

}  // namespace coracle::sim

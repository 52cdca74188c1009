// One server of the demo: a process of its own, with a port and a data directory.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "apps/demo_log.h"
#include "apps/server_status.h"
#include "net/address.h"
#include "runtime/condition.h"
#include "runtime/event.h"
#include "runtime/process.h"
#include "runtime/task.h"
#include "runtime/task_group.h"

namespace coracle::demo {

class DemoServer {
 public:
  enum class State : std::uint8_t { up, down, paused };

  // `program` is the path of `coracle`, `arguments` are those of `coracle serve` for this server.
  // `news` is notified whenever the process says something, or ends.
  //   Borrows    `log` and `news` for its own life.
  DemoServer(std::uint64_t id, const net::Address& address, std::string program,
             std::vector<std::string> arguments, DemoLog& log, Condition& news)
      : id_(id),
        address_(address),
        program_(std::move(program)),
        arguments_(std::move(arguments)),
        log_(log),
        news_(news) {}
  DemoServer(const DemoServer&) = delete;
  DemoServer& operator=(const DemoServer&) = delete;

  [[nodiscard]] std::uint64_t id() const { return id_; }
  [[nodiscard]] const net::Address& address() const { return address_; }
  [[nodiscard]] State state() const { return state_; }

  // Starts the process, and in `group` a task that shows what it logs until it ends.
  //   Throws     Error when there can be no process.
  //   Requires   state() == down; a group that ends before this server.
  void start(TaskGroup& group);

  // SIGKILL; returns once the process is gone.
  //   Requires   state() != down.
  [[nodiscard]] Task<> kill();

  // The same once the group has ended that the server was started in; does nothing if it is down.
  [[nodiscard]] Task<> bury();

  // SIGSTOP and SIGCONT.
  //   Requires   state() == up, respectively paused.
  void pause();
  void resume();

  // Returns    `node=1 pid=123 state=up`, without what only the server knows.
  [[nodiscard]] std::string describe() const;

  // Asks the process.
  //   Returns    nothing if it is not up, or does not answer.
  [[nodiscard]] Task<std::optional<ServerStatus>> status();

 private:
  [[nodiscard]] Task<> watch();

  std::uint64_t id_;
  net::Address address_;
  std::string program_;
  std::vector<std::string> arguments_;
  DemoLog& log_;
  Condition& news_;
  State state_ = State::down;
  bool killed_ = false;
  std::optional<Process> process_;
  Event ended_;
};

}  // namespace coracle::demo

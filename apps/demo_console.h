// Carries out the demo's commands, one after the other, and prints an answer to each.
#pragma once

#include <string_view>

#include "apps/demo_cluster.h"
#include "apps/demo_command.h"
#include "apps/demo_log.h"
#include "apps/map_client.h"
#include "runtime/task.h"
#include "runtime/task_group.h"

namespace coracle::demo {

class DemoConsole {
 public:
  // Starts servers in `group`.
  //   Borrows    everything for its own life.
  DemoConsole(DemoCluster& cluster, DemoLog& log, TaskGroup& group);

  // Starts every server.
  void start_all();

  // Reads commands from standard input until `quit` or its end.
  [[nodiscard]] Task<> read_commands();

  // Carries out one line.
  //   Returns    false after `quit`.
  [[nodiscard]] Task<bool> execute(std::string_view line);

 private:
  [[nodiscard]] Task<> carry_out(ShowStatus command);
  [[nodiscard]] Task<> carry_out(WaitLeader command);
  [[nodiscard]] Task<> carry_out(KillServer command);
  [[nodiscard]] Task<> carry_out(StartServer command);
  [[nodiscard]] Task<> carry_out(PauseServer command);
  [[nodiscard]] Task<> carry_out(ResumeServer command);
  [[nodiscard]] Task<> carry_out(ShowTasks command);
  [[nodiscard]] Task<> carry_out(SetKey command);
  [[nodiscard]] Task<> carry_out(GetKey command);
  [[nodiscard]] Task<> carry_out(DumpMap command);
  [[nodiscard]] Task<> carry_out(SetLog command);
  [[nodiscard]] Task<> carry_out(ShowHelp command);
  [[nodiscard]] Task<> carry_out(Quit command);
  [[nodiscard]] Task<> carry_out(Misunderstood command);

  // Returns the server that is meant; says why there is none, and returns nullptr.
  [[nodiscard]] Task<DemoServer*> find(WhichServer which);
  // Answers with the server's state; used after it was changed, or when it is the wrong one.
  static void show(const DemoServer& server, std::string_view note = {});

  DemoCluster& cluster_;
  DemoLog& log_;
  TaskGroup& group_;
  MapClient client_;
  bool quit_ = false;
};

}  // namespace coracle::demo

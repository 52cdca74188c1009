// The story that a replicated log has to live through, told with real processes and kill -9: a
// leader dies, another is elected, has everything, goes on; the dead come back and catch up; twice.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "apps/demo_cluster.h"
#include "apps/map_client.h"
#include "runtime/task.h"
#include "runtime/task_group.h"

namespace coracle::demo {

class TenSteps {
 public:
  // `cluster` has three servers, none of which has ever run. They are started in `group`.
  //   Borrows    both for its own life.
  TenSteps(DemoCluster& cluster, TaskGroup& group);

  // Plays the steps, and prints of each what is done, what is seen, and PASS or FAIL. The first
  // that fails is the last.
  //   Returns    whether all passed.
  [[nodiscard]] Task<bool> play();

 private:
  Task<> commit_without_the_third();
  Task<> kill_the_first_leader();
  Task<> elect_one_of_two();
  Task<> read_from_the_new_leader();
  Task<> replicate_to_the_follower();
  Task<> restart_the_first_leader();
  Task<> kill_the_second_leader();
  Task<> elect_again();
  Task<> replicate_again();
  Task<> restart_the_second_leader();

  // Each sees something within a while, and says what, or fails the step.
  Task<> see_leader();
  Task<> see_follower(DemoServer& server);
  Task<> see_held(DemoServer& server);
  Task<> see_read_through(DemoServer& server);

  Task<> write(std::string key, std::string value);
  Task<> append(std::string key, std::string value);
  Task<> kill_leader();
  Task<> restart_killed();
  [[nodiscard]] DemoServer& leader() const { return *cluster_.find(leader_.leader); }
  [[nodiscard]] DemoServer& other_that_is_up() const;

  DemoCluster& cluster_;
  TaskGroup& group_;
  MapClient client_;
  MapPairs written_;  // what was acknowledged
  LeaderView leader_;
  std::uint64_t killed_ = 0;
};

}  // namespace coracle::demo

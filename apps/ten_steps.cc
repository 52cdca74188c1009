#include "apps/ten_steps.h"

#include <spdlog/fmt/fmt.h>

#include <array>
#include <stdexcept>

#include "apps/map_text.h"
#include "runtime/sleep.h"
#include "runtime/timeout.h"

namespace coracle::demo {
namespace {

using namespace std::chrono_literals;

// Far more than anything here takes, however slow the machine is.
constexpr Duration kPatience = 10s;
constexpr Duration kLookAgain = 20ms;
constexpr Duration kAnswerTimeout = 1s;

class StepFailed final : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

void say(std::string_view text) { DemoLog::answer(fmt::format("         {}", text)); }

// Looks at a server's status until it is as wanted; `seen` is the last one.
template <class Wanted>
Task<> look_until(DemoServer& server, Wanted wanted, ServerStatus& seen) {
  for (;;) {
    const std::optional<ServerStatus> status = co_await server.status();
    if (status) seen = *status;
    if (status && wanted(*status)) co_return;
    co_await sleep_for(kLookAgain);
  }
}

Task<> look_until_held(net::Address server, const MapPairs& wanted, std::string& seen) {
  for (;;) {
    try {
      const MapPairs held = co_await ask_held(server, kAnswerTimeout);
      if (held == wanted) co_return;
      seen = map_in_a_line(held);
    } catch (const Error& error) {
      seen = error.what();
    }
    co_await sleep_for(kLookAgain);
  }
}

}  // namespace

TenSteps::TenSteps(DemoCluster& cluster, TaskGroup& group)
    : cluster_(cluster), group_(group), client_(cluster.addresses()) {}

Task<bool> TenSteps::play() {
  struct Step {
    std::string_view title;
    Task<> (TenSteps::*act)();
  };
  static constexpr std::array<Step, 10> kSteps = {{
      {"Servers 1 and 2 commit commands; server 3 starts with an empty log.",
       &TenSteps::commit_without_the_third},
      {"Once server 3 hears its heartbeats, the leader is killed.",
       &TenSteps::kill_the_first_leader},
      {"The two others elect one of themselves.", &TenSteps::elect_one_of_two},
      {"A client reads from the new leader, and sees everything.",
       &TenSteps::read_from_the_new_leader},
      {"Writes to the new leader are replicated on its follower.",
       &TenSteps::replicate_to_the_follower},
      {"The old leader starts again, follows, and catches up on what it missed.",
       &TenSteps::restart_the_first_leader},
      {"The leader is killed.", &TenSteps::kill_the_second_leader},
      {"The others elect again.", &TenSteps::elect_again},
      {"A write is replicated on the follower.", &TenSteps::replicate_again},
      {"The server that is down starts again, and catches up.",
       &TenSteps::restart_the_second_leader},
  }};
  int number = 0;
  for (const Step& step : kSteps) {
    DemoLog::answer(fmt::format("step {:2}  {}", ++number, step.title));
    std::string failure;
    try {
      co_await (this->*step.act)();
    } catch (const std::runtime_error& error) {  // an Error, or what a step did not see
      failure = error.what();
    }
    if (!failure.empty()) {
      DemoLog::answer(fmt::format("step {:2}  FAIL: {}", number, failure));
      co_return false;
    }
    DemoLog::answer(fmt::format("step {:2}  PASS", number));
  }
  co_return true;
}

// ---- The steps ----

Task<> TenSteps::commit_without_the_third() {
  say("(There are no membership changes yet, so all three are members from the beginning.)");
  cluster_.find(1)->start(group_);
  cluster_.find(2)->start(group_);
  co_await see_leader();
  co_await write("color", "red");
  co_await write("shape", "circle");
  co_await append("story", "once");
  co_await append("story", "-upon");
  co_await write("color", "blue");
  co_await see_held(leader());
  cluster_.find(3)->start(group_);
  say("started node=3, which has never run");
}

Task<> TenSteps::kill_the_first_leader() {
  co_await see_follower(*cluster_.find(3));
  co_await kill_leader();
}

Task<> TenSteps::elect_one_of_two() { co_await see_leader(); }

Task<> TenSteps::read_from_the_new_leader() { co_await see_read_through(leader()); }

Task<> TenSteps::replicate_to_the_follower() {
  co_await write("color", "green");
  co_await append("story", "-a-time");
  const raft::MapResult swapped = co_await client_.compare_and_set("shape", "circle", "square");
  if (!swapped.done) throw StepFailed("shape was not circle any more");
  written_["shape"] = "square";
  say("wrote shape=square, if it is circle");
  co_await see_held(leader());
  co_await see_held(other_that_is_up());
}

Task<> TenSteps::restart_the_first_leader() { co_await restart_killed(); }

Task<> TenSteps::kill_the_second_leader() { co_await kill_leader(); }

Task<> TenSteps::elect_again() {
  co_await see_leader();
  co_await see_read_through(leader());
}

Task<> TenSteps::replicate_again() {
  co_await write("size", "large");
  co_await append("story", "-the-end");
  co_await see_held(other_that_is_up());
}

Task<> TenSteps::restart_the_second_leader() {
  co_await restart_killed();
  for (const auto& server : cluster_.servers()) co_await see_held(*server);
}

// ---- Seeing ----

Task<> TenSteps::see_leader() {
  const LeaderView before = leader_;
  const std::optional<LeaderView> elected = co_await cluster_.wait_leader(kPatience);
  if (!elected) throw StepFailed("no leader was elected");
  if (elected->term <= before.term) throw StepFailed("the new leader's term is no later one");
  leader_ = *elected;
  ServerStatus seen;
  const auto leads = [](const ServerStatus& status) { return status.role == "leader"; };
  const bool in_time = co_await within(kPatience, look_until(leader(), leads, seen));
  say("elected " + describe_all(seen));
  if (!in_time) throw StepFailed(fmt::format("node={} does not lead any more", leader().id()));
}

Task<> TenSteps::see_follower(DemoServer& server) {
  ServerStatus seen;
  const auto follows = [](const ServerStatus& status) {
    return status.role == "follower" && status.leader != 0;
  };
  const bool in_time = co_await within(kPatience, look_until(server, follows, seen));
  say("saw     " + describe_all(seen));
  if (!in_time) throw StepFailed(fmt::format("node={} follows no leader", server.id()));
}

Task<> TenSteps::see_held(DemoServer& server) {
  std::string held = "nothing";
  const bool in_time =
      co_await within(kPatience, look_until_held(server.address(), written_, held));
  if (!in_time) {
    throw StepFailed(
        fmt::format("node={} holds {}, and not {}", server.id(), held, map_in_a_line(written_)));
  }
  say(fmt::format("node={} holds {}", server.id(), map_in_a_line(written_)));
}

Task<> TenSteps::see_read_through(DemoServer& server) {
  MapClient reader({server.address()});
  const MapPairs read = co_await reader.dump();
  say(fmt::format("read through node={}: {}", server.id(), map_in_a_line(read)));
  if (read != written_) throw StepFailed("what was written is " + map_in_a_line(written_));
}

// ---- Doing ----

Task<> TenSteps::write(std::string key, std::string value) {
  co_await client_.put(key, value);
  say(fmt::format("wrote {}={}", key, value));
  written_[key] = value;
}

Task<> TenSteps::append(std::string key, std::string value) {
  co_await client_.append(key, value);
  say(fmt::format("appended {} to {}", value, key));
  written_[key] += value;
}

// On a slow machine the leader may be another by now.
Task<> TenSteps::kill_leader() {
  const std::optional<LeaderView> now_leading = co_await cluster_.wait_leader(kPatience);
  if (!now_leading) throw StepFailed("there is no leader");
  leader_ = *now_leading;
  co_await leader().kill();
  killed_ = leader_.leader;
  say(fmt::format("kill -9 node={}", killed_));
}

Task<> TenSteps::restart_killed() {
  DemoServer& server = *cluster_.find(killed_);
  server.start(group_);
  say(fmt::format("started node={}", killed_));
  co_await see_follower(server);
  co_await see_held(server);
}

DemoServer& TenSteps::other_that_is_up() const {
  for (const auto& server : cluster_.servers()) {
    const bool is_up = server->state() == DemoServer::State::up;
    if (is_up && server->id() != leader_.leader) return *server;
  }
  throw StepFailed("there is no follower");
}

}  // namespace coracle::demo

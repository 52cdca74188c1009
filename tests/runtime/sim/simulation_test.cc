// Virtual time, order, and what a world says when it cannot go on.
#include "runtime/sim/simulation.h"

#include <gtest/gtest.h>

#include <chrono>
#include <set>
#include <string>
#include <vector>

#include "runtime/event.h"
#include "runtime/sleep.h"
#include "runtime/task_group.h"

namespace coracle {
namespace {

using namespace std::chrono_literals;

Task<> set_after(Duration span, bool& done) {
  co_await sleep_for(span);
  done = true;
}

TEST(Simulation, WakesASleeperAtItsDeadlineAndNotBefore) {
  sim::Simulation world(/*seed=*/1);
  bool done = false;
  world.add_host("a").start(set_after, 50ms, std::ref(done));
  world.run_for(49ms);
  EXPECT_FALSE(done);
  world.run_for(1ms);
  EXPECT_TRUE(done);
  EXPECT_EQ(world.now().time_since_epoch(), 50ms);
}

TEST(Simulation, LetsTimePassInWhichNothingHappens) {
  sim::Simulation world(1);
  world.run_for(10h);
  EXPECT_EQ(world.now().time_since_epoch(), 10h);
}

TEST(Simulation, RunsUntilSomethingHolds) {
  sim::Simulation world(1);
  bool done = false;
  world.add_host("a").start(set_after, 5s, std::ref(done));
  EXPECT_FALSE(world.run_until([&] { return done; }, 4s));
  EXPECT_EQ(world.now().time_since_epoch(), 4s);
  EXPECT_TRUE(world.run_until([&] { return done; }, 4s));
  EXPECT_EQ(world.now().time_since_epoch(), 5s) << "and no further";
  EXPECT_FALSE(world.run_until([] { return false; }, 1h)) << "nothing is going to happen any more";
  EXPECT_EQ(world.now().time_since_epoch(), 5s);
}

TEST(Simulation, DoesWhatWasPlannedOutsideOfHosts) {
  sim::Simulation world(1);
  std::vector<Duration> times;
  const auto note = [&] {
    EXPECT_EQ(Loop::current_or_null(), nullptr);
    times.push_back(world.now().time_since_epoch());
  };
  world.at(TimePoint(3s), note);
  world.at(TimePoint(1s), [&] {
    note();
    world.at(world.now() + 1s, note);
  });
  world.run_for(2500ms);
  EXPECT_EQ(times, (std::vector<Duration>{1s, 2s}));
  world.run_for(1s);
  EXPECT_EQ(times.size(), 3U);
}

Task<> wait_for(Event& event) { co_await event.wait(); }

TEST(Simulation, RunsToTheEndOfAllProcesses) {
  sim::Simulation world(1);
  bool a = false;
  bool b = false;
  world.add_host("a").start(set_after, 5s, std::ref(a));
  world.add_host("b").start(set_after, 1h, std::ref(b));
  world.run();
  EXPECT_TRUE(a && b);
}

// What a test that hangs would not say.
TEST(Simulation, ReportsADeadlockWithTheTree) {
  Event never;  // before the world, because its fibers end with that
  sim::Simulation world(1);
  world.add_host("stuck").start(wait_for, std::ref(never));
  try {
    world.run();
    FAIL() << "it cannot end";
  } catch (const sim::Deadlock& deadlock) {
    const std::string text = deadlock.what();
    EXPECT_NE(text.find("host stuck:\nmain (waits for an event)"), std::string::npos) << text;
    EXPECT_NE(text.find("simulation_test.cc:"), std::string::npos) << text;
  }
}

Task<> spin() {
  for (;;) co_await yield();
}

TEST(Simulation, ReportsALivelock) {
  sim::Simulation world(1);
  world.add_host("busy").start(spin);
  try {
    world.run_for(1ns);
    FAIL() << "time cannot pass";
  } catch (const sim::Livelock& livelock) {
    const std::string text = livelock.what();
    EXPECT_NE(text.find("host busy was resumed a million times"), std::string::npos) << text;
  }
  EXPECT_EQ(world.now().time_since_epoch(), 0s);
}

// ---- Chance ----

struct Drawn {
  std::string order;
  std::uint64_t number = 0;
};

Task<> note_order(std::string name, Drawn& drawn) {
  co_await sleep_for(1s);  // all at one instant
  drawn.order += name;
  drawn.number ^= random().next();
}

std::pair<Drawn, std::uint64_t> run_seed(std::uint64_t seed) {
  sim::Simulation world(seed);
  Drawn drawn;
  for (const std::string name : {"a", "b", "c", "d", "e", "f"}) {
    world.add_host(name).start(note_order, name, std::ref(drawn));
  }
  world.run();
  return {drawn, world.trace_hash()};
}

TEST(Simulation, IsDecidedByItsSeed) {
  std::set<std::string> orders;
  std::set<std::uint64_t> hashes;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    const auto [drawn, hash] = run_seed(seed);
    const auto [again, hash_again] = run_seed(seed);
    EXPECT_EQ(drawn.order, again.order);
    EXPECT_EQ(drawn.number, again.number);
    EXPECT_EQ(hash, hash_again);
    orders.insert(drawn.order);
    hashes.insert(hash);
  }
  EXPECT_GT(orders.size(), 40U) << "hosts take turns in every order";
  EXPECT_GT(hashes.size(), 40U);
}

// Two worlds side by side do not see each other.
TEST(Simulation, HasCompanyThatItDoesNotSee) {
  sim::Simulation one(7);
  sim::Simulation two(7);
  Drawn first;
  Drawn second;
  for (const std::string name : {"a", "b", "c"}) {
    one.add_host(name).start(note_order, name, std::ref(first));
    two.add_host(name).start(note_order, name, std::ref(second));
  }
  while (one.step()) two.step();
  EXPECT_EQ(first.order, second.order);
  EXPECT_EQ(first.number, second.number);
  EXPECT_EQ(one.trace_hash(), two.trace_hash());
}

}  // namespace
}  // namespace coracle

// A simulated world: hosts that run ordinary Coracle programs on virtual time, with every chance
// decided by one seed.
//
//   sim::Simulation world(seed);
//   sim::Host& a = world.add_host("a");
//   a.start(server_main, 7000);               // what production gives to run()
//   world.run_for(10s);
//   a.crash();
//   a.restart();
//   const bool served = world.run_until([&] { return clients_done; }, 30s);
//   world.trace_hash();                       // equal for equal seeds
//
// Time passes only when everybody waits: it jumps to the next thing that happens. Nothing here
// blocks, and nothing outside can be seen by the programs, which run the same object code as in
// production.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/random.h"
#include "runtime/sim/agenda.h"
#include "runtime/sim/host.h"
#include "runtime/sim/program.h"
#include "runtime/sim/trace.h"
#include "runtime/time.h"

namespace coracle {
class Loop;
}

namespace coracle::sim {

// Every fiber waits, and nothing is going to happen any more: says so, with the tree of tasks of
// every host.
class Deadlock : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

// A host was resumed a million times at one instant: it waits for something by trying again and
// again. Says who, with the tree of its tasks.
class Livelock : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

// One world, on one thread. Several may exist, one after the other or side by side.
class Simulation {
 public:
  explicit Simulation(std::uint64_t seed);
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;
  // Ends all processes, as a crash does.
  ~Simulation();

  [[nodiscard]] std::uint64_t seed() const { return seed_; }

  // Adds a host that does nothing yet.
  //   Requires   a name that no other host has, without blanks.
  Host& add_host(std::string_view name);
  // Returns    the hosts, in the order in which they were added.
  [[nodiscard]] const std::vector<std::unique_ptr<Host>>& hosts() const { return hosts_; }

  // Adds a program that processes can start as their children (process.h), by its path:
  // `/bin/sort`, or `sort`.
  void add_program(std::string path, Program program);
  [[nodiscard]] const std::map<std::string, Program>& programs() const { return programs_; }

  // ---- Time ----
  // Returns    the world's time, 0 at its beginning. Hosts may see another (Host::set_clock_rate).
  [[nodiscard]] TimePoint now() const { return agenda_.now(); }

  // Runs everything that happens within `span`, its end included, and lets that time pass.
  //   Throws     Livelock.
  void run_for(Duration span);

  // Runs until `holds`, which is asked now and after each thing that happens.
  //   Returns    whether it holds; false once `limit` has passed, or as soon as nothing is going to
  //              happen any more.
  //   Throws     Livelock.
  [[nodiscard]] bool run_until(const std::function<bool()>& holds, Duration limit);

  // Runs until every process has ended.
  //   Throws     Deadlock when they never will; Livelock.
  void run();

  // Lets the next thing happen.
  //   Returns    false if there is none.
  //   Throws     Livelock.
  bool step();

  // Has `action` called at a time of the world, outside of all hosts: to cut a cable, to crash
  // somebody.
  void at(TimePoint when, std::function<void()> action);

  // ---- Seeing ----
  [[nodiscard]] Trace& trace() { return trace_; }
  [[nodiscard]] std::uint64_t trace_hash() const { return trace_.hash(); }
  // Returns    what every task of every host is waiting for, as dump_tasks() prints it.
  [[nodiscard]] std::string tasks() const;

  // The chances of the world itself: faults, delays, order. Programs on hosts have generators of
  // their own, which the seed decides too.
  [[nodiscard]] Random& random() { return random_; }

  // ---- For back ends and those who extend them ----
  [[nodiscard]] Agenda& agenda() { return agenda_; }
  // Has `prepare` called for each process that starts from now on, with its loop as the current
  // one, before any of its code runs: net/ installs its back end so.
  void at_start_of_process(std::function<void(SimProcess&, Loop&)> prepare);
  void prepare(SimProcess& process, Loop& loop);
  // Has `observer` called after each pass of a process, outside of all hosts: to check what must
  // always hold. An empty function ends it.
  void after_pass(std::function<void(SimProcess&)> observer) { after_pass_ = std::move(observer); }
  void passed(SimProcess& process) {
    if (after_pass_) after_pass_(process);
  }

 private:
  class Action;

  const std::uint64_t seed_;
  Random random_;
  Agenda agenda_;
  Trace trace_;
  std::vector<std::function<void(SimProcess&, Loop&)>> preparations_;
  std::function<void(SimProcess&)> after_pass_;
  std::map<std::string, Program> programs_;
  std::vector<std::unique_ptr<Action>> actions_;
  std::vector<std::unique_ptr<Host>> hosts_;
};

}  // namespace coracle::sim

#include "runtime/sim/simulation.h"

#include <algorithm>
#include <sstream>

#include "runtime/check.h"
#include "runtime/dump_tasks.h"
#include "runtime/sim/sim_process.h"

namespace coracle::sim {

// Something that a user of the world planned.
class Simulation::Action final : public Happening {
 public:
  Action(Simulation& world, std::function<void()> act) : world_(world), act_(std::move(act)) {}

 private:
  void expired() override {
    const auto place = std::ranges::find(world_.actions_, this, &std::unique_ptr<Action>::get);
    const std::unique_ptr<Action> self = std::move(*place);
    world_.actions_.erase(place);
    act_();
  }

  Simulation& world_;
  std::function<void()> act_;
};

Simulation::Simulation(std::uint64_t seed) : seed_(seed), random_(seed), agenda_(random_) {}

Simulation::~Simulation() {
  for (const auto& host : hosts_) host->end_all();
  for (const auto& action : actions_) agenda_.cancel(*action);
}

Host& Simulation::add_host(std::string_view name) {
  CORACLE_CHECK(!name.empty() && name.find_first_of(" \t\n=") == std::string_view::npos,
                "a host has a name, without blanks");
  CORACLE_CHECK(std::ranges::find(hosts_, name, &Host::name) == hosts_.end(),
                "every host has a name of its own");
  const auto number = static_cast<std::uint32_t>(hosts_.size() + 1);
  hosts_.push_back(std::make_unique<Host>(*this, name, number));
  return *hosts_.back();
}

void Simulation::add_program(std::string path, Program program) {
  const bool added = programs_.emplace(std::move(path), std::move(program)).second;
  CORACLE_CHECK(added, "every program has a path of its own");
}

void Simulation::run_for(Duration span) {
  const TimePoint end = deadline_after(now(), span);
  while (agenda_.next() <= end) agenda_.step();
  agenda_.pass_until(end);
}

bool Simulation::run_until(const std::function<bool()>& holds, Duration limit) {
  const TimePoint end = deadline_after(now(), limit);
  while (!holds()) {
    if (agenda_.next() == kNever) return false;
    if (agenda_.next() > end) {
      agenda_.pass_until(end);
      return false;
    }
    agenda_.step();
  }
  return true;
}

void Simulation::run() {
  const auto is_alive = [](const auto& host) { return host->running(); };
  while (std::ranges::any_of(hosts_, is_alive)) {
    if (!step()) throw Deadlock("nothing is going to happen, but these wait:\n" + tasks());
  }
}

bool Simulation::step() {
  if (agenda_.next() == kNever) return false;
  agenda_.step();
  return true;
}

void Simulation::at(TimePoint when, std::function<void()> action) {
  actions_.push_back(std::make_unique<Action>(*this, std::move(action)));
  agenda_.plan(*actions_.back(), when);
}

std::string Simulation::tasks() const {
  std::ostringstream text;
  for (const auto& host : hosts_) {
    if (!host->running()) continue;
    text << "host " << host->name() << (host->paused() ? " (paused)" : "") << ":\n";
    const CurrentLoop current(host->process()->loop());
    dump_tasks(text);
  }
  return text.str();
}

void Simulation::at_start_of_process(std::function<void(SimProcess&, Loop&)> prepare) {
  preparations_.push_back(std::move(prepare));
}

void Simulation::prepare(SimProcess& process, Loop& loop) {
  for (const auto& preparation : preparations_) preparation(process, loop);
}

}  // namespace coracle::sim

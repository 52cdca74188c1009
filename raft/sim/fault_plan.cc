#include "raft/sim/fault_plan.h"

#include <algorithm>
#include <array>

#include "runtime/duration_text.h"
#include "runtime/random.h"

namespace coracle::raft::sim {
namespace {

using namespace std::chrono_literals;

constexpr std::array<std::string_view, kFaultKinds> kNames = {
    "crash",       "machine", "pause",    "clock", "partition", "cut",
    "connections", "links",   "messages", "disk",  "flip",      "damage"};

// Draws a plan, step by step.
class Planner {
 public:
  explicit Planner(const RandomSetup& setup) : setup_(setup), random_(setup.seed) {}

  RunPlan draw() {
    RunPlan plan{.seed = setup_.seed,
                 .servers = setup_.servers,
                 .time = setup_.time,
                 .options = draw_options(),
                 .faults = {},
                 .cut_for_good = {}};
    if (setup_.operations_per_second > 0) {
      plan.clients = 2 + random_.below(5);
      plan.operations_per_second = setup_.operations_per_second;
      if (one_in(3)) plan.operations_per_second /= 10;
    }
    if (!setup_.kinds.empty()) draw_faults(plan);
    const bool may_cut = setup_.kinds.contains(FaultKind::cut) && plan.options.pre_vote;
    if (may_cut && setup_.servers > 2 && one_in(4)) draw_partial_partition(plan);
    return plan;
  }

 private:
  bool one_in(std::uint64_t n) { return random_.below(n) == 0; }
  ServerId any_server() { return 1 + random_.below(setup_.servers); }

  Options draw_options() {
    Options options = one_in(6) ? Options::plain() : Options();
    if (one_in(4)) {
      options.timing = {.heartbeat = 100ms, .timeout_min = 300ms, .timeout_max = 1000ms};
    }
    return options;
  }

  void draw_faults(RunPlan& plan) {
    const std::vector<FaultKind> kinds(setup_.kinds.begin(), setup_.kinds.end());
    const Duration pause_max = one_in(2) ? 2s : 8s;  // a wild run, or one with quiet times
    Duration at = random_.between(Duration::zero(), 2s);
    while (at < setup_.time) {
      Fault fault;
      fault.at = at;
      fault.kind = kinds[random_.below(kinds.size())];
      fault.server = any_server();
      fault.variant = random_.next();
      fault.amount = random_.next();
      const bool is_short = one_in(4);
      fault.lasts = random_.between(is_short ? 1ms : 100ms, is_short ? 100ms : 6000ms);
      if (complete(fault)) plan.faults.push_back(std::move(fault));
      at += random_.between(Duration::zero(), pause_max);
    }
  }

  // Returns    false if the fault would be one too many.
  bool complete(Fault& fault) {
    switch (fault.kind) {
      case FaultKind::partition: draw_sides(fault); return true;
      case FaultKind::cut: draw_cables(fault); return true;
      case FaultKind::connections: {
        ServerId other = any_server();
        if (other == fault.server) other = other % setup_.servers + 1;
        if (other != fault.server) fault.cables.emplace_back(fault.server, other);
        return true;
      }
      case FaultKind::flip: return flipped_.insert(fault.server).second;
      case FaultKind::damage: {
        const std::size_t budget = (setup_.servers - 1) / 2;
        if (damaged_.contains(fault.server)) return false;
        if (damaged_.size() == budget) return false;
        damaged_.insert(fault.server);
        return true;
      }
      default: return true;
    }
  }

  void draw_sides(Fault& fault) {
    std::set<ServerId> side;
    for (ServerId id = 1; id <= setup_.servers; ++id) {
      if (one_in(2)) side.insert(id);
    }
    for (ServerId one = 1; one <= setup_.servers; ++one) {
      for (ServerId other = 1; other <= setup_.servers; ++other) {
        if (side.contains(one) != side.contains(other)) fault.cables.emplace_back(one, other);
      }
    }
  }

  void draw_cables(Fault& fault) {
    const bool both_ways = one_in(2);
    for (ServerId one = 1; one <= setup_.servers; ++one) {
      for (ServerId other = one + 1; other <= setup_.servers; ++other) {
        if (!one_in(3)) continue;
        const bool forth = one_in(2);
        if (both_ways || forth) fault.cables.emplace_back(one, other);
        if (both_ways || !forth) fault.cables.emplace_back(other, one);
      }
    }
  }

  // The first majority of a drawn order stays whole; of the other cables some are cut.
  void draw_partial_partition(RunPlan& plan) {
    std::vector<ServerId> order;
    for (ServerId id = 1; id <= setup_.servers; ++id) {
      const auto place = static_cast<std::ptrdiff_t>(random_.below(order.size() + 1));
      order.insert(order.begin() + place, id);
    }
    const std::size_t majority = setup_.servers / 2 + 1;
    for (std::size_t one = majority; one < order.size(); ++one) {
      for (std::size_t other = 0; other < one; ++other) {
        if (one_in(2)) continue;
        plan.cut_for_good.emplace_back(order[one], order[other]);
        plan.cut_for_good.emplace_back(order[other], order[one]);
      }
    }
  }

  const RandomSetup& setup_;
  Random random_;
  std::set<ServerId> flipped_;
  std::set<ServerId> damaged_;
};

std::string in_milliseconds(Duration span) { return print_duration(span - span % Duration(1ms)); }

}  // namespace

std::string_view to_string(FaultKind kind) { return kNames[static_cast<std::size_t>(kind)]; }

std::optional<std::set<FaultKind>> parse_fault_kinds(std::string_view text) {
  std::set<FaultKind> kinds;
  if (text == "none") return kinds;
  for (std::string_view rest = text; !rest.empty();) {
    const std::string_view name = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), name.size() + 1));
    const auto found = std::ranges::find(kNames, name);
    if (found == kNames.end() && text != "all") return std::nullopt;
    if (text != "all") kinds.insert(static_cast<FaultKind>(found - kNames.begin()));
  }
  for (std::size_t kind = 0; text == "all" && kind < kFaultKinds; ++kind) {
    kinds.insert(static_cast<FaultKind>(kind));
  }
  return kinds;
}

std::string print_fault_kinds(const std::set<FaultKind>& kinds) {
  if (kinds.empty()) return "none";
  if (kinds.size() == kFaultKinds) return "all";
  std::string text;
  for (const FaultKind kind : kinds) {
    if (!text.empty()) text += ',';
    text += to_string(kind);
  }
  return text;
}

std::string Fault::to_text() const {
  std::string text =
      in_milliseconds(at) + " " + std::string(to_string(kind)) + " s" + std::to_string(server);
  for (const auto& [from, to] : cables) {
    text += " " + std::to_string(from) + "->" + std::to_string(to);
  }
  return text + " for " + in_milliseconds(lasts);
}

RunPlan draw_plan(const RandomSetup& setup) { return Planner(setup).draw(); }

std::size_t servers_of_seed(std::uint64_t seed) { return 3 + 2 * (seed % 3); }

}  // namespace coracle::raft::sim

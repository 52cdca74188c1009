#include "tests/apps/map_load.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "raft/sim/map_clients.h"
#include "raft/sim/map_verdict.h"
#include "runtime/random.h"
#include "runtime/sleep.h"

namespace coracle::demo {
namespace {

using namespace std::chrono_literals;
using raft::MapCommand;
using raft::sim::ClientOperation;
using raft::sim::kind_of;
using raft::sim::MapValue;
using raft::sim::OperationAnswer;
using raft::sim::OperationKind;
using raft::sim::OperationOutcome;

constexpr std::uint64_t kOperationsOfAPeriod = 300;
constexpr std::uint64_t kKeysOfAPeriod = 4;
constexpr std::uint64_t kReaders = 1000;  // the numbers of those that read in the end
constexpr std::string_view kAppended = "log";

}  // namespace

std::vector<LoadClient> all_manners(const std::vector<net::Address>& servers, Duration pause) {
  constexpr std::size_t kClients = 6;
  std::vector<LoadClient> clients(kClients);
  for (std::size_t i = 0; i < kClients; ++i) {
    LoadClient& client = clients[i];
    client.number = i + 1;
    client.pause = pause;
    client.only_reads = i >= 4;
    for (std::size_t at = 0; at < servers.size(); ++at) {
      client.servers.push_back(servers[(i + at) % servers.size()]);
    }
    client.options.attempt_timeout = i % 2 == 0 ? 300ms : 100ms;
  }
  clients[0].options.timeout = 150ms;
  clients[1].options.session_idle_max = 300ms;
  return clients;
}

// What a client has of its own.
struct MapLoad::Life {
  explicit Life(const LoadClient& who) : setup(who), client(who.servers, who.options) {}

  const LoadClient setup;
  MapClient client;
  std::map<std::string, MapValue> seen;
};

Task<> MapLoad::run(LoadClient client) {
  Life life(client);
  while (!stopped_) {
    co_await sleep_for(random().between(client.pause / 2, client.pause + client.pause / 2));
    co_await operate(life);
  }
}

Task<> MapLoad::operate(Life& life) {
  MapCommand command = draw(life);
  if (life.setup.only_reads) {
    co_await do_read(life, command.key);
  } else if (command.kind == MapCommand::Kind::get && random().chance(0.5)) {
    co_await do_read(life, command.key);
  } else {
    co_await do_write(life, std::move(command));
  }
}

MapCommand MapLoad::draw(Life& life) {
  const std::string period = std::to_string(++drawn_ / kOperationsOfAPeriod);
  const std::string key = "k" + period + "-" + std::to_string(random().below(kKeysOfAPeriod));
  const std::string log = std::string(kAppended) + period;
  const std::string value = std::to_string(drawn_) + ";";
  switch (random().below(10)) {
    case 0: return {.kind = MapCommand::Kind::get, .key = log};
    case 1:
    case 2:
    case 3: return {.kind = MapCommand::Kind::get, .key = key};
    case 4:
    case 5: return {.kind = MapCommand::Kind::put, .key = key, .value = value};
    case 6:
      return {.kind = MapCommand::Kind::compare_and_set,
              .key = key,
              .value = value,
              .expected = life.seen[key]};
    case 7: return {.kind = MapCommand::Kind::remove, .key = key};
    default: return {.kind = MapCommand::Kind::append, .key = log, .value = value};
  }
}

Task<> MapLoad::do_read(Life& life, std::string key) {
  const ClientOperation asked{.client = life.setup.number, .kind = OperationKind::get, .key = key};
  const std::size_t operation = history_.invoke(asked, now());
  try {
    const MapValue found = co_await life.client.get(key);
    history_.complete(operation, {.found = found}, now());
    life.seen[key] = found;
  } catch (const TimedOut&) {
    history_.fail(operation, now());
  }
}

Task<> MapLoad::do_write(Life& life, MapCommand command) {
  const bool swaps = command.kind == MapCommand::Kind::compare_and_set;
  const ClientOperation asked{.client = life.setup.number,
                              .kind = kind_of(command.kind),
                              .key = command.key,
                              .value = command.value,
                              .expected = command.expected};
  const std::size_t operation = history_.invoke(asked, now());
  try {
    const raft::MapResult result = co_await life.client.apply(command);
    OperationAnswer answer{.found = result.found};
    if (swaps) answer.swapped = result.done;
    history_.complete(operation, answer, now());
    life.seen[command.key] = result.found;
  } catch (const MapOutcomeUnknown&) {
    life.seen.erase(command.key);  // and the history leaves it open
  } catch (const TimedOut&) {
    history_.fail(operation, now());
  }
}

// ---- In the end ----

Task<> MapLoad::read_all(std::vector<net::Address> servers) {
  std::map<std::string, bool> keys;
  for (const ClientOperation& operation : history_.operations()) keys[operation.key] = true;
  for (std::size_t i = 0; i < servers.size(); ++i) {
    MapClient client({servers[i]});
    for (const auto& [key, asked_for] : keys) {
      const ClientOperation asked{.client = kReaders + i, .kind = OperationKind::get, .key = key};
      const std::size_t operation = history_.invoke(asked, now());
      const MapValue found = co_await client.get(key);
      history_.complete(operation, {.found = found}, now());
    }
  }
}

std::size_t MapLoad::count(OperationOutcome outcome) const {
  return static_cast<std::size_t>(
      std::ranges::count(history_.operations(), outcome, &ClientOperation::outcome));
}

std::size_t MapLoad::acknowledged_writes(TimePoint since) const {
  const std::vector<ClientOperation>& all = history_.operations();
  const auto first = std::ranges::lower_bound(all, since, {}, &ClientOperation::invoked);
  return static_cast<std::size_t>(std::count_if(first, all.end(), [](const auto& operation) {
    return operation.kind != OperationKind::get && operation.outcome == OperationOutcome::ok &&
           operation.swapped.value_or(true);
  }));
}

std::string MapLoad::verdict() const {
  return raft::sim::judge_map_history(history_.operations(), kReaders);
}

}  // namespace coracle::demo

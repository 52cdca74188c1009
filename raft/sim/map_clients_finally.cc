// What clients of the map do when all is well again, and what is said of all that they saw.
#include <chrono>
#include <utility>
#include <vector>

#include "raft/sim/map_clients.h"
#include "raft/sim/map_verdict.h"

namespace coracle::raft::sim {
namespace {

constexpr Duration kPause = std::chrono::milliseconds(100);  // before one asks again

}  // namespace

void MapClients::write_finally() {
  final_writes_ = 2;
  append_finally(/*session=*/0);
  open_finally();
}

void MapClients::open_finally() {
  const auto again = [this] {
    cluster_.world().at(cluster_.now() + kPause, [this] { open_finally(); });
  };
  const ServerId leader = cluster_.leader();
  if (leader == kNobody) return again();
  const AskedSession asked{.idle_max = kSessionIdleMax};
  const bool is_asked = cluster_.ask(leader, asked, [this, again](const ClientAnswer& answer) {
    if (answer.kind != ClientAnswer::Kind::done) return again();
    cluster_.world().at(cluster_.now() + std::chrono::milliseconds(1),
                        [this, session = answer.session] { append_finally(session); });
  });
  if (!is_asked) again();
}

// Each time another value: of the one before, nobody may know what became.
void MapClients::append_finally(SessionId session) {
  const auto again = [this, session] {
    cluster_.world().at(cluster_.now() + kPause, [this, session] { append_finally(session); });
  };
  const ServerId leader = cluster_.leader();
  if (leader == kNobody) return again();
  AskedCommand asked;
  asked.command = {.kind = MapCommand::Kind::append,
                   .key = std::string(kAppendedKey),
                   .value = std::to_string(++values_) + ";"};
  if (session != 0) {
    asked.session = {.session = session, .sequence = values_, .lowest_unanswered = values_};
  }
  const std::size_t operation =
      history_.invoke(operation_of(setup_.clients + leader, asked), cluster_.now());
  const bool is_asked =
      cluster_.ask(leader, asked, [this, again, asked, operation](const ClientAnswer& answer) {
        if (answer.kind == ClientAnswer::Kind::not_leader) {
          history_.fail(operation, cluster_.now());
        }
        if (answer.kind == ClientAnswer::Kind::expired) return open_finally();  // clocks differ
        if (answer.kind != ClientAnswer::Kind::done) return again();
        --final_writes_;
        history_.complete(operation, answer_of(asked, answer), cluster_.now());
      });
  if (!is_asked) again();
}

void MapClients::read_all(ServerId server) {
  std::vector<std::string> keys{std::string(kAppendedKey)};
  for (std::uint64_t key = 0; key < kMapKeys; ++key) keys.push_back(map_key(key));
  for (const std::string& key : keys) {
    const std::size_t operation = history_.invoke(
        operation_of(first_reader() + server - 1, AskedRead{.key = key}), cluster_.now());
    ++final_reads_;
    read_finally(server, key, operation);
  }
}

void MapClients::read_finally(ServerId server, const std::string& key, std::size_t operation) {
  const auto again = [this, server, key, operation] {
    cluster_.world().at(cluster_.now() + kPause,
                        [this, server, key, operation] { read_finally(server, key, operation); });
  };
  const AskedRead read{.key = key};
  const bool asked =
      cluster_.ask(server, read, [this, again, operation](const ClientAnswer& answer) {
        if (answer.kind != ClientAnswer::Kind::done) return again();
        --final_reads_;
        history_.complete(operation, {.found = answer.value}, cluster_.now());
      });
  if (!asked) again();
}

std::string MapClients::verdict() const {
  if (!complaint_.empty()) return complaint_;
  return judge_map_history(history_.operations(), first_reader());
}

}  // namespace coracle::raft::sim

#include "raft/sim/map_clients.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

namespace coracle::raft::sim {
namespace {

using namespace std::chrono_literals;

constexpr Duration kAnswerWithin = 500ms;
constexpr Duration kTriesFor = 4s;  // a command, before it gives up

bool asks_to_read(const ClientRequest& request) {
  return std::holds_alternative<AskedRead>(request);
}
bool asks_for_session(const ClientRequest& request) {
  return std::holds_alternative<AskedSession>(request);
}

// Returns    which command of which session it is; nullptr where it has none.
const SessionCommand* session_of(const ClientRequest& request) {
  const auto* command = std::get_if<AskedCommand>(&request);
  return command != nullptr && command->session ? &*command->session : nullptr;
}

}  // namespace

OperationKind kind_of(MapCommand::Kind kind) {
  switch (kind) {
    case MapCommand::Kind::get: return OperationKind::get;
    case MapCommand::Kind::put: return OperationKind::put;
    case MapCommand::Kind::append: return OperationKind::append;
    case MapCommand::Kind::compare_and_set: return OperationKind::compare_and_set;
    case MapCommand::Kind::remove: return OperationKind::remove;
  }
  return OperationKind::get;
}

std::string map_key(std::uint64_t number) { return "k" + std::to_string(number); }

ClientOperation operation_of(std::uint64_t client, const ClientRequest& request) {
  ClientOperation operation{.client = client, .kind = OperationKind::get};
  if (const auto* read = std::get_if<AskedRead>(&request)) {
    operation.key = read->key;
  } else if (const auto* asked = std::get_if<AskedCommand>(&request)) {
    operation.kind = kind_of(asked->command.kind);
    operation.key = asked->command.key;
    operation.value = asked->command.value;
    if (operation.kind == OperationKind::compare_and_set) {
      operation.expected = asked->command.expected;
    }
  }
  return operation;
}

OperationAnswer answer_of(const ClientRequest& request, const ClientAnswer& answer) {
  const auto* command = std::get_if<AskedCommand>(&request);
  if (command == nullptr) return {.found = answer.value};
  OperationAnswer given{.found = answer.result.found};
  if (command->command.kind == MapCommand::Kind::compare_and_set)
    given.swapped = answer.result.done;
  return given;
}

// Client 1, 3, 5, ... have sessions, 3, 7, ... short ones.
MapClients::MapClients(RaftCluster& cluster, const ClientSetup& setup)
    : cluster_(cluster), setup_(setup), random_(setup.seed) {
  constexpr std::uint64_t kWindows = 7;  // from 2 to 8
  for (std::size_t i = 0; i < setup.clients; ++i) {
    Client client{.number = i + 1, .has_sessions = i % 2 == 0, .is_late = i % 4 == 2};
    if (client.has_sessions) client.window = 2 + random_.below(kWindows);
    clients_.push_back(client);
  }
  for (std::size_t i = 0; i < setup.clients; ++i) {
    cluster_.world().at(cluster_.now() + pause(), [this, i] { take_turn(i); });
  }
}

// Twice the mean at most: all clients together ask no more often than they should.
Duration MapClients::pause() {
  const double seconds = static_cast<double>(setup_.clients) / setup_.operations_per_second;
  const auto mean = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
  return random_.between(mean / 2, mean + mean / 2);
}

// ---- What they do ----

// Who has a window may fill it at once, and then pauses for as much longer.
void MapClients::take_turn(std::size_t client) {
  if (stopped_) return;
  Client& self = clients_[client];
  std::int64_t begun = 1;
  if (self.has_sessions && self.session == 0) {
    const AskedSession asked{.idle_max = self.is_late ? kShortIdleMax : kSessionIdleMax};
    if (!std::exchange(self.opens_session, true)) call(client, asked, /*operation=*/0);
  } else if (self.open < self.window) {
    begun += static_cast<std::int64_t>(random_.below(self.window - self.open));
    for (std::int64_t i = 0; i < begun; ++i) begin_operation(client);
  }
  cluster_.world().at(cluster_.now() + begun * pause(), [this, client] { take_turn(client); });
}

void MapClients::begin_operation(std::size_t client) {
  Client& self = clients_[client];
  ClientRequest request = draw();
  auto* command = std::get_if<AskedCommand>(&request);
  if (command != nullptr && self.has_sessions) {
    command->session = SessionCommand{.session = self.session, .sequence = ++self.sequence};
  }
  const std::size_t operation = history_.invoke(operation_of(self.number, request), cluster_.now());
  call(client, std::move(request), operation);
}

void MapClients::call(std::size_t client, ClientRequest request, std::size_t operation) {
  const CallNumber number = ++last_call_;
  calls_[number] = {.client = client,
                    .request = std::move(request),
                    .operation = operation,
                    .gives_up = cluster_.now() + kTriesFor};
  ++clients_[client].open;
  attempt(number);
}

// Values are new each time, so that a reader's value says who wrote it.
ClientRequest MapClients::draw() {
  const std::string key = map_key(random_.below(kMapKeys));
  const std::uint64_t what = random_.below(10);
  if (what < 3) return AskedRead{what == 0 ? std::string(kAppendedKey) : key};
  const std::string value = std::to_string(++values_) + ";";
  AskedCommand asked;
  switch (what) {
    case 3: asked.command = {.kind = MapCommand::Kind::get, .key = key}; break;
    case 4: asked.command = {.kind = MapCommand::Kind::remove, .key = key}; break;
    case 5:
      asked.command = {.kind = MapCommand::Kind::compare_and_set, .key = key, .value = value};
      if (random_.below(2) == 0) asked.command.expected = std::to_string(values_ - 1) + ";";
      break;
    case 6:
    case 7: asked.command = {.kind = MapCommand::Kind::put, .key = key, .value = value}; break;
    default:
      asked.command = {
          .kind = MapCommand::Kind::append, .key = std::string(kAppendedKey), .value = value};
  }
  return asked;
}

// ---- Asking ----

// Of the commands of its session that the client still waits for. What it has given up is among
// those before.
std::uint64_t MapClients::lowest_unanswered(const Call& of) const {
  const SessionCommand& command = *session_of(of.request);
  std::uint64_t lowest = command.sequence;
  for (const auto& [number, other] : calls_) {
    const SessionCommand* its = session_of(other.request);
    if (its != nullptr && its->session == command.session && !other.is_settled) {
      lowest = std::min(lowest, its->sequence);
    }
  }
  return lowest;
}

// Any may serve reads.
ServerId MapClients::server_for(const Call& call) {
  const std::vector<ServerId>& servers = cluster_.ids();
  const ServerId drawn = servers[random_.below(servers.size())];
  const ServerId leader = clients_[call.client].leader;
  return leader == kNobody || asks_to_read(call.request) ? drawn : leader;
}

void MapClients::attempt_at(Duration from_now, CallNumber number) {
  cluster_.world().at(cluster_.now() + from_now, [this, number] { attempt(number); });
}

void MapClients::attempt(CallNumber number) {
  Call& call = calls_.at(number);
  const std::uint64_t attempt = ++call.attempt;
  if (session_of(call.request) != nullptr) {
    SessionCommand& command = *std::get<AskedCommand>(call.request).session;
    command.lowest_unanswered = lowest_unanswered(call);
    call.after_expiry = expired_.contains(command.session);
  }
  const ServerId server = server_for(call);
  const bool asked = cluster_.ask(
      server, call.request,
      [this, number, attempt](const ClientAnswer& answer) { answered(number, attempt, answer); });
  if (!asked) {
    clients_[call.client].leader = kNobody;  // another may lead by now
    return try_again(number);
  }
  cluster_.world().at(cluster_.now() + kAnswerWithin,
                      [this, number, attempt] { timed_out(number, attempt); });
}

// Called in the process that answers.
void MapClients::answered(CallNumber number, std::uint64_t attempt, const ClientAnswer& answer) {
  const auto found = calls_.find(number);
  if (found == calls_.end() || found->second.attempt != attempt) return;  // nobody waited so long
  Call& call = found->second;
  ++call.attempt;
  switch (answer.kind) {
    case ClientAnswer::Kind::done: return done(number, answer);
    case ClientAnswer::Kind::not_leader:
      clients_[call.client].leader = answer.leader;
      return try_again(number);
    case ClientAnswer::Kind::unknown:
      clients_[call.client].leader = kNobody;
      call.may_have_effect = true;
      return try_again(number);
    case ClientAnswer::Kind::expired: return expired(number);
  }
}

void MapClients::timed_out(CallNumber number, std::uint64_t attempt) {
  const auto found = calls_.find(number);
  if (found == calls_.end() || found->second.attempt != attempt) return;
  Call& call = found->second;
  ++call.attempt;
  clients_[call.client].leader = kNobody;
  call.may_have_effect = true;
  try_again(number);
}

// A command without a session is never asked for twice if it may have had an effect: it might have
// it twice. One in a session is, also when that has been idle for so long that it may be gone.
void MapClients::try_again(CallNumber number) {
  const Call& call = calls_.at(number);
  const bool is_read = asks_to_read(call.request);
  const bool may_repeat = clients_[call.client].has_sessions || is_read || !call.may_have_effect;
  if (may_repeat && cluster_.now() < call.gives_up) {
    const bool waits_long = clients_[call.client].is_late && call.may_have_effect &&
                            session_of(call.request) != nullptr && random_.below(2) == 0;
    const Duration shortest = waits_long ? kShortIdleMax : Duration(10ms);
    const Duration longest = waits_long ? 2 * kShortIdleMax : Duration(60ms);
    return attempt_at(random_.between(shortest, longest), number);
  }
  const bool has_failed = !asks_for_session(call.request) && (is_read || !call.may_have_effect);
  if (has_failed && !call.is_settled) history_.fail(call.operation, cluster_.now());
  end(number);
}

void MapClients::done(CallNumber number, const ClientAnswer& answer) {
  Call& call = calls_.at(number);
  Client& client = clients_[call.client];
  if (asks_for_session(call.request)) {
    client.session = answer.session;
    client.sequence = 0;
  } else if (!call.is_settled) {
    history_.complete(call.operation, answer_of(call.request, answer), cluster_.now());
  }
  if (call.after_expiry && complaint_.empty()) {
    const SessionCommand& command = *session_of(call.request);
    complaint_ = "session " + std::to_string(command.session) +
                 " had expired, and yet its command " + std::to_string(command.sequence) +
                 " was done";
  }
  end(number);
}

// An earlier attempt may have had its effect before; this one has none, nor any that comes later.
void MapClients::expired(CallNumber number) {
  Call& call = calls_.at(number);
  Client& client = clients_[call.client];
  const SessionId session = session_of(call.request)->session;
  expired_.insert(session);
  if (client.session == session) client.session = 0;
  if (call.is_settled) return end(number);
  if (!call.may_have_effect) history_.fail(call.operation, cluster_.now());
  call.is_settled = true;
  call.gives_up = cluster_.now() + kTriesFor;
  attempt_at(random_.between(10ms, 60ms), number);
}

void MapClients::end(CallNumber number) {
  const auto ended = calls_.find(number);
  Client& client = clients_[ended->second.client];
  if (asks_for_session(ended->second.request)) client.opens_session = false;
  --client.open;
  calls_.erase(ended);
}

}  // namespace coracle::raft::sim

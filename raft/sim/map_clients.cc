#include "raft/sim/map_clients.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "raft/sim/linearizability.h"

namespace coracle::raft::sim {
namespace {

using namespace std::chrono_literals;

constexpr Duration kSessionIdleMax = 20s;   // of log time
constexpr Duration kShortIdleMax = 1500ms;  // some find theirs expired while they try
constexpr Duration kAnswerWithin = 500ms;
constexpr Duration kTriesFor = 4s;  // a command, before it gives up
constexpr std::uint64_t kKeys = 4;
constexpr std::string_view kAppended = "log";  // the key that is appended to only

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

ClientOperation operation_of(std::uint64_t client, const MapCommand& command) {
  const bool expects = command.kind == MapCommand::Kind::compare_and_set;
  return {.client = client,
          .kind = kind_of(command.kind),
          .key = command.key,
          .value = command.value,
          .expected = expects ? command.expected : MapValue()};
}

OperationAnswer answer_of(const ClientRequest& request, const ClientAnswer& answer) {
  const auto* command = std::get_if<AskedCommand>(&request);
  if (command == nullptr) return {.found = answer.value};
  OperationAnswer given{.found = answer.result.found};
  if (command->command.kind == MapCommand::Kind::compare_and_set)
    given.swapped = answer.result.done;
  return given;
}

std::size_t count_in(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos;
       at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

}  // namespace

MapClients::MapClients(RaftCluster& cluster, const ClientSetup& setup)
    : cluster_(cluster), setup_(setup), random_(setup.seed) {
  for (std::size_t i = 0; i < setup.clients; ++i) clients_.push_back({.number = i + 1});
  for (Client& client : clients_) at(client, pause(), &MapClients::begin);
}

void MapClients::at(Client& client, Duration from_now, void (MapClients::*act)(Client&)) {
  cluster_.world().at(cluster_.now() + from_now, [this, &client, act] { (this->*act)(client); });
}

// Twice the mean at most: all clients together ask no more often than they should.
Duration MapClients::pause() {
  const double seconds = static_cast<double>(setup_.clients) / setup_.operations_per_second;
  const auto mean = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
  return random_.between(mean / 2, mean + mean / 2);
}

// ---- One operation after the other ----

void MapClients::begin(Client& client) {
  if (stopped_) return;
  client.gives_up = cluster_.now() + kTriesFor;
  client.asks = true;
  client.may_have_effect = false;
  client.in_session = client.number % 2 == 1;  // others have no session, and try once
  if (client.in_session && client.session == 0) {
    open_session(client);
  } else {
    begin_operation(client);
  }
}

void MapClients::open_session(Client& client) {
  const bool is_short = client.number % 4 == 3;
  client.request = AskedSession{.idle_max = is_short ? kShortIdleMax : kSessionIdleMax};
  attempt(client);
}

void MapClients::begin_operation(Client& client) {
  const ClientOperation asked = draw(client);
  client.operation = history_.invoke(asked, cluster_.now());
  attempt(client);
}

// Values are new each time, so that a reader's value says who wrote it.
ClientOperation MapClients::draw(Client& client) {
  const std::string key = "k" + std::to_string(random_.below(kKeys));
  const std::uint64_t what = random_.below(10);
  if (what < 3) {
    client.request = AskedRead{what == 0 ? std::string(kAppended) : key};
    return {.client = client.number,
            .kind = OperationKind::get,
            .key = std::get<AskedRead>(client.request).key};
  }
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
          .kind = MapCommand::Kind::append, .key = std::string(kAppended), .value = value};
  }
  if (client.in_session) {
    ++client.sequence;
    asked.session = SessionCommand{.session = client.session,
                                   .sequence = client.sequence,
                                   .lowest_unanswered = client.sequence};
  }
  client.request = asked;
  return operation_of(client.number, asked.command);
}

// ---- Asking ----

void MapClients::attempt(Client& client) {
  const std::uint64_t attempt = ++client.attempt;
  const std::vector<ServerId>& servers = cluster_.ids();
  const bool reads = std::holds_alternative<AskedRead>(client.request);
  const bool anywhere = client.leader == kNobody || reads;  // any server may serve reads
  const ServerId drawn = servers[random_.below(servers.size())];
  const ServerId server = anywhere ? drawn : client.leader;
  const bool asked = cluster_.ask(
      server, client.request,
      [this, &client, attempt](const ClientAnswer& answer) { answered(client, attempt, answer); });
  if (!asked) {
    client.leader = kNobody;  // another may lead by now
    return try_again(client);
  }
  cluster_.world().at(cluster_.now() + kAnswerWithin,
                      [this, &client, attempt] { timed_out(client, attempt); });
}

// Called in the process that answers.
void MapClients::answered(Client& client, std::uint64_t attempt, const ClientAnswer& answer) {
  if (!client.asks || attempt != client.attempt) return;  // it did not wait so long
  ++client.attempt;
  switch (answer.kind) {
    case ClientAnswer::Kind::done: return done(client, answer);
    case ClientAnswer::Kind::not_leader: client.leader = answer.leader; return try_again(client);
    case ClientAnswer::Kind::unknown:
      client.leader = kNobody;
      client.may_have_effect = true;
      return try_again(client);
    case ClientAnswer::Kind::expired:
      client.session = 0;
      if (!client.may_have_effect) history_.fail(client.operation, cluster_.now());
      return end(client);
  }
}

void MapClients::timed_out(Client& client, std::uint64_t attempt) {
  if (!client.asks || attempt != client.attempt) return;
  ++client.attempt;
  client.leader = kNobody;
  client.may_have_effect = true;
  try_again(client);
}

// A command without a session is never asked for twice if it may have had an effect: it might have
// it twice.
void MapClients::try_again(Client& client) {
  const bool opens = std::holds_alternative<AskedSession>(client.request);
  const bool reads = std::holds_alternative<AskedRead>(client.request);
  const bool may_repeat = client.in_session || reads || !client.may_have_effect;
  if (may_repeat && cluster_.now() < client.gives_up) {
    return at(client, random_.between(10ms, 60ms), &MapClients::attempt);
  }
  if (!opens && (reads || !client.may_have_effect)) history_.fail(client.operation, cluster_.now());
  client.leader = kNobody;
  end(client);
}

void MapClients::done(Client& client, const ClientAnswer& answer) {
  if (std::holds_alternative<AskedSession>(client.request)) {
    client.session = answer.session;
    client.sequence = 0;
  } else {
    history_.complete(client.operation, answer_of(client.request, answer), cluster_.now());
  }
  end(client);
}

void MapClients::end(Client& client) {
  client.asks = false;
  at(client, pause(), &MapClients::begin);
}

// ---- When all is well again ----

void MapClients::write_finally() {
  final_writes_ = 2;
  append_finally(/*session=*/0);
  open_finally();
}

void MapClients::open_finally() {
  const auto again = [this] {
    cluster_.world().at(cluster_.now() + 100ms, [this] { open_finally(); });
  };
  const ServerId leader = cluster_.leader();
  if (leader == kNobody) return again();
  const AskedSession asked{.idle_max = kSessionIdleMax};
  const bool is_asked = cluster_.ask(leader, asked, [this, again](const ClientAnswer& answer) {
    if (answer.kind != ClientAnswer::Kind::done) return again();
    cluster_.world().at(cluster_.now() + 1ms,
                        [this, session = answer.session] { append_finally(session); });
  });
  if (!is_asked) again();
}

// Each time another value: of the one before, nobody may know what became.
void MapClients::append_finally(SessionId session) {
  const auto again = [this, session] {
    cluster_.world().at(cluster_.now() + 100ms, [this, session] { append_finally(session); });
  };
  const ServerId leader = cluster_.leader();
  if (leader == kNobody) return again();
  AskedCommand asked;
  asked.command = {.kind = MapCommand::Kind::append,
                   .key = std::string(kAppended),
                   .value = std::to_string(++values_) + ";"};
  if (session != 0) {
    asked.session = {.session = session, .sequence = values_, .lowest_unanswered = values_};
  }
  const std::size_t operation =
      history_.invoke(operation_of(setup_.clients + leader, asked.command), cluster_.now());
  const bool is_asked =
      cluster_.ask(leader, asked, [this, again, asked, operation](const ClientAnswer& answer) {
        if (answer.kind == ClientAnswer::Kind::not_leader) {
          history_.fail(operation, cluster_.now());
        }
        if (answer.kind != ClientAnswer::Kind::done) return again();
        --final_writes_;
        history_.complete(operation, answer_of(asked, answer), cluster_.now());
      });
  if (!is_asked) again();
}

// ---- What they saw ----

void MapClients::read_all(ServerId server) {
  std::vector<std::string> keys{std::string(kAppended)};
  for (std::uint64_t key = 0; key < kKeys; ++key) keys.push_back("k" + std::to_string(key));
  for (const std::string& key : keys) {
    const std::size_t operation =
        history_.invoke({.client = setup_.clients + server, .kind = OperationKind::get, .key = key},
                        cluster_.now());
    ++final_reads_;
    read_finally(server, key, operation);
  }
}

void MapClients::read_finally(ServerId server, const std::string& key, std::size_t operation) {
  const auto again = [this, server, key, operation] {
    cluster_.world().at(cluster_.now() + 100ms,
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
  const LinearizabilityReport report = check_linearizability(history_.operations());
  switch (report.verdict) {
    case Linearizability::linearizable: return check_appends();
    case Linearizability::undecided: return "whether it is linearizable was not decided";
    case Linearizability::not_linearizable: break;
  }
  return "no order of the operations on " + report.key + " explains:\n" + report.excerpt;
}

std::string MapClients::check_appends() const {
  std::optional<std::string> last;  // what the last of the final reads says
  for (const ClientOperation& operation : history_.operations()) {
    const bool reads_all = operation.kind == OperationKind::get && operation.key == kAppended &&
                           operation.outcome == OperationOutcome::ok &&
                           operation.client > setup_.clients;
    if (reads_all) last = ";" + operation.found->value_or("");
  }
  if (!last) return "nobody has read what is there in the end";
  for (const ClientOperation& operation : history_.operations()) {
    if (operation.kind != OperationKind::append) continue;
    const std::size_t count = count_in(*last, ";" + operation.value);
    if (count > 1) return operation.value + " was appended " + std::to_string(count) + " times";
    const bool is_lost = operation.outcome == OperationOutcome::ok && count == 0;
    if (is_lost) return operation.value + " was acknowledged, and is lost";
  }
  return {};
}

}  // namespace coracle::raft::sim

#include "apps/map_client.h"

#include <algorithm>
#include <cerrno>
#include <set>
#include <utility>

#include "net/describe_value.h"
#include "raft/sessions.h"
#include "runtime/check.h"
#include "runtime/condition.h"
#include "runtime/random.h"
#include "runtime/sleep.h"
#include "runtime/timeout.h"

namespace coracle::demo {
namespace {

using namespace std::chrono_literals;

// Between two attempts, unless a server said where to go. Hints may lead in a circle.
constexpr Duration kShortestPause = 10ms;
constexpr Duration kLongestPause = 50ms;
constexpr int kHintsInARow = 3;

}  // namespace

MapOutcomeUnknown::MapOutcomeUnknown(std::string_view write, std::string_view subject)
    : Error(ETIMEDOUT, write, subject) {}

struct MapClient::Server {
  explicit Server(const net::Address& at) : address(at) {}

  const net::Address address;
  Mutex dialing;
  std::shared_ptr<net::RpcClient> client;  // goes with the last call that uses it
};

struct MapClient::Session {
  const std::uint64_t id;
  std::uint64_t last = 0;          // of the numbers given out
  std::set<std::uint64_t> open{};  // those whose answer has not come, and is still waited for
  Condition closed{};              // one of them is open no longer

  [[nodiscard]] bool is_full() const {
    return !open.empty() && last + 1 - *open.begin() >= raft::Sessions::kWindow;
  }
};

// The number of a write in its session, as long as somebody waits for the answer.
class MapClient::Number {
 public:
  explicit Number(Session& session) : session_(session), value_(++session.last) {
    session_.open.insert(value_);
  }
  Number(const Number&) = delete;
  Number& operator=(const Number&) = delete;
  ~Number() {
    session_.open.erase(value_);
    session_.closed.notify_all();
  }

  [[nodiscard]] InSession in_session() const {
    return {
        .session = session_.id, .sequence = value_, .lowest_unanswered = *session_.open.begin()};
  }

 private:
  Session& session_;
  const std::uint64_t value_;
};

// What became of the attempts so far.
class MapClient::Operation {
 public:
  Operation(std::string_view name, std::string subject, TimePoint deadline)
      : name_(name), subject_(std::move(subject)), deadline_(deadline) {}

  [[nodiscard]] TimePoint deadline() const { return deadline_; }

  void failed(std::string why) { trouble_ = std::move(why); }
  void failed_with(const Operation& other) { trouble_ = other.trouble_; }
  // Waits before the next attempt.
  //   Throws     TimedOut or MapOutcomeUnknown when there is no time for one.
  Task<> rest() {
    if (now() < deadline_ && knows_where && hints_++ < kHintsInARow) co_return;
    hints_ = 0;
    const Duration pause = random().between(kShortestPause, kLongestPause);
    if (now() < deadline_) co_await sleep_until(std::min(deadline_, deadline_after(now(), pause)));
    if (now() >= deadline_) give_up();
  }
  [[noreturn]] void give_up() const {
    const std::string last = trouble_.empty() ? "" : "; " + trouble_;
    if (may_have_effect) {
      throw MapOutcomeUnknown(name_,
                              subject_ + " (it may have taken effect, or do so later" + last + ")");
    }
    throw TimedOut(
        name_, subject_ + (reads ? " (no server could answer" : " (nothing was done") + last + ")");
  }

  bool may_have_effect = false;  // an attempt of a write has no answer
  bool expired = false;          // the last attempt found no session
  bool knows_where = false;      // the last answer said where to go
  bool reads = false;            // it has no effect on the map

 private:
  const std::string name_;
  const std::string subject_;
  const TimePoint deadline_;
  std::string trouble_;
  int hints_ = 0;
};

MapClient::MapClient(const std::vector<net::Address>& servers, const MapClientOptions& options)
    : options_(options) {
  CORACLE_CHECK(!servers.empty(), "a client knows a server");
  for (const net::Address& address : servers) {
    servers_.push_back(std::make_unique<Server>(address));
  }
  target_ = servers_.front().get();
}

MapClient::~MapClient() = default;

// ---- Operations ----

Task<std::optional<std::string>> MapClient::get(std::string key) {
  Operation read("get", net::quoted(key), deadline_after(now(), options_.timeout));
  read.reads = true;
  const auto ask = [&key](net::RpcClient& server) {
    return server.call<std::optional<std::string>>("read", key);
  };
  co_return co_await persist<std::optional<std::string>>(read, ask);
}

Task<MapPairs> MapClient::dump() {
  Operation read("dump", "the map", deadline_after(now(), options_.timeout));
  read.reads = true;
  MapPairs pairs;
  std::optional<std::string> behind;
  const auto ask = [&behind](net::RpcClient& server) {
    return server.call<MapPage>("dump", behind);
  };
  for (bool more = true; more;) {
    MapPage page = co_await persist<MapPage>(read, ask);
    more = page.more && !page.pairs.empty();
    if (more) behind = page.pairs.rbegin()->first;
    pairs.merge(page.pairs);
  }
  co_return pairs;
}

Task<std::optional<std::string>> MapClient::put(std::string key, std::string value) {
  raft::MapCommand command{
      .kind = raft::MapCommand::Kind::put, .key = std::move(key), .value = std::move(value)};
  raft::MapResult result = co_await apply(std::move(command));
  co_return std::move(result.found);
}

Task<std::optional<std::string>> MapClient::append(std::string key, std::string value) {
  raft::MapCommand command{
      .kind = raft::MapCommand::Kind::append, .key = std::move(key), .value = std::move(value)};
  raft::MapResult result = co_await apply(std::move(command));
  co_return std::move(result.found);
}

Task<std::optional<std::string>> MapClient::remove(std::string key) {
  raft::MapCommand command{.kind = raft::MapCommand::Kind::remove, .key = std::move(key)};
  raft::MapResult result = co_await apply(std::move(command));
  co_return std::move(result.found);
}

Task<raft::MapResult> MapClient::compare_and_set(std::string key,
                                                 std::optional<std::string> expected,
                                                 std::string value) {
  raft::MapCommand command{.kind = raft::MapCommand::Kind::compare_and_set,
                           .key = std::move(key),
                           .value = std::move(value),
                           .expected = std::move(expected)};
  co_return co_await apply(std::move(command));
}

// A session that has expired has applied nothing under a number of which every attempt was
// answered: then a new session may begin anew. Else nobody knows.
Task<raft::MapResult> MapClient::apply(raft::MapCommand command) {
  Operation write(name_of(command.kind), net::quoted(command.key),
                  deadline_after(now(), options_.timeout));
  for (;;) {
    const std::shared_ptr<Session> session = co_await session_for(write);
    std::optional<raft::MapResult> result = co_await apply_in(*session, write, command);
    if (result) co_return *std::move(result);
    if (session_ == session) session_.reset();
    if (write.may_have_effect) write.give_up();
    write.expired = false;
  }
}

// Returns nothing when the session has expired.
Task<std::optional<raft::MapResult>> MapClient::apply_in(Session& session, Operation& write,
                                                         const raft::MapCommand& command) {
  while (session.is_full()) {
    const bool closed = co_await session.closed.wait_until(write.deadline());
    if (!closed) write.give_up();
  }
  const Number number(session);
  const std::string_view kind = name_of(command.kind);
  const auto ask = [&](net::RpcClient& server) {
    return server.call<MapAnswer>("command", kind, command.key, command.value, command.expected,
                                  std::optional(number.in_session()));
  };
  for (;;) {
    std::optional<MapAnswer> answer = co_await attempt<MapAnswer>(write, ask);
    if (answer) co_return raft::MapResult{.done = answer->done, .found = std::move(answer->found)};
    if (write.expired) co_return std::nullopt;
    co_await write.rest();
  }
}

// To open one twice does no harm: the first expires. Whatever becomes of it, the write has not
// begun.
Task<std::shared_ptr<MapClient::Session>> MapClient::session_for(Operation& write) {
  if (session_) co_return session_;
  std::optional<Mutex::Guard> turn;
  try {
    turn.emplace(co_await with_deadline(write.deadline(), opening_.lock()));
  } catch (const TimedOut&) {
    write.give_up();
  }
  if (session_) co_return session_;
  Operation opening("open a session", "of the map", write.deadline());
  opening.reads = true;
  const std::int64_t idle_max = options_.session_idle_max.count();
  const auto ask = [idle_max](net::RpcClient& server) {
    return server.call<std::uint64_t>("open_session", idle_max);
  };
  try {
    const std::uint64_t id = co_await persist<std::uint64_t>(opening, ask);
    session_ = std::make_shared<Session>(id);
  } catch (const TimedOut&) {
    write.failed_with(opening);
    write.give_up();
  }
  co_return session_;
}

Task<> MapClient::close() {
  const std::shared_ptr<Session> session = std::exchange(session_, nullptr);
  if (!session) co_return;
  CORACLE_CHECK(session->open.empty(), "nobody writes in a session that is closed");
  Operation closing("close a session", "of the map",
                    deadline_after(now(), options_.attempt_timeout));
  closing.reads = true;
  const std::uint64_t id = session->id;
  const auto ask = [id](net::RpcClient& server) { return server.call("close_session", id); };
  try {
    static_cast<void>(co_await persist<std::monostate>(closing, ask));
  } catch (const Error&) {
    co_return;  // it expires
  }
}

// ---- Attempts ----

template <class Result, class Call>
Task<Result> MapClient::persist(Operation& operation, const Call& call) {
  for (;;) {
    std::optional<Result> result = co_await attempt<Result>(operation, call);
    if (result) co_return *std::move(result);
    co_await operation.rest();
  }
}

template <class Result, class Call>
Task<std::optional<Result>> MapClient::attempt(Operation& operation, const Call& call) {
  Server& server = *target_;
  const TimePoint until =
      std::min(operation.deadline(), deadline_after(now(), options_.attempt_timeout));
  operation.knows_where = false;
  std::shared_ptr<net::RpcClient> client;
  std::optional<Result> result;
  try {
    client = co_await with_deadline(until, connection_to(server));
    if constexpr (std::is_same_v<Result, std::monostate>) {
      co_await with_deadline(until, call(*client));
      result.emplace();
    } else {
      result.emplace(co_await with_deadline(until, call(*client)));
    }
  } catch (const net::RpcError& refusal) {
    refused(operation, server, refusal.fault());
  } catch (const Error& error) {
    if (error.code() == std::errc::message_size) {  // nothing was sent, and never will be
      throw net::RpcError(std::string(kBadCommand), error.what());
    }
    if (client != nullptr) {  // sent, and not answered
      if (!operation.reads) operation.may_have_effect = true;
      if (server.client == client) server.client.reset();  // it may be dead without an end
    }
    operation.failed(error.what());
    leave(server);
  }
  co_return result;
}

void MapClient::refused(Operation& operation, Server& server, const net::RpcFault& fault) {
  operation.failed(server.address.to_string() + " says " + fault.code +
                   (fault.text.empty() ? "" : ": " + fault.text));
  if (fault.code == kNotLeader) {
    operation.knows_where = follow(server, fault.text);
    return;
  }
  if (fault.code == kSessionExpired && !operation.reads) {
    operation.expired = true;
    return;
  }
  const bool is_wrong = fault.code == kBadCommand || fault.code == kSessionExpired ||
                        fault.code == net::kBadParams || fault.code == net::kUnknownMethod;
  if (is_wrong) throw net::RpcError(fault, server.address.to_string());
  if (!operation.reads) operation.may_have_effect = true;
  if (fault.code == net::kTooLarge) {  // the answer, and that is not going to shrink
    if (!operation.reads) operation.give_up();
    throw net::RpcError(fault, server.address.to_string());
  }
  leave(server);
}

Task<std::shared_ptr<net::RpcClient>> MapClient::connection_to(Server& server) {
  const Mutex::Guard turn = co_await server.dialing.lock();
  if (server.client == nullptr || !server.client->is_open()) {
    net::RpcClientOptions calls;
    calls.call_timeout = options_.attempt_timeout;
    net::RpcClient dialed = co_await net::RpcClient::connect(server.address, calls);
    server.client = std::make_shared<net::RpcClient>(std::move(dialed));
  }
  co_return server.client;
}

// Another fiber may have left it before, for a better one.
void MapClient::leave(const Server& server) {
  if (target_ != &server) return;
  const auto at = std::ranges::find(servers_, target_, &std::unique_ptr<Server>::get);
  const auto next = std::next(at) == servers_.end() ? servers_.begin() : std::next(at);
  target_ = next->get();
}

bool MapClient::follow(const Server& server, std::string_view hint) {
  const std::optional<net::Address> leader = net::Address::parse(hint);
  if (!leader) {
    leave(server);
    return false;
  }
  if (*leader == server.address) return false;
  if (target_ != &server) return true;
  const auto known = std::ranges::find(servers_, *leader,
                                       [](const auto& candidate) { return candidate->address; });
  if (known != servers_.end()) {
    target_ = known->get();
  } else {
    servers_.push_back(std::make_unique<Server>(*leader));
    target_ = servers_.back().get();
  }
  return true;
}

// ---- One server ----

namespace {

Task<MapPairs> dump_held(net::Address server) {
  net::RpcClient client = co_await net::RpcClient::connect(server);
  MapPairs pairs;
  std::optional<std::string> behind;
  for (bool more = true; more;) {
    MapPage page = co_await client.call<MapPage>("dump", behind, true);
    more = page.more && !page.pairs.empty();
    if (more) behind = page.pairs.rbegin()->first;
    pairs.merge(page.pairs);
  }
  co_return pairs;
}

}  // namespace

Task<MapPairs> ask_held(net::Address server, Duration timeout) {
  co_return co_await with_timeout(timeout, dump_held(server));
}

}  // namespace coracle::demo

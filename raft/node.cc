#include "raft/node.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <functional>
#include <utility>

#include "raft/proposal_errors.h"

#include "runtime/log.h"
#include "runtime/random.h"
#include "runtime/sleep.h"

namespace coracle::raft {

Node::Node(Storage& storage, Configuration configuration, Transport& transport,
           StateMachine& machine, const Options& options, EventSink observer,
           TimeoutSource timeouts)
    : storage_(storage),
      transport_(transport),
      applier_(machine),
      reader_(storage),
      observer_(std::move(observer)),
      state_(
          storage_.identity(), options, std::move(configuration), storage_.recovered(), random(),
          [this](const Event& event) { record(event); }, now(), std::move(timeouts)) {}

Task<> Node::run() {
  struct AtEnd {
    Node& node;
    ~AtEnd() { node.end_clients(); }
  } const at_end{*this};
  for (const std::string& damage : storage_.damages()) {
    log_warn("node={} event=cured_damage what=\"{}\"", state_.identity().self, damage);
  }
  co_await task_group([this](TaskGroup& node) -> Task<> {
    node.spawn("disk", &Node::write_changes, this);
    node.spawn("roles", &Node::run_roles, this);
    node.spawn("apply", &Node::apply_committed, this);
    node.spawn("read_for_followers", &EntryReader::run, &reader_);
    node.spawn("forward_reads", &Node::forward_reads, this);
    co_await transport_.run(*this);
  });
}

Task<> Node::run_roles() {
  for (;;) {
    switch (state_.role()) {
      case Role::follower: co_await follow(); break;               // §5.2 wait for silence
      case Role::candidate: co_await stand_for_election(); break;  // §5.2 ask, and count
      case Role::leader: co_await lead(); break;                   // §5.3 heartbeats, and the log
    }
  }
}

Task<bool> Node::while_it_lasts(Task<> task) {
  struct AtEnd {
    Node& node;
    ~AtEnd() { node.role_ = nullptr; }
  } const at_end{*this};
  role_epoch_ = state_.epoch();
  const Epoch epoch = role_epoch_;
  co_await task_group([&](TaskGroup& role) -> Task<> {
    role_ = &role;
    co_await std::move(task);
  });
  co_return state_.still(epoch);
}

Task<bool> Node::changed_before(Deadline deadline) {
  const TimePoint due = (state_.*deadline)();
  const bool changed = co_await changed_.wait_until(due);
  if (changed) co_return true;
  constexpr Duration kOnePass = std::chrono::milliseconds(1);
  const bool stalled = now() - due > state_.options().timing.heartbeat;
  if (stalled) co_await sleep_for(kOnePass);
  co_return (state_.*deadline)() > now();
}

template <class Request>
Task<> Node::ask(const Outgoing<Request>& asked) {
  co_await durable(asked.after);
  co_await task_group([&](TaskGroup& copies) -> Task<> {
    for (;;) {
      const ServerId voter = asked.message.header.to;
      const bool connected = co_await transport_.connected(voter, state_.election_deadline());
      if (!connected) co_return;
      copies.spawn("copy", &Node::ask_once<Request>, this, std::cref(asked), std::ref(copies));
      co_await sleep_for(state_.options().timing.heartbeat);
    }
  });
}

// A copy that is late is an answer all the same, so none is given up for the next.
template <class Request>
Task<> Node::ask_once(const Outgoing<Request>& asked, TaskGroup& copies) {
  const auto reply = co_await transport_.call(asked.message, state_.election_deadline());
  if (!reply) co_return;
  copies.cancel();
  state_.handle(asked, *reply, now());
  state_changed();
}

template Task<> Node::ask(const Outgoing<PreVote>& asked);
template Task<> Node::ask(const Outgoing<RequestVote>& asked);

void Node::state_changed() {
  if (role_ != nullptr && !state_.still(role_epoch_)) role_->cancel();
  if (state_.has_changes()) unsaved_.notify_one();
  if (state_.commit_index() > state_.applied_index()) committed_.notify_one();
  if (state_.read_round_began()) read_round_.notify_all();
  to_send_.notify_all();
  read_confirmed_.notify_all();
  room_.notify_all();
  changed_.notify_all();
}

// ---- Durable before spoken ----

// What gathers while one write is under way goes into the next.
Task<> Node::write_changes() {
  for (;;) {
    while (!state_.has_changes()) co_await unsaved_.wait();
    const std::vector<Change> changes = state_.take_changes();
    co_await storage_.write(changes);
    state_.durable_up_to(changes.back().number, now());
    became_durable_.notify_all();
    state_changed();
  }
}

Task<> Node::durable(ChangeNumber change) {
  while (!state_.is_durable(change)) co_await became_durable_.wait();
}

// ---- Applying (§5.3) ----

Task<> Node::apply_committed() {
  for (;;) {
    while (state_.applied_index() == state_.commit_index()) co_await committed_.wait();
    const LogIndex first = state_.applied_index() + 1;
    const std::vector<Entry> entries = co_await committed_entries();
    const std::vector<Applied> applied = co_await applier_.apply(first, entries);
    state_.applied_up_to(first + entries.size() - 1);
    for (std::size_t i = 0; i < applied.size(); ++i) {
      if (applied[i].expired) {
        state_.proposals().fail(first + i, std::make_exception_ptr(SessionExpired("propose")));
      } else {
        state_.proposals().complete(first + i, applied[i].result);
      }
    }
    applied_.notify_all();
    room_.notify_all();
  }
}

// The next ones that are to be applied, from memory or from the disk. What is committed is never
// truncated, so this may wait.
Task<std::vector<Entry>> Node::committed_entries() {
  constexpr std::size_t kBytesMax = std::size_t{1} << 20;
  const LogIndex first = state_.applied_index() + 1;
  const LogIndex last = state_.commit_index();
  if (first >= state_.log().first_cached()) {
    co_return state_.log().entries(first, last, kBytesMax);
  }
  const LogIndex forgotten = std::min(last, state_.log().first_cached() - 1);
  co_return co_await storage_.read(first, forgotten, kBytesMax);
}

// ---- Handlers ----

template <class ReplyMessage, class Request>
Task<std::optional<ReplyMessage>> Node::handle(const Request& request) {
  Reply<ReplyMessage> reply = state_.handle(request, now());
  state_changed();
  if (!reply) co_return std::nullopt;
  co_await durable(reply->after);
  co_return std::move(reply->message);
}

Task<std::optional<PreVoteReply>> Node::answer(const PreVote& request) {
  return handle<PreVoteReply>(request);
}
Task<std::optional<RequestVoteReply>> Node::answer(const RequestVote& request) {
  return handle<RequestVoteReply>(request);
}
Task<std::optional<AppendEntriesReply>> Node::answer(const AppendEntries& request) {
  return handle<AppendEntriesReply>(request);
}
Task<std::optional<TimeoutNowReply>> Node::answer(const TimeoutNow& request) {
  return handle<TimeoutNowReply>(request);
}

Hello Node::introduce(ServerId peer) { return state_.compose_hello(peer); }

std::optional<HelloReply> Node::meet(const Hello& request) { return state_.handle(request); }

bool Node::met(const Hello& asked, const HelloReply& reply) { return state_.handle(asked, reply); }

std::string Node::why_ignored(const RequestHeader& header) const {
  return std::string(to_string(state_.fault_of(header)));
}

// ---- Seeing ----

Status Node::status() const {
  return {.id = state_.identity().self,
          .role = state_.role_name(),
          .term = state_.term(),
          .leader = state_.leader(),
          .vote = state_.vote(),
          .commit_index = state_.commit_index(),
          .applied_index = state_.applied_index(),
          .last_index = state_.log().last().index};
}

// An event is one line: turning points for everybody, the steps between them for who looks closer.
void Node::record(const Event& event) const {
  const LogLevel level = is_turning_point(event.kind) ? LogLevel::info : LogLevel::debug;
  if (logs(level)) {
    write_log(level, fmt::format("node={} term={} role={} {}", state_.identity().self,
                                 event.own_term, to_string(event.role), format(event)));
  }
  if (observer_) observer_(event);
}

}  // namespace coracle::raft

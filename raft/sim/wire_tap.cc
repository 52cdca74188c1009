#include "raft/sim/wire_tap.h"

#include <utility>

#include "raft/events.h"
#include "runtime/event.h"
#include "runtime/shielded.h"
#include "runtime/sleep.h"

namespace coracle::raft::sim {

// A reply that waits for its question to be asked again: then both copies get it at one instant.
struct WireTap::HeldReply {
  HeldReply(WireTap& owner, RequestId asked) : tap(owner), request(asked) {
    tap.held_[request] = this;
  }
  HeldReply(const HeldReply&) = delete;
  HeldReply& operator=(const HeldReply&) = delete;
  ~HeldReply() { tap.held_.erase(request); }

  WireTap& tap;
  const RequestId request;
  std::variant<std::monostate, PreVoteReply, RequestVoteReply, AppendEntriesReply, ReadIndexReply>
      reply;
  coracle::Event asked_again;
};

// ---- Requests of this server, and the replies to them ----

template <class Reply, class Asked>
Task<std::optional<Reply>> WireTap::send(const Asked& request, TimePoint deadline) {
  const Message message = describe(request);
  if (const auto held = held_.find(message.request); held != held_.end()) {
    const Reply repeated = std::get<Reply>(held->second->reply);
    held->second->asked_again.set();
    observer_.receives(self_, describe(repeated));
    co_return repeated;
  }
  observer_.sends(self_, message);
  std::optional<Reply> reply = co_await inner_.call(request, deadline);
  if (!reply) co_return std::nullopt;
  co_return co_await take(std::move(*reply), deadline);
}

// A delayed reply is not lost when nobody waits for it any more: so it can come late, into another
// epoch.
template <class Reply>
Task<std::optional<Reply>> WireTap::take(Reply reply, TimePoint deadline) {
  const Message message = describe(reply);
  const Fate fate = faults_.take(message, observer_.chances());
  switch (fate.kind) {
    case Fate::Kind::deliver: break;
    case Fate::Kind::drop:
      observer_.loses(self_, message);
      co_await sleep_until(deadline);
      co_return std::nullopt;
    case Fate::Kind::delay: co_await shielded(fate.by + kCleanupTimeout, sleep_for(fate.by)); break;
    case Fate::Kind::duplicate: {
      HeldReply held(*this, message.request);
      held.reply = reply;
      co_await held.asked_again.wait_until(deadline);
      break;
    }
  }
  observer_.receives(self_, message);
  co_return reply;
}

Task<std::optional<PreVoteReply>> WireTap::call(const PreVote& request, TimePoint deadline) {
  return send<PreVoteReply>(request, deadline);
}
Task<std::optional<RequestVoteReply>> WireTap::call(const RequestVote& request,
                                                    TimePoint deadline) {
  return send<RequestVoteReply>(request, deadline);
}
Task<std::optional<AppendEntriesReply>> WireTap::call(const AppendEntries& request,
                                                      TimePoint deadline) {
  return send<AppendEntriesReply>(request, deadline);
}

Task<std::optional<ReadIndexReply>> WireTap::call(const ReadIndex& request, TimePoint deadline) {
  return send<ReadIndexReply>(request, deadline);
}

// ---- Requests of peers ----

Task<> WireTap::run(Service& service) {
  service_ = &service;
  co_await task_group([this](TaskGroup& group) -> Task<> {
    group.spawn("posted", &WireTap::hand_over_posted, this, std::ref(group));
    co_await inner_.run(*this);
  });
}

// What is lost is never answered; its handler ends with the connection.
template <class Reply, class Asked>
Task<std::optional<Reply>> WireTap::receive(const Asked& request) {
  const Message message = describe(request);
  const Fate fate = faults_.take(message, observer_.chances());
  if (fate.kind == Fate::Kind::drop) {
    observer_.loses(self_, message);
    coracle::Event never;
    co_await never.wait();
  }
  if (fate.kind == Fate::Kind::delay) co_await sleep_for(fate.by);
  if (fate.kind == Fate::Kind::duplicate) {
    const std::optional<Reply> first = co_await hand_over<Reply>(request);
    if (!first) co_return std::nullopt;
  }
  co_return co_await hand_over<Reply>(request);
}

template <class Reply, class Asked>
Task<std::optional<Reply>> WireTap::hand_over(const Asked& request) {
  Message message = describe(request);
  message.ignored = service_->why_ignored(request.header) != to_string(IdentityFault::none);
  observer_.receives(self_, message);
  const Facts before = observer_.facts(self_);
  std::optional<Reply> reply = co_await service_->answer(request);
  if (!reply) co_return std::nullopt;
  const Facts after = observer_.facts(self_);
  const Message answered = describe(*reply);
  const bool at_once = before.resumptions == after.resumptions;
  observer_.handled(self_, {message, answered, before, after, at_once});
  observer_.sends(self_, answered);
  co_return reply;
}

Task<std::optional<PreVoteReply>> WireTap::answer(const PreVote& request) {
  return receive<PreVoteReply>(request);
}
Task<std::optional<RequestVoteReply>> WireTap::answer(const RequestVote& request) {
  return receive<RequestVoteReply>(request);
}
Task<std::optional<AppendEntriesReply>> WireTap::answer(const AppendEntries& request) {
  return receive<AppendEntriesReply>(request);
}
Task<std::optional<TimeoutNowReply>> WireTap::answer(const TimeoutNow& request) {
  return receive<TimeoutNowReply>(request);
}
Task<std::optional<ReadIndexReply>> WireTap::answer(const ReadIndex& request) {
  return receive<ReadIndexReply>(request);
}

// ---- Requests that a test makes up ----

void WireTap::post(Request request) {
  posted_.push_back(std::move(request));
  something_posted_.notify_one();
}

Task<> WireTap::hand_over_posted(TaskGroup& group) {
  for (;;) {
    while (posted_.empty()) co_await something_posted_.wait();
    Request request = std::move(posted_.front());
    posted_.erase(posted_.begin());
    group.spawn("posted", &WireTap::answer_posted, this, std::move(request));
  }
}

Task<> WireTap::answer_posted(Request request) {
  if (const auto* pre_vote = std::get_if<PreVote>(&request)) {
    co_await hand_over<PreVoteReply>(*pre_vote);
  } else if (const auto* vote = std::get_if<RequestVote>(&request)) {
    co_await hand_over<RequestVoteReply>(*vote);
  } else if (const auto* append = std::get_if<AppendEntries>(&request)) {
    co_await hand_over<AppendEntriesReply>(*append);
  } else if (const auto* transfer = std::get_if<TimeoutNow>(&request)) {
    co_await hand_over<TimeoutNowReply>(*transfer);
  } else {
    co_await hand_over<ReadIndexReply>(std::get<ReadIndex>(request));
  }
}

}  // namespace coracle::raft::sim

// A transport that ends in the test: it keeps what its node asks, and the test says what comes
// back.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "raft/transport.h"
#include "runtime/condition.h"
#include "runtime/event.h"
#include "runtime/sleep.h"
#include "tests/raft/server.h"

namespace coracle::raft {

class ScriptedTransport final : public Transport {
 public:
  // ---- What the node has asked, in its order ----
  std::vector<PreVote> pre_votes;
  std::vector<RequestVote> votes;
  std::vector<AppendEntries> appends;
  std::vector<ReadIndex> read_indexes;

  // ---- Who answers: the others are silent, to a question of theirs nothing comes back ----
  std::function<bool(const PreVote&)> grants_pre_vote = [](const PreVote&) { return true; };
  std::function<bool(const RequestVote&)> grants_vote = [](const RequestVote&) { return true; };
  // Returns the term that the reply tells of; nothing from who is silent. Who hears a leader of its
  // own term has all that it is sent, at once.
  std::function<std::optional<Term>(const AppendEntries&)> hears =
      [](const AppendEntries& request) { return std::optional(request.term); };

  // Waits until the node can be asked, and returns it.
  Task<Service*> service() {
    co_await up_.wait();
    co_return service_;
  }

  // Waits until `holds()`, which depends on what the node has asked.
  template <class Predicate>
  Task<> until(Predicate holds) {
    while (!holds()) co_await asked_.wait();
  }

  // ---- What the node sees ----
  Task<> run(Service& service) override {
    service_ = &service;
    up_.set();
    coracle::Event never;
    co_await never.wait();
  }

  Task<bool> connected(ServerId /*peer*/, TimePoint /*deadline*/) override { co_return true; }

  Task<std::optional<PreVoteReply>> call(const PreVote& request, TimePoint deadline) override {
    keep(pre_votes, request);
    if (!grants_pre_vote(request)) co_return co_await nothing<PreVoteReply>(deadline);
    co_return PreVoteReply{
        .header = raft::answer(request.header), .term = request.term, .granted = true};
  }

  Task<std::optional<RequestVoteReply>> call(const RequestVote& request,
                                             TimePoint deadline) override {
    keep(votes, request);
    if (!grants_vote(request)) co_return co_await nothing<RequestVoteReply>(deadline);
    co_return RequestVoteReply{
        .header = raft::answer(request.header), .term = request.term, .granted = true};
  }

  Task<std::optional<AppendEntriesReply>> call(const AppendEntries& request,
                                               TimePoint deadline) override {
    keep(appends, request);
    const std::optional<Term> term = hears(request);
    if (!term) co_return co_await nothing<AppendEntriesReply>(deadline);
    AppendEntriesReply reply = reply_to(request);
    if (*term == request.term) co_return reply;
    reply.term = *term;
    reply.success = false;
    reply.refusal = Refusal::stale_term;
    co_return reply;
  }

  Task<std::optional<ReadIndexReply>> call(const ReadIndex& request, TimePoint deadline) override {
    keep(read_indexes, request);
    co_return co_await nothing<ReadIndexReply>(deadline);
  }

 private:
  template <class Request>
  void keep(std::vector<Request>& asked, const Request& request) {
    asked.push_back(request);
    asked_.notify_all();
  }

  template <class Reply>
  static Task<std::optional<Reply>> nothing(TimePoint deadline) {
    co_await sleep_until(deadline);
    co_return std::nullopt;
  }

  // It has what it was sent, and has answered; a gap is refused.
  AppendEntriesReply reply_to(const AppendEntries& request) {
    LogIndex& has = has_[request.header.to];
    if (request.previous.index > has) {
      return refuse({.message = request}, {.term = 0, .index = has + 1});
    }
    has = std::max(has, request.previous.index + request.entries.size());
    return acknowledge({.message = request});
  }

  std::map<ServerId, LogIndex> has_;
  Service* service_ = nullptr;
  coracle::Event up_;
  Condition asked_;
};

}  // namespace coracle::raft

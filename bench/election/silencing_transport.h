// A transport that can fall silent: its connections stay open and nothing is sent any more, as if
// the server had died without its kernel telling anybody.
#pragma once

#include <optional>
#include <string>

#include "raft/transport.h"
#include "runtime/condition.h"

namespace bench::election {

namespace raft = coracle::raft;
using coracle::Condition;
using coracle::Task;
using coracle::TimePoint;

// Whether one server is silent. What it was asked meanwhile waits until it speaks again.
class Voice {
 public:
  void silence() { silent_ = true; }
  void speak() {
    silent_ = false;
    spoke_.notify_all();
  }
  [[nodiscard]] bool silent() const { return silent_; }
  [[nodiscard]] Condition& spoke() { return spoke_; }

 private:
  bool silent_ = false;
  Condition spoke_;
};

class SilencingTransport final : public raft::Transport, private raft::Service {
 public:
  // Notifies `heartbeat_sent` with each heartbeat that leaves. Borrows all three for its own life.
  SilencingTransport(raft::Transport& inner, Voice& voice, Condition& heartbeat_sent)
      : inner_(inner), voice_(voice), heartbeat_sent_(heartbeat_sent) {}

  Task<> run(raft::Service& service) override {
    service_ = &service;
    return inner_.run(*this);
  }
  Task<bool> connected(raft::ServerId peer, TimePoint deadline) override {
    return inner_.connected(peer, deadline);
  }
  Task<std::optional<raft::PreVoteReply>> call(const raft::PreVote& request,
                                               TimePoint deadline) override {
    return send<raft::PreVoteReply>(request, deadline);
  }
  Task<std::optional<raft::RequestVoteReply>> call(const raft::RequestVote& request,
                                                   TimePoint deadline) override {
    return send<raft::RequestVoteReply>(request, deadline);
  }
  Task<std::optional<raft::AppendEntriesReply>> call(const raft::AppendEntries& request,
                                                     TimePoint deadline) override {
    if (!voice_.silent() && request.entries.empty()) heartbeat_sent_.notify_all();
    return send<raft::AppendEntriesReply>(request, deadline);
  }
  Task<std::optional<raft::ReadIndexReply>> call(const raft::ReadIndex& request,
                                                 TimePoint deadline) override {
    return send<raft::ReadIndexReply>(request, deadline);
  }

 private:
  template <class Reply, class Request>
  Task<std::optional<Reply>> send(const Request& request, TimePoint deadline) {
    while (voice_.silent()) {
      const bool spoke = co_await voice_.spoke().wait_until(deadline);
      if (!spoke) co_return std::nullopt;
    }
    co_return co_await inner_.call(request, deadline);
  }

  template <class Reply, class Request>
  Task<std::optional<Reply>> receive(const Request& request) {
    while (voice_.silent()) co_await voice_.spoke().wait();
    co_return co_await service_->answer(request);
  }

  Task<std::optional<raft::PreVoteReply>> answer(const raft::PreVote& request) override {
    return receive<raft::PreVoteReply>(request);
  }
  Task<std::optional<raft::RequestVoteReply>> answer(const raft::RequestVote& request) override {
    return receive<raft::RequestVoteReply>(request);
  }
  Task<std::optional<raft::AppendEntriesReply>> answer(
      const raft::AppendEntries& request) override {
    return receive<raft::AppendEntriesReply>(request);
  }
  Task<std::optional<raft::TimeoutNowReply>> answer(const raft::TimeoutNow& request) override {
    return receive<raft::TimeoutNowReply>(request);
  }
  Task<std::optional<raft::ReadIndexReply>> answer(const raft::ReadIndex& request) override {
    return receive<raft::ReadIndexReply>(request);
  }
  raft::Hello introduce(raft::ServerId peer) override { return service_->introduce(peer); }
  std::optional<raft::HelloReply> meet(const raft::Hello& request) override {
    return service_->meet(request);
  }
  bool met(const raft::Hello& asked, const raft::HelloReply& reply) override {
    return service_->met(asked, reply);
  }
  [[nodiscard]] std::string why_ignored(const raft::RequestHeader& header) const override {
    return service_->why_ignored(header);
  }

  raft::Transport& inner_;
  Voice& voice_;
  Condition& heartbeat_sent_;
  raft::Service* service_ = nullptr;
};

}  // namespace bench::election

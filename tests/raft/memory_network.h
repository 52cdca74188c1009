// A transport inside one process: delivers at once, unless a test cuts the link. Messages are
// encoded and decoded on their way, as on any other.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "raft/transport.h"
#include "raft/wire.h"
#include "runtime/check.h"
#include "runtime/completion.h"
#include "runtime/condition.h"
#include "runtime/event.h"
#include "runtime/task_group.h"
#include "runtime/timeout.h"

namespace coracle::raft {

class MemoryTransport;

class MemoryNetwork {
 public:
  // Cuts or mends both directions between each of `some` and each of `others`.
  void cut(const std::set<ServerId>& some, const std::set<ServerId>& others) {
    for (const ServerId one : some) {
      for (const ServerId other : others) cut_.insert({one, other}), cut_.insert({other, one});
    }
  }
  // Cuts one direction: requests of `from`, and its replies to `to`, are lost.
  void cut_one_way(ServerId from, ServerId to) { cut_.insert({from, to}); }
  void heal() {
    cut_.clear();
    changed_.notify_all();
  }

 private:
  friend class MemoryTransport;

  // What is up of a server.
  struct Host {
    Service* service;
    TaskGroup* group;
  };

  [[nodiscard]] bool is_open(ServerId from, ServerId to) const {
    return !cut_.contains({from, to});
  }

  std::map<ServerId, Host> hosts_;
  std::set<std::pair<ServerId, ServerId>> cut_;
  Condition changed_;
};

class MemoryTransport final : public Transport {
 public:
  MemoryTransport(MemoryNetwork& network, ServerId self) : network_(network), self_(self) {}

  Task<> run(Service& service) override {
    struct AtEnd {
      MemoryTransport& transport;
      ~AtEnd() { transport.network_.hosts_.erase(transport.self_); }
    } const at_end{*this};
    coracle::Event never;
    co_await task_group([&](TaskGroup& group) -> Task<> {
      network_.hosts_[self_] = {.service = &service, .group = &group};
      network_.changed_.notify_all();
      co_await never.wait();
    });
  }

  Task<bool> connected(ServerId peer, TimePoint deadline) override {
    while (!network_.hosts_.contains(peer) || !network_.is_open(self_, peer)) {
      const bool changed = co_await network_.changed_.wait_until(deadline);
      if (!changed) co_return false;
    }
    co_return true;
  }

  Task<std::optional<PreVoteReply>> call(const PreVote& request, TimePoint deadline) override {
    return exchange<PreVoteReply>(request, deadline);
  }
  Task<std::optional<RequestVoteReply>> call(const RequestVote& request,
                                             TimePoint deadline) override {
    return exchange<RequestVoteReply>(request, deadline);
  }
  Task<std::optional<AppendEntriesReply>> call(const AppendEntries& request,
                                               TimePoint deadline) override {
    return exchange<AppendEntriesReply>(request, deadline);
  }
  Task<std::optional<ReadIndexReply>> call(const ReadIndex& request, TimePoint deadline) override {
    return exchange<ReadIndexReply>(request, deadline);
  }

 private:
  template <class Reply>
  using Answer = Completion<std::optional<Reply>>;

  template <class Reply, class Request>
  Task<std::optional<Reply>> exchange(const Request& request, TimePoint deadline) {
    const ServerId peer = request.header.to;
    const auto host = network_.hosts_.find(peer);
    if (host == network_.hosts_.end() || !network_.is_open(self_, peer)) co_return std::nullopt;
    const auto answer = std::make_shared<Answer<Reply>>();
    host->second.group->spawn("handler", handle<Reply, Request>, host->second.service,
                              *decode<Request>(encode(request)).message, answer);
    std::optional<std::optional<Reply>> reply = co_await within(deadline - now(), answer->wait());
    if (!reply || !*reply || !network_.is_open(peer, self_)) co_return std::nullopt;
    co_return decode<Reply>(encode(**reply)).message;
  }

  template <class Reply, class Request>
  static Task<> handle(Service* service, Request request, std::shared_ptr<Answer<Reply>> answer) {
    struct AtEnd {
      Answer<Reply>& answer;
      ~AtEnd() {
        if (!answer.decided()) answer.complete(std::nullopt);
      }
    } const at_end{*answer};
    answer->complete(co_await service->answer(request));
  }

  MemoryNetwork& network_;
  ServerId self_;
};

}  // namespace coracle::raft

// The transport over real sockets on loopback: N1, N3, N4, D8, and what a dead peer costs.
#include "raft/rpc_transport.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <vector>

#include "net/rpc_client.h"
#include "raft/disk_storage.h"
#include "raft/node.h"
#include "raft/replicated_map.h"
#include "raft/wire.h"
#include "runtime/sleep.h"
#include "tests/raft/with_directory.h"

namespace coracle::raft {
namespace {

using namespace std::chrono_literals;

constexpr ClusterId kTheCluster = 7;

// Answers everything, and notes what it was asked.
class Echo final : public Service {
 public:
  Task<std::optional<PreVoteReply>> answer(const PreVote&) override { co_return std::nullopt; }
  Task<std::optional<RequestVoteReply>> answer(const RequestVote& request) override {
    votes.push_back(request);
    co_return RequestVoteReply{.term = request.term, .granted = true};
  }
  Task<std::optional<AppendEntriesReply>> answer(const AppendEntries& request) override {
    appends.push_back(request);
    co_return AppendEntriesReply{.term = request.term, .success = true};
  }
  Task<std::optional<TimeoutNowReply>> answer(const TimeoutNow&) override {
    co_return std::nullopt;
  }
  Task<std::optional<ReadIndexReply>> answer(const ReadIndex&) override { co_return std::nullopt; }
  Hello introduce(ServerId peer) override {
    return {.header = {.cluster = kTheCluster, .from = self, .to = peer}};
  }
  std::optional<HelloReply> meet(const Hello& request) override {
    met_by.push_back(request.header.from);
    if (request.header.cluster != kTheCluster) return std::nullopt;
    return HelloReply{};
  }
  bool met(const Hello&, const HelloReply&) override { return true; }
  std::string why_ignored(const RequestHeader& header) const override {
    return header.cluster == kTheCluster ? "not_wanted" : "wrong_cluster";
  }

  ServerId self = 1;
  std::vector<RequestVote> votes;
  std::vector<AppendEntries> appends;
  std::vector<ServerId> met_by;
};

// Returns what a call throws.
template <class Result, class Request>
Task<std::string> failure_of(net::RpcClient& client, std::string method, Request request) {
  try {
    co_await client.call<Result>(method, request);
  } catch (const Error& error) {
    co_return error.what();
  }
  co_return "none";
}

// A message as one value, as it is: what any client of MessagePack-RPC could send.
template <class Message>
net::Packed packed(const Message& message) {
  return {.bytes = encode(message)};
}

// Runs server 1 with the given peers, and `test(address)` beside it.
template <class Test>
Task<> beside_server(Echo& service, std::map<ServerId, net::Address> peers, Test& test) {
  net::TcpListener listener = net::TcpListener::listen(net::Address::loopback(0));
  const net::Address address = listener.local_address();
  RpcTransport transport(std::move(listener), peers);
  co_await task_group([&](TaskGroup& group) -> Task<> {
    group.spawn(
        "transport",
        [](RpcTransport& running, Service& served) -> Task<> { co_await running.run(served); },
        std::ref(transport), std::ref(service));
    co_await test(address, transport);
    group.cancel();
  });
}

template <class Test>
void run_beside_server(Echo& service, const std::map<ServerId, net::Address>& peers, Test test,
                       const RunOptions& options = {}) {
  run(beside_server(service, peers, test), options);
}

// N1, N3
TEST(RpcTransportTest, HearsOnlyIntroducedPeersOnTheirNewestConnection) {
  Echo service;
  run_beside_server(service, {}, [&](net::Address address, RpcTransport&) -> Task<> {
    net::RpcClient first = co_await net::RpcClient::connect(address);
    net::RpcClient second = co_await net::RpcClient::connect(address);
    const RequestHeader from_2{.cluster = kTheCluster, .from = 2, .to = 1};
    const net::Packed hello = packed(Hello{.header = from_2});
    const net::Packed vote = packed(RequestVote{.header = from_2, .term = 4});

    std::string why = co_await failure_of<net::Packed>(first, "request_vote", vote);
    EXPECT_NE(why.find("not_introduced"), std::string::npos) << why;
    co_await first.call<net::Packed>("hello", hello);
    const net::Packed answer = co_await first.call<net::Packed>("request_vote", vote);
    EXPECT_EQ(decode<RequestVoteReply>(answer.bytes).message->term, 4U);

    co_await second.call<net::Packed>("hello", hello);
    why = co_await failure_of<net::Packed>(first, "request_vote", vote);
    EXPECT_NE(why.find("not_introduced"), std::string::npos) << "the older life: " << why;
    why = co_await failure_of<net::Packed>(first, "hello", hello);
    EXPECT_NE(why.find("not_introduced"), std::string::npos) << "nor may it come back: " << why;
    co_await second.call<net::Packed>("request_vote", vote);
    EXPECT_EQ(service.votes.size(), 2U);
  });
}

// N1: whoever has said who it is cannot be another on the same connection.
TEST(RpcTransportTest, AConnectionIsOneServers) {
  Echo service;
  run_beside_server(service, {}, [&](net::Address address, RpcTransport&) -> Task<> {
    net::RpcClient client = co_await net::RpcClient::connect(address);
    const RequestHeader from_2{.cluster = kTheCluster, .from = 2, .to = 1};
    const RequestHeader from_3{.cluster = kTheCluster, .from = 3, .to = 1};
    const net::Packed hello = packed(Hello{.header = from_2});
    const net::Packed other = packed(Hello{.header = from_3});
    const net::Packed vote = packed(RequestVote{.header = from_3, .term = 4});
    co_await client.call<net::Packed>("hello", hello);
    std::string why = co_await failure_of<net::Packed>(client, "hello", other);
    EXPECT_NE(why.find("this connection is that of server 2"), std::string::npos) << why;
    why = co_await failure_of<net::Packed>(client, "request_vote", vote);
    EXPECT_NE(why.find("not_introduced"), std::string::npos) << why;
    co_await client.call<net::Packed>("hello", hello);
    EXPECT_TRUE(service.votes.empty());
  });
}

// N1, N4: each refusal says why, and the connection lives on.
TEST(RpcTransportTest, SaysWhyItDoesNotAnswer) {
  Echo service;
  run_beside_server(service, {}, [&](net::Address address, RpcTransport&) -> Task<> {
    net::RpcClient client = co_await net::RpcClient::connect(address);
    net::Packed other_version = packed(Hello{});
    other_version.bytes[1] = std::byte{2};  // right behind the head of the array
    std::string why = co_await failure_of<net::Packed>(client, "hello", other_version);
    EXPECT_NE(why.find("protocol version 2, this server speaks 1"), std::string::npos) << why;
    const net::Packed stranger = packed(Hello{.header = {.cluster = 99, .from = 2, .to = 1}});
    why = co_await failure_of<net::Packed>(client, "hello", stranger);
    EXPECT_NE(why.find("ignored: wrong_cluster"), std::string::npos) << why;
    why = co_await failure_of<net::Packed>(client, "request_vote", std::string("hello"));
    EXPECT_NE(why.find("request_vote is no array"), std::string::npos) << why;
    const RequestHeader from_2{.cluster = kTheCluster, .from = 2, .to = 1};
    const net::Packed hello = packed(Hello{.header = from_2});
    co_await client.call<net::Packed>("hello", hello);
    const net::Packed unwanted = packed(PreVote{.header = from_2, .term = 4});
    why = co_await failure_of<net::Packed>(client, "pre_vote", unwanted);
    EXPECT_NE(why.find("ignored: not_wanted"), std::string::npos) << why;
  });
}

// Whoever is up is connected; calls to others return at once, with nothing.
TEST(RpcTransportTest, CallsPeersThatAreUp) {
  Echo one;
  Echo two;
  two.self = 2;
  run_beside_server(two, {}, [&](net::Address second, RpcTransport&) -> Task<> {
    const std::map<ServerId, net::Address> peers{{2, second}};
    auto test = [&](net::Address, RpcTransport& transport) -> Task<> {
      const bool connected = co_await transport.connected(2, kNever);
      EXPECT_TRUE(connected);
      AppendEntries request{.header = {.cluster = kTheCluster, .from = 1, .to = 2}, .term = 3};
      request.entries.push_back({.term = 3, .data = {std::byte{9}}});
      const auto reply = co_await transport.call(request, deadline_after(now(), 10s));
      EXPECT_TRUE(reply && reply->success);
      EXPECT_EQ(two.appends, std::vector<AppendEntries>{request});

      const AppendEntries to_nobody{.header = {.cluster = kTheCluster, .from = 1, .to = 3}};
      const auto nothing = co_await transport.call(to_nobody, kNever);
      EXPECT_FALSE(nothing);
      const bool known = co_await transport.connected(3, kNever);
      EXPECT_FALSE(known);
    };
    co_await beside_server(one, peers, test);
  });
}

// A peer that is down: few attempts, one line; once it is up it is met soon, and calls go through.
TEST(RpcTransportTest, ADeadPeerCostsOneLineAndIsMetWhenItComesUp) {
  Echo service;
  std::vector<std::string> lines;
  RunOptions options;
  options.log_sink = [&](std::string_view line) { lines.emplace_back(line); };
  std::uint16_t port = 0;
  run([](std::uint16_t& free_port) -> Task<> {  // a port that nobody listens on
    free_port = net::TcpListener::listen(net::Address::loopback(0)).local_address().port();
    co_return;
  }(port));
  const net::Address dead = net::Address::loopback(port);
  run_beside_server(
      service, {{2, dead}},
      [&](net::Address address, RpcTransport& transport) -> Task<> {
        const bool early = co_await transport.connected(2, deadline_after(now(), 300ms));
        EXPECT_FALSE(early);
        EXPECT_EQ(lines.size(), 1U) << "said once";
        EXPECT_NE(lines.front().find("event=unreachable"), std::string::npos) << lines.front();

        Echo second;
        second.self = 2;
        net::TcpListener listener = net::TcpListener::listen(dead);
        RpcTransport theirs(std::move(listener), {{1, address}});
        co_await task_group([&](TaskGroup& group) -> Task<> {
          group.spawn(
              "second",
              [](RpcTransport& running, Service& served) -> Task<> {
                co_await running.run(served);
              },
              std::ref(theirs), std::ref(second));
          const TimePoint up = now();
          const bool late = co_await transport.connected(2, deadline_after(now(), 10s));
          EXPECT_TRUE(late);
          EXPECT_LT(now() - up, 900ms) << "its own hello cut the pause short";
          EXPECT_EQ(second.met_by, std::vector<ServerId>{1});
          group.cancel();
        });
      },
      options);
}

// The whole of it: three nodes with sockets and disks.
TEST(RpcTransportTest, NodesElectOverIt) {
  run_with_directory([](std::string directory) -> Task<> {
    std::map<ServerId, net::Address> addresses;
    std::map<ServerId, std::unique_ptr<DiskStorage>> storages;
    std::map<ServerId, std::unique_ptr<RpcTransport>> transports;
    std::map<ServerId, ReplicatedMap> maps;
    std::map<ServerId, std::unique_ptr<Node>> nodes;
    std::map<ServerId, net::TcpListener> listeners;
    Condition happened;
    for (ServerId id = 1; id <= 3; ++id) {
      listeners[id] = net::TcpListener::listen(net::Address::loopback(0));
      addresses[id] = listeners[id].local_address();
    }
    for (ServerId id = 1; id <= 3; ++id) {
      std::map<ServerId, net::Address> peers = addresses;
      peers.erase(id);
      transports[id] = std::make_unique<RpcTransport>(std::move(listeners[id]), peers);
      const std::string data = directory + "/" + std::to_string(id);
      DiskStorage storage = co_await DiskStorage::open(data, kTheCluster, id);
      storages[id] = std::make_unique<DiskStorage>(std::move(storage));
      nodes[id] =
          std::make_unique<Node>(*storages[id], Configuration({1, 2, 3}), *transports[id], maps[id],
                                 Options(), [&](const Event&) { happened.notify_all(); });
    }
    const auto agreed = [&] {
      const ServerId leader = nodes[1]->status().leader;
      return leader != kNobody && nodes[2]->status().leader == leader &&
             nodes[3]->status().leader == leader && nodes[leader]->status().role == "leader";
    };
    co_await task_group([&](TaskGroup& group) -> Task<> {
      for (const auto& [id, node] : nodes) group.spawn("node", &Node::run, node.get());
      while (!agreed()) co_await happened.wait();
      group.cancel();
    });
  });
}

}  // namespace
}  // namespace coracle::raft

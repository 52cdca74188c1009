// One server of a cluster that replicates 64-byte entries and applies nothing.
//
//   commit_server --id N --members 1=HOST:PORT,... --data DIR [--memory] [--sync-delay
//   MICROSECONDS]
//
// Methods over RPC: `propose(bytes)`; `role()`; `stored()` → [writes, entries]; and
// `load(in_flight, milliseconds)` → [proposals, p50, p99, p99.9 in microseconds], which has this
// server propose to itself.
#include <getopt.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "bench/commit/histogram.h"
#include "bench/commit/load_result.h"
#include "bench/commit/storages.h"
#include "net/tcp.h"
#include "raft/disk_storage.h"
#include "raft/node.h"
#include "raft/proposal_errors.h"
#include "raft/rpc_transport.h"
#include "runtime/run.h"
#include "runtime/task_group.h"

namespace {

using namespace coracle;
using namespace coracle::bench::commit;
using raft::SharedBytes;

struct Settings {
  raft::ServerId id = 1;
  std::map<raft::ServerId, net::Address> members;
  std::string data;
  bool memory = false;
  Duration sync_delay{};
};

class NothingToApply final : public raft::StateMachine {
 public:
  Task<std::vector<SharedBytes>> apply(std::span<const raft::Command> commands) override {
    co_return std::vector<SharedBytes>(commands.size());
  }
};

Task<> propose_until(raft::Node& node, TimePoint end, Histogram& took) {
  const SharedBytes entry(std::string(64, 'x'));
  while (now() < end) {
    const TimePoint begin = now();
    co_await node.propose(entry);
    took.add(now() - begin);
  }
}

Task<LoadResult> load(raft::Node& node, std::uint64_t in_flight, std::uint64_t milliseconds) {
  Histogram took;
  const TimePoint end = now() + std::chrono::milliseconds(milliseconds);
  co_await task_group([&](TaskGroup& group) -> Task<> {
    for (std::uint64_t i = 0; i < in_flight; ++i) {
      group.spawn("propose", propose_until, std::ref(node), end, std::ref(took));
    }
    co_return;
  });
  co_return result_of(took);
}

Task<bool> propose_one(raft::Node& node, std::string command) {
  co_await node.propose(SharedBytes(command));
  co_return true;
}

Task<> serve_with(const Settings& settings, raft::Storage& inner) {
  CountingStorage storage(inner, settings.sync_delay);
  std::map<raft::ServerId, net::Address> peers = settings.members;
  const net::Address own = peers.extract(settings.id).mapped();
  std::vector<raft::ServerId> voters;
  for (const auto& [id, address] : settings.members) voters.push_back(id);
  raft::RpcTransport transport(net::TcpListener::listen(own), peers);
  NothingToApply machine;
  raft::Options options;
  options.timing = {.heartbeat = std::chrono::milliseconds(200),
                    .timeout_min = std::chrono::milliseconds(1000),
                    .timeout_max = std::chrono::milliseconds(1500)};
  raft::Node node(storage, raft::Configuration(voters), transport, machine, options);
  net::RpcServer& server = transport.server();
  server.handle("role", [&node] { return std::string(node.status().role); });
  server.handle("propose", [&node](std::string command) { return propose_one(node, command); });
  server.handle("load", [&node](std::uint64_t in_flight, std::uint64_t milliseconds) {
    return load(node, in_flight, milliseconds);
  });
  server.handle("stored", [&storage] {
    return std::vector<std::uint64_t>{storage.stored().writes, storage.stored().entries};
  });
  co_await node.run();
}

Task<> serve(const Settings& settings) {
  if (settings.memory) {
    MemoryStorage storage(
        {.cluster = 1, .self = settings.id, .incarnation = {.directory = settings.id, .start = 1}});
    co_await serve_with(settings, storage);
  } else {
    raft::DiskStorage storage = co_await raft::DiskStorage::open(settings.data, 1, settings.id);
    co_await serve_with(settings, storage);
  }
}

std::map<raft::ServerId, net::Address> parse_members(const std::string& text) {
  std::map<raft::ServerId, net::Address> members;
  std::istringstream all(text);
  for (std::string one; std::getline(all, one, ',');) {
    const std::size_t equals = one.find('=');
    const auto address = net::Address::parse(one.substr(equals + 1));
    if (equals == std::string::npos || !address) return {};
    members.emplace(std::stoull(one.substr(0, equals)), *address);
  }
  return members;
}

int usage() {
  std::fputs(
      "usage: commit_server --id N --members 1=HOST:PORT,... --data DIR [--memory] "
      "[--sync-delay MICROSECONDS]\n",
      stderr);
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  const std::vector<option> known = {
      {"id", required_argument, nullptr, 'i'},         {"members", required_argument, nullptr, 'm'},
      {"data", required_argument, nullptr, 'd'},       {"memory", no_argument, nullptr, 'n'},
      {"sync-delay", required_argument, nullptr, 's'}, {nullptr, 0, nullptr, 0}};
  for (int flag = 0; (flag = getopt_long(argc, argv, "", known.data(), nullptr)) != -1;) {
    switch (flag) {
      case 'i': settings.id = std::strtoull(optarg, nullptr, 10); break;
      case 'm': settings.members = parse_members(optarg); break;
      case 'd': settings.data = optarg; break;
      case 'n': settings.memory = true; break;
      case 's':
        settings.sync_delay = std::chrono::microseconds(std::strtoull(optarg, nullptr, 10));
        break;
      default: return usage();
    }
  }
  const bool has_data = settings.memory || !settings.data.empty();
  if (!settings.members.contains(settings.id) || !has_data) return usage();
  RunOptions options;
  options.log_level = LogLevel::warn;
  run(serve(settings), options);
  return 0;
}

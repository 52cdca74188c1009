#include "apps/demo_cluster.h"

#include <algorithm>

#include "net/tcp.h"
#include "runtime/timeout.h"

namespace coracle::demo {
namespace {

using Answers = std::vector<std::optional<ServerStatus>>;

// Servers log what changes; one that hangs logs nothing.
constexpr Duration kAskAgain = std::chrono::milliseconds(50);

Task<> ask_into(DemoServer& server, std::optional<ServerStatus>& answer) {
  answer = co_await server.status();
}

// The leader that a majority of those who answer names, if it is among them and agrees.
std::optional<LeaderView> agreed_leader(const Answers& answers, std::ptrdiff_t up) {
  for (const auto& candidate : answers) {
    if (!candidate || candidate->role != "leader") continue;
    const auto agree = std::ranges::count_if(answers, [&](const auto& answer) {
      return answer && answer->leader == candidate->id && answer->term == candidate->term;
    });
    if (agree > up / 2) return LeaderView{candidate->id, candidate->term};
  }
  return std::nullopt;
}

}  // namespace

DemoCluster::DemoCluster(const std::string& program, std::uint64_t number, const Members& members,
                         const std::vector<std::string>& timing, const std::string& directory,
                         DemoLog& log) {
  for (const auto& [id, address] : members) {
    std::vector<std::string> arguments{"serve",
                                       "--id",
                                       std::to_string(id),
                                       "--members",
                                       print_members(members),
                                       "--cluster",
                                       std::to_string(number),
                                       "--data",
                                       directory + "/node-" + std::to_string(id),
                                       "--log",
                                       "debug"};
    arguments.insert(arguments.end(), timing.begin(), timing.end());
    servers_.push_back(
        std::make_unique<DemoServer>(id, address, program, std::move(arguments), log, news_));
  }
}

DemoServer* DemoCluster::find(std::uint64_t id) const {
  const auto at = std::ranges::find(servers_, id, [](const auto& server) { return server->id(); });
  return at == servers_.end() ? nullptr : at->get();
}

std::vector<net::Address> DemoCluster::addresses() const {
  std::vector<net::Address> addresses;
  addresses.reserve(servers_.size());
  for (const auto& server : servers_) addresses.push_back(server->address());
  return addresses;
}

Task<> DemoCluster::bury() {
  for (const auto& server : servers_) co_await server->bury();
}

Task<Answers> DemoCluster::ask_all() {
  Answers answers(servers_.size());
  co_await task_group([&](TaskGroup& group) -> Task<> {
    for (std::size_t at = 0; at < servers_.size(); ++at) {
      group.spawn("ask", ask_into, std::ref(*servers_[at]), std::ref(answers[at]));
    }
    co_return;
  });
  co_return answers;
}

Task<std::optional<LeaderView>> DemoCluster::find_leader() {
  const Answers answers = co_await ask_all();
  const auto up = std::ranges::count_if(
      servers_, [](const auto& server) { return server->state() == DemoServer::State::up; });
  co_return agreed_leader(answers, up);
}

Task<LeaderView> DemoCluster::keep_asking() {
  for (;;) {
    const std::optional<LeaderView> leader = co_await find_leader();
    if (leader) co_return *leader;
    co_await news_.wait_until(deadline_after(now(), kAskAgain));
  }
}

Task<std::optional<LeaderView>> DemoCluster::wait_leader(Duration timeout) {
  co_return co_await within(timeout, keep_asking());
}

Members free_members(std::uint64_t count) {
  Members members;
  std::vector<net::TcpListener> reserved;  // all at once, so that each gets a port of its own
  for (std::uint64_t id = 1; id <= count; ++id) {
    reserved.push_back(net::TcpListener::listen(net::Address::loopback(0)));
    members.emplace(id, reserved.back().local_address());
  }
  return members;
}

}  // namespace coracle::demo

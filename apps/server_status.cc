#include "apps/server_status.h"

#include <spdlog/fmt/fmt.h>

#include "runtime/timeout.h"

namespace coracle::demo {
namespace {

template <class Result>
Task<Result> ask(net::Address server, std::string method) {
  net::RpcClient client = co_await net::RpcClient::connect(server);
  co_return co_await client.call<Result>(method);
}

}  // namespace

std::string describe(const ServerStatus& status) {
  const std::string leader = status.leader == 0 ? "none" : std::to_string(status.leader);
  return fmt::format("role={} term={} leader={}", status.role, status.term, leader);
}

std::string describe_all(const ServerStatus& status) {
  const std::string vote = status.vote == 0 ? "none" : std::to_string(status.vote);
  return fmt::format("node={} {} vote={} commit={} applied={} last_index={}", status.id,
                     describe(status), vote, status.commit_index, status.applied_index,
                     status.last_index);
}

Task<ServerStatus> ask_status(net::Address server, Duration timeout) {
  co_return co_await with_timeout(timeout, ask<ServerStatus>(server, "status"));
}

Task<std::string> ask_tasks(net::Address server, Duration timeout) {
  co_return co_await with_timeout(timeout, ask<std::string>(server, "tasks"));
}

}  // namespace coracle::demo

// Clients of commit_server: so many calls in flight, over a few connections.
//
//   commit_load ADDRESS wait
//     waits until there is a leader; prints `leads` or `follows`
//   commit_load ADDRESS own IN_FLIGHT MILLISECONDS
//     has the server propose to itself
//   commit_load ADDRESS rpc IN_FLIGHT MILLISECONDS
//     proposes through RPC
//
// Prints one line of JSON.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bench/commit/histogram.h"
#include "bench/commit/load_result.h"
#include "net/address.h"
#include "net/rpc.h"
#include "runtime/error.h"
#include "runtime/run.h"
#include "runtime/sleep.h"
#include "runtime/task_group.h"

namespace {

using namespace coracle;
using bench::commit::Histogram;
using bench::commit::LoadResult;
using bench::commit::result_of;

struct Settings {
  net::Address address;
  std::string what;
  std::uint64_t in_flight = 1;
  std::uint64_t milliseconds = 1000;
};

Task<> propose_until(net::RpcClient& client, TimePoint end, Histogram& took) {
  const std::string entry(64, 'x');
  while (now() < end) {
    const TimePoint begin = now();
    co_await client.call<bool>("propose", entry);
    took.add(now() - begin);
  }
}

Task<LoadResult> load(const Settings& settings) {
  constexpr std::uint64_t kCallsOfOneConnection = 32;
  std::vector<std::unique_ptr<net::RpcClient>> clients;
  const std::uint64_t count =
      (settings.in_flight + kCallsOfOneConnection - 1) / kCallsOfOneConnection;
  clients.reserve(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    net::RpcClient client = co_await net::RpcClient::connect(settings.address);
    clients.push_back(std::make_unique<net::RpcClient>(std::move(client)));
  }
  Histogram took;
  const TimePoint end = now() + std::chrono::milliseconds(settings.milliseconds);
  co_await task_group([&](TaskGroup& group) -> Task<> {
    for (std::uint64_t i = 0; i < settings.in_flight; ++i) {
      group.spawn("propose", propose_until, std::ref(*clients[i % count]), end, std::ref(took));
    }
    co_return;
  });
  co_return result_of(took);
}

Task<> wait_for_role(const Settings& settings) {
  for (int tries = 0; tries < 200; ++tries) {
    std::string role;
    try {
      net::RpcClient client = co_await net::RpcClient::connect(settings.address);
      role = co_await client.call<std::string>("role");
    } catch (const Error&) {
      role.clear();  // not up yet
    }
    if (role == "leader" || role == "follower") {
      std::printf("%s\n", role == "leader" ? "leads" : "follows");
      co_return;
    }
    co_await sleep_for(std::chrono::milliseconds(50));
  }
  throw Error(ETIMEDOUT, "wait for", settings.address.to_string());
}

Task<> measure(const Settings& settings) {
  if (settings.what == "wait") {
    co_await wait_for_role(settings);
    co_return;
  }
  net::RpcClientOptions patient;
  patient.call_timeout = std::chrono::minutes(5);
  net::RpcClient client = co_await net::RpcClient::connect(settings.address, patient);
  const auto before = co_await client.call<std::vector<std::uint64_t>>("stored");
  LoadResult result;
  if (settings.what == "own") {
    result = co_await client.call<LoadResult>("load", settings.in_flight, settings.milliseconds);
  } else {
    result = co_await load(settings);
  }
  const auto after = co_await client.call<std::vector<std::uint64_t>>("stored");
  const double seconds = static_cast<double>(settings.milliseconds) / 1000;
  const auto writes = static_cast<double>(after[0] - before[0]);
  std::printf(
      "{\"per_second\": %.1f, \"p50_us\": %.1f, \"p99_us\": %.1f, \"p999_us\": %.1f, "
      "\"entries_per_sync\": %.2f}\n",
      static_cast<double>(result.proposals) / seconds, result.p50, result.p99, result.p999,
      writes > 0 ? static_cast<double>(after[1] - before[1]) / writes : 0);
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  const auto address = argc > 2 ? net::Address::parse(argv[1]) : std::nullopt;
  if (address) settings.address = *address;
  settings.what = argc > 2 ? argv[2] : "";
  const bool loads = settings.what == "own" || settings.what == "rpc";
  if (loads && argc == 5) {
    settings.in_flight = std::strtoull(argv[3], nullptr, 10);
    settings.milliseconds = std::strtoull(argv[4], nullptr, 10);
  }
  const bool fits = (loads && argc == 5) || (settings.what == "wait" && argc == 3);
  if (!address || !fits || settings.in_flight == 0) {
    std::fputs("usage: commit_load ADDRESS wait | own IN_FLIGHT MS | rpc IN_FLIGHT MS\n", stderr);
    return 2;
  }
  try {
    run(measure(settings));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "commit_load: %s\n", error.what());
    return 1;
  }
  return 0;
}

// Calls that are canceled, or whose process crashes, at each of their suspensions.
#include <gtest/gtest.h>

#include "runtime/combinators.h"
#include "tests/net/rpc_service.h"
#include "tests/runtime/sweep.h"

namespace coracle::net {
namespace {

// Two callers share a client, so that the turn to read is handed on; one of them gives up.
Task<> two_callers(Service& /*service*/, Address address) {
  RpcClient client = co_await RpcClient::connect(address);
  const auto steady = [&]() -> Task<> {
    for (int i = 0; i < 3; ++i) {
      const int sum = co_await client.call<int>("sum", i, i);
      EXPECT_EQ(sum, 2 * i);
    }
    co_await client.notify("note", "done");
  };
  const auto impatient = [&]() -> Task<> {
    const auto text = co_await within(2ms, client.call<std::string>("hold", "never"));
    EXPECT_EQ(text, std::nullopt);
  };
  co_await when_all(impatient(), steady(), impatient(), steady());
}

Task<> scenario() {
  Service service;
  auto body = &two_callers;
  co_await beside_service(service, body);
}

TEST(RpcSweep, CanBeCanceledAnywhere) { sweep::cancel_everywhere(scenario); }

TEST(RpcSweep, CanCrashAnywhere) { sweep::crash_everywhere(scenario); }

}  // namespace
}  // namespace coracle::net

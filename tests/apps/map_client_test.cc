// Clients of the map against a simulated cluster: they find the leader, each write takes effect
// once, and what is not known is told as unknown. (R3, R4, B61)
#include "apps/map_client.h"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "net/rpc_client.h"
#include "runtime/sleep.h"
#include "runtime/task_group.h"
#include "tests/apps/map_world.h"

namespace coracle::demo {
namespace {

using namespace std::chrono_literals;
using Value = std::optional<std::string>;

// What became of a write.
enum class Told { done, nothing_done, unknown, refused };

Task<> append_to(MapClient& client, std::string key, std::string value, Told& told) {
  try {
    co_await client.append(key, value);
    told = Told::done;
  } catch (const MapOutcomeUnknown&) {
    told = Told::unknown;
  } catch (const TimedOut&) {
    told = Told::nothing_done;
  } catch (const net::RpcError& error) {
    EXPECT_EQ(error.fault().code, kBadCommand);
    told = Told::refused;
  }
}

MapClientOptions patience(Duration timeout) {
  MapClientOptions options;
  options.timeout = timeout;
  return options;
}

TEST(MapClient, DoesEveryOperation) {
  MapWorld world;
  world.play([&]() -> Task<> {
    MapClient client(world.addresses);
    EXPECT_EQ(co_await client.get("x"), std::nullopt);
    EXPECT_EQ(co_await client.put("x", "1"), std::nullopt);
    EXPECT_EQ(co_await client.put("x", "2"), Value("1"));
    EXPECT_EQ(co_await client.append("x", "3"), Value("2"));
    EXPECT_EQ(co_await client.append("new", "4"), std::nullopt);
    EXPECT_EQ(co_await client.get("x"), Value("23"));
    const raft::MapResult missed = co_await client.compare_and_set("x", "2", "5");
    EXPECT_FALSE(missed.done);
    EXPECT_EQ(missed.found, Value("23"));
    const raft::MapResult hit = co_await client.compare_and_set("x", "23", "6");
    EXPECT_TRUE(hit.done);
    const raft::MapResult made = co_await client.compare_and_set("y", std::nullopt, "7");
    EXPECT_TRUE(made.done);
    EXPECT_EQ(co_await client.remove("new"), Value("4"));
    const MapPairs all = co_await client.dump();
    EXPECT_EQ(all, (MapPairs{{"x", "6"}, {"y", "7"}}));
    co_await client.close();
    EXPECT_EQ(co_await client.remove("y"), Value("7"));  // in another session
  });
}

// By what a follower says, though the client was not told of the leader; and by trying, though the
// first that it was told of is dead.
TEST(MapClient, FindsTheLeader) {
  MapWorld world;
  world.elect();
  for (const net::Address& only : world.addresses) {
    world.play([&]() -> Task<> {
      MapClient client({only});
      co_await client.append("x", "a");
    });
  }
  EXPECT_EQ(world.read("x"), Value("aaa"));
  sim::Host& follower = world.follower();
  follower.crash();
  world.play([&]() -> Task<> {
    MapClient client({world.address(follower), world.address(world.leader())});
    co_await client.append("x", "b");
  });
  EXPECT_EQ(world.read("x"), Value("aaab"));
}

TEST(MapClient, FollowersAnswerReads) {
  MapWorld world;
  world.elect();
  world.play([&]() -> Task<> {
    MapClient writer(world.addresses);
    MapClient reader({world.address(world.follower())}, patience(1s));
    for (int i = 0; i < 20; ++i) {
      co_await writer.put("x", std::to_string(i));
      const Value found = co_await reader.get("x");
      EXPECT_EQ(found, Value(std::to_string(i))) << "what was acknowledged before is seen";
    }
  });
}

// B61: the command is committed, its answer is lost, and the client asks again.
TEST(MapClient, AsksAgainWithoutEffectWhenTheAnswerWasLost) {
  MapWorld world;
  world.elect();
  Told told = Told::nothing_done;
  world.start([&]() -> Task<> {
    MapClient client({world.address(world.leader())});
    co_await client.put("log", "");
    co_await sleep_for(1s);
    co_await append_to(client, "log", "a;", told);
    EXPECT_EQ(co_await client.append("log", "b;"), Value("a;"));
  });
  world.world.run_for(500ms);
  world.cut_answers();
  world.world.run_for(3s);  // it is in the log by now, and was asked for again
  world.network.heal();
  world.run_to_the_end();
  EXPECT_EQ(told, Told::done);
  EXPECT_EQ(world.read("log"), Value("a;b;"));
}

// At each of many moments of a call, the process or the machine of the leader dies.
TEST(MapClient, EachWriteTakesEffectOnceWhenTheLeaderDiesInMidCall) {
  for (int moment = 0; moment < 40; ++moment) {
    MapWorld world(static_cast<std::uint64_t>(moment));
    sim::Host& leader = world.elect();
    Told told = Told::nothing_done;
    bool begun = false;
    world.start([&]() -> Task<> {
      MapClient client(world.addresses);
      co_await client.put("log", "");
      begun = true;
      co_await append_to(client, "log", "a;", told);
      EXPECT_EQ(co_await client.append("log", "b;"), Value("a;")) << moment;
    });
    EXPECT_TRUE(world.world.run_until([&] { return begun; }, 10s));
    world.world.run_for(moment * 100us);
    if (leader.running()) moment % 2 == 0 ? leader.crash() : leader.crash_machine();
    world.world.run_for(2s);
    leader.restart();
    world.run_to_the_end();
    EXPECT_EQ(told, Told::done) << moment;
    EXPECT_EQ(world.read("log"), Value("a;b;")) << moment;
  }
}

// R4: what may have taken effect is never told as failed; what has not begun is.
TEST(MapClient, TellsAnUnknownOutcomeAsUnknown) {
  MapWorld world;
  world.elect();
  Told told = Told::done;
  const auto write_after_a_second = [&]() -> Task<> {
    MapClient client(world.addresses, patience(2s));
    co_await client.put("log", "");
    co_await sleep_for(1s);
    co_await append_to(client, "log", "a;", told);
  };
  world.start(write_after_a_second);
  world.world.run_for(500ms);
  world.cut_answers();
  world.run_to_the_end();
  EXPECT_EQ(told, Told::unknown);
  world.network.heal();
  EXPECT_EQ(world.read("log"), Value("a;")) << "it was no failure";
}

TEST(MapClient, TellsThatNothingWasDone) {
  MapWorld world;
  world.elect();
  Told told = Told::done;
  world.cut_requests();
  world.play([&]() -> Task<> {
    MapClient client(world.addresses, patience(2s));
    co_await append_to(client, "log", "a;", told);
  });
  EXPECT_EQ(told, Told::nothing_done) << "there was no connection";
  world.network.heal();
  for (sim::Host* server : world.servers) {
    if (server != &world.leader()) server->crash();
  }
  world.world.run_for(1s);
  world.play([&]() -> Task<> {
    MapClient client(world.addresses, patience(2s));
    co_await append_to(client, "log", "b;", told);
  });
  EXPECT_EQ(told, Told::nothing_done) << "there was no leader";
  for (sim::Host* server : world.servers) {
    if (!server->running()) server->restart();
  }
  EXPECT_EQ(world.read("log"), std::nullopt);
}

TEST(MapClient, OpensAnotherSessionWhenItsOwnHasExpired) {
  MapWorld world;
  world.play([&]() -> Task<> {
    MapClientOptions options;
    options.session_idle_max = 200ms;
    MapClient client(world.addresses, options);
    co_await client.append("log", "a;");
    co_await sleep_for(1s);
    EXPECT_EQ(co_await client.append("log", "b;"), Value("a;"));
    co_await sleep_for(1s);
    EXPECT_EQ(co_await client.append("log", "c;"), Value("a;b;"));
  });
  EXPECT_EQ(world.read("log"), Value("a;b;c;"));
}

// R3: a command of an expired session is not applied as new, even if an earlier attempt has no
// answer: then nobody knows.
TEST(MapClient, DoesNotBeginAnewWhenTheSessionExpiredMeanwhile) {
  MapWorld world;
  world.elect();
  Told told = Told::done;
  world.start([&]() -> Task<> {
    MapClientOptions options = patience(20s);
    options.session_idle_max = 500ms;
    MapClient client({world.address(world.leader())}, options);
    co_await client.put("log", "");
    co_await sleep_for(400ms);
    co_await append_to(client, "log", "a;", told);
  });
  world.world.run_for(200ms);
  world.cut_answers();
  world.world.run_for(1s);
  world.cut_requests();  // the session is idle from now on
  world.world.run_for(3s);
  world.network.heal();
  world.run_to_the_end();
  EXPECT_EQ(told, Told::unknown);
  EXPECT_EQ(world.read("log"), Value("a;"));
}

TEST(MapClient, ManyFibersShareOne) {
  MapWorld world;
  sim::Host& leader = world.elect();
  constexpr int kFibers = 100;
  constexpr int kEach = 5;
  world.start([&]() -> Task<> {
    MapClient client(world.addresses);
    const auto write = [&](int number) -> Task<> {
      for (int i = 0; i < kEach; ++i) {
        co_await client.append("log", std::to_string(number * kEach + i) + ";");
        co_await sleep_for(1ms);
      }
    };
    co_await task_group([&](TaskGroup& group) -> Task<> {
      for (int i = 0; i < kFibers; ++i) group.spawn("writer", std::ref(write), i);
      co_return;
    });
  });
  world.world.run_for(20ms);
  leader.crash();
  world.run_to_the_end();
  const std::string log = ";" + world.read("log").value_or("");
  for (int i = 0; i < kFibers * kEach; ++i) {
    const std::string token = ";" + std::to_string(i) + ";";
    const std::size_t at = log.find(token);
    EXPECT_NE(at, std::string::npos) << i;
    EXPECT_EQ(log.find(token, at + 1), std::string::npos) << i << " twice";
  }
}

TEST(MapClient, AMapOfManyMegabytesComesInPieces) {
  MapWorld world;
  MapPairs written;
  world.play([&]() -> Task<> {
    MapClient client(world.addresses);
    for (int i = 0; i < 60; ++i) {
      const std::string key = "k" + std::to_string(i);
      written[key] = std::string(100'000, static_cast<char>('a' + i % 26));
      co_await client.put(key, written[key]);
    }
    const MapPairs all = co_await client.dump();
    EXPECT_EQ(all, written);
    const MapPairs held = co_await ask_held(world.addresses.front(), 5s);
    EXPECT_FALSE(held.empty());
  });
}

// What a follower holds may be old; what it answers is not.
TEST(MapClient, AFollowerThatIsCutOffHoldsLessAndAnswersNothing) {
  MapWorld world;
  world.elect();
  sim::Host& follower = world.follower();
  std::vector<sim::Host*> others;
  for (sim::Host* server : world.servers) {
    if (server != &follower) others.push_back(server);
  }
  world.play([&]() -> Task<> {
    MapClient client(world.addresses);
    co_await client.put("x", "old");
  });
  world.world.run_for(1s);
  world.network.partition({&follower}, others);
  world.play([&]() -> Task<> {
    MapClient client({world.address(world.leader())});
    co_await client.put("x", "new");
    const MapPairs held = co_await ask_held(world.address(follower), 1s);
    EXPECT_EQ(held, (MapPairs{{"x", "old"}}));
    net::RpcClient direct = co_await net::RpcClient::connect(world.address(follower));
    std::string code;
    try {
      co_await direct.call<Value>("read", "x");
    } catch (const net::RpcError& error) {
      code = error.fault().code;
    }
    EXPECT_EQ(code, kNotLeader);
  });
  world.network.heal();
  world.world.run_for(2s);
  world.play([&]() -> Task<> {
    const MapPairs held = co_await ask_held(world.address(follower), 1s);
    EXPECT_EQ(held, (MapPairs{{"x", "new"}}));
  });
}

Task<std::string> code_of(Task<> call) {
  try {
    co_await std::move(call);
  } catch (const net::RpcError& error) {
    co_return error.fault().code;
  }
  co_return "none";
}

TEST(MapService, RefusesWhatIsNoCommand) {
  MapWorld world;
  sim::Host& leader = world.elect();
  world.play([&]() -> Task<> {
    net::RpcClient direct = co_await net::RpcClient::connect(world.address(leader));
    EXPECT_EQ(co_await code_of(direct.call("command", "explode", "x", "1")), kBadCommand);
    EXPECT_EQ(co_await code_of(direct.call("open_session", 0)), kBadCommand);
    EXPECT_EQ(co_await code_of(direct.call("open_session", -5)), kBadCommand);
    EXPECT_EQ(co_await code_of(direct.call("close_session", 4711)), kSessionExpired);
    InSession nobody{.session = 4711, .sequence = 1, .lowest_unanswered = 1};
    const Value none;
    EXPECT_EQ(co_await code_of(direct.call("command", "put", "x", "1", none, nobody)),
              kSessionExpired);
    EXPECT_EQ(co_await code_of(direct.call("command", "put", "x")), net::kBadParams);
    EXPECT_EQ(co_await code_of(direct.call("command", "put", "x", "1")), "none");
    net::RpcClient other = co_await net::RpcClient::connect(world.address(world.follower()));
    std::string hint;
    try {
      co_await other.call("command", "put", "x", "2");
    } catch (const net::RpcError& error) {
      EXPECT_EQ(error.fault().code, kNotLeader);
      hint = error.fault().text;
    }
    EXPECT_EQ(hint, world.address(leader).to_string());
    MapClient client(world.addresses);
    // Larger than a command may be, and than any message.
    for (const std::size_t bytes : {2'000'000U, 5'000'000U}) {
      Told told = Told::done;
      co_await append_to(client, "x", std::string(bytes, 'a'), told);
      EXPECT_EQ(told, Told::refused) << bytes;
    }
  });
  EXPECT_EQ(world.read("x"), Value("1"));
}

}  // namespace
}  // namespace coracle::demo

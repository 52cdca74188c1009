// The chat room on virtual time: what its members see.
#include "apps/chat_room.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <functional>
#include <vector>

#include "net/sim/network.h"
#include "runtime/log.h"
#include "runtime/sim/simulation.h"
#include "runtime/sleep.h"
#include "runtime/task_group.h"
#include "tests/apps/guest.h"

namespace coracle {
namespace {

using namespace std::chrono_literals;
using GuestPtr = std::unique_ptr<Guest>;

Task<> run_room(net::Address at, std::size_t queue) {
  net::TcpListener listener = net::TcpListener::listen(at);
  co_await serve_chat(listener, queue);
}

struct RoomWorld {
  explicit RoomWorld(std::size_t queue = 256, std::uint64_t seed = 1) : world(seed) {
    server.options().log_sink = [this](std::string_view line) {
      if (line.find(" dropped name=") != line.npos) ++dropped;
    };
    server.start(run_room, room, queue);
    world.run_for(1ms);
  }

  // Runs one host's program to its end.
  void play(std::function<Task<>()> script) {
    guests.start(std::move(script));
    EXPECT_TRUE(world.run_until([this] { return !guests.running(); }, 1h)) << world.tasks();
    expect_no_failure(guests);
  }

  static void expect_no_failure(const sim::Host& host) {
    if (host.failure() == nullptr) return;
    ADD_FAILURE() << host.name() << ": " << describe_exception(host.failure());
  }

  // Everybody has gone, and nothing is left of them.
  void expect_empty() {
    world.run_for(1min);
    EXPECT_EQ(network.sockets_of(server), 1U) << "the listener";
    server.signal(SIGINT);
    world.run_for(1min);
    EXPECT_FALSE(server.running());
    expect_no_failure(server);
    EXPECT_EQ(network.connections(), 0U);
  }

  int dropped = 0;
  sim::Simulation world;
  net::sim::Network network{world};
  sim::Host& server = world.add_host("server");
  sim::Host& guests = world.add_host("guests");
  net::Address room = net::sim::Network::address_of(server, 7000);
};

// --- talk --------------------------------------------------------------------------------------

TEST(ChatRoom, GivesEachLineToAllOthers) {
  RoomWorld world;
  world.play([&]() -> Task<> {
    const GuestPtr ann = co_await Guest::enter(world.room, "ann");
    const GuestPtr bob = co_await Guest::enter(world.room, "bob");
    const GuestPtr eve = co_await Guest::enter(world.room, "eve");
    co_await ann->expect("* bob joined");
    co_await ann->expect("* eve joined");
    co_await bob->expect("* eve joined");
    co_await ann->say("hello");
    co_await bob->expect("ann: hello");
    co_await eve->expect("ann: hello");
    co_await bob->say("");  // nothing to say
    co_await bob->say("hi \x1b[31mann\x07");
    co_await ann->expect("bob: hi [31mann");
    co_await eve->expect("bob: hi [31mann");
    co_await eve->say("/quit");
    co_await eve->expect("* bye");
    co_await eve->expect("(end)");
    co_await ann->expect("* eve left");
    co_await bob->stream().finish();
    co_await ann->expect("* bob left");
  });
  world.expect_empty();
}

TEST(ChatRoom, TellsWhoIsThereAndRenames) {
  RoomWorld world;
  world.play([&]() -> Task<> {
    const GuestPtr bob = co_await Guest::enter(world.room, "bob");
    const GuestPtr ann = co_await Guest::enter(world.room, "ann");
    const GuestPtr nobody = co_await Guest::arrive(world.room);
    co_await ann->say("/who");
    co_await ann->expect("* ann bob");
    co_await ann->say("/nick bob");
    co_await ann->expect("* that name is taken");
    co_await ann->say("/nick zoe");
    co_await ann->expect("* ann is now zoe");
    co_await bob->expect("* ann joined");
    co_await bob->expect("* ann is now zoe");
    co_await ann->say("/who");
    co_await ann->expect("* bob zoe");
    co_await ann->say("x");
    co_await bob->expect("zoe: x");
    const GuestPtr other = co_await Guest::enter(world.room, "ann");  // free again
    co_await bob->expect("* ann joined");
    co_await bob->say("/what");
    co_await bob->expect("* there are /who, /nick NEW and /quit");
  });
  world.expect_empty();
}

TEST(ChatRoom, AsksAgainForANameThatNobodyCanHave) {
  RoomWorld world;
  world.play([&]() -> Task<> {
    const std::string rule =
        "* a name has 1 to 20 visible characters, no `:`, and no `*` or `/` first; another one?";
    const GuestPtr ann = co_await Guest::enter(world.room, "ann");
    const GuestPtr other = co_await Guest::arrive(world.room);
    for (const char* name :
         {"", "an n", "*ann", "/who", "a:", "a23456789012345678901", "\xc3\xa4"}) {
      co_await other->say(name);
      co_await other->expect(rule);
    }
    co_await other->say("ann");
    co_await other->expect("* that name is taken; another one?");
    co_await other->say("a2345678901234567890");
    co_await other->expect("* welcome; there are /who, /nick NEW and /quit");
    co_await ann->expect("* a2345678901234567890 joined");
    co_await other->say("/nick a b");
    const std::string same_rule = rule.substr(0, rule.find(';'));
    co_await other->expect(same_rule);
  });
  world.expect_empty();
}

TEST(ChatRoom, EndsWhoWritesTooLongALine) {
  RoomWorld world;
  world.play([&]() -> Task<> {
    const GuestPtr ann = co_await Guest::enter(world.room, "ann");
    const GuestPtr bob = co_await Guest::enter(world.room, "bob");
    co_await ann->expect("* bob joined");
    co_await bob->say(std::string(ChatRoom::kLineBytesMax - 1, 'x'));
    co_await ann->expect("bob: " + std::string(ChatRoom::kLineBytesMax - 1, 'x'));
    co_await bob->say(std::string(100 * ChatRoom::kLineBytesMax, 'x'));
    co_await bob->expect("* that line is too long");
    co_await bob->expect("(end)");
    co_await ann->expect("* bob left");
  });
  world.expect_empty();
}

TEST(ChatRoom, AResetIsADeparture) {
  RoomWorld world;
  world.play([&]() -> Task<> {
    const GuestPtr ann = co_await Guest::enter(world.room, "ann");
    const GuestPtr bob = co_await Guest::enter(world.room, "bob");
    co_await ann->expect("* bob joined");
    bob->stream().reset();
    co_await ann->expect("* bob left");
    co_await ann->say("/who");
    co_await ann->expect("* ann");
  });
  world.expect_empty();
}

// --- slow readers ------------------------------------------------------------------------------

// Hundreds of lines in one segment, with room for two: whoever reads gets them all.
TEST(ChatRoom, APastedTextDropsNobodyWhoReads) {
  constexpr int kLines = 500;
  RoomWorld world(/*queue=*/2);
  world.play([&]() -> Task<> {
    const GuestPtr ann = co_await Guest::enter(world.room, "ann");
    const GuestPtr bob = co_await Guest::enter(world.room, "bob");
    std::string text;
    for (int i = 0; i < kLines; ++i) text += std::to_string(i) + "\n";
    co_await ann->expect("* bob joined");
    co_await ann->stream().write(text);
    for (int i = 0; i < kLines; ++i) co_await bob->expect("ann: " + std::to_string(i));
  });
  world.expect_empty();
}

Task<> join_and_count(net::Address room, int number, std::size_t& heard) {
  const GuestPtr guest = co_await Guest::enter(room, "guest" + std::to_string(number));
  for (std::string line; line != "(silence)"; ++heard) line = co_await guest->hear();
}

TEST(ChatRoom, EverybodyAtOnceDropsNobody) {
  constexpr std::size_t kGuests = 100;
  RoomWorld world(/*queue=*/1);
  world.network.set_default_link({.latency = sim::exactly(1ms)});
  std::size_t heard = 0;
  world.play([&]() -> Task<> {
    co_await task_group([&](TaskGroup& group) -> Task<> {
      for (std::size_t i = 0; i < kGuests; ++i) {
        group.spawn("guest", join_and_count, world.room, static_cast<int>(i), std::ref(heard));
      }
      co_return;
    });
  });
  EXPECT_GE(heard, kGuests) << "the silence at the end, at least";
  EXPECT_EQ(world.dropped, 0);
  world.expect_empty();
}

std::string numbered(int i) { return std::to_string(i) + std::string(900, '.'); }

// It was dropped, reads what it still gets: all the lines from the first on, then the notice.
TEST(ChatRoom, TellsASlowReaderWhyItIsDropped) {
  RoomWorld world(/*queue=*/16);
  world.play([&]() -> Task<> {
    const GuestPtr ann = co_await Guest::enter(world.room, "ann");
    const GuestPtr slow = co_await Guest::enter(world.room, "slow");
    const GuestPtr bob = co_await Guest::enter(world.room, "bob");
    co_await ann->expect("* slow joined");
    co_await ann->expect("* bob joined");
    int said = 0;
    std::string heard;
    for (; heard.empty(); ++said) {
      co_await ann->say(numbered(said));
      co_await bob->expect("ann: " + numbered(said));
      co_await ann->say("/who");
      heard = co_await ann->hear();
      if (heard == "* ann bob slow") heard.clear();
    }
    EXPECT_EQ(heard, "* slow was dropped: it reads too slowly");
    co_await ann->expect("* ann bob");
    co_await bob->expect("* slow was dropped: it reads too slowly");
    co_await slow->expect("* bob joined");
    int read = 0;
    for (heard = co_await slow->hear(); heard.front() != '*'; heard = co_await slow->hear()) {
      EXPECT_EQ(heard, "ann: " + numbered(read++));
    }
    EXPECT_GT(read, 500);
    EXPECT_LT(read, said - 16) << "what was in the queue is dropped";
    EXPECT_EQ(heard, "* you were dropped: you read too slowly");
    co_await slow->expect("(end)");
    co_await ann->expect("(silence)");  // it does not leave twice
  });
  world.expect_empty();
}

TEST(ChatRoom, WhoAsksWithoutReadingIsHeldUp) {
  RoomWorld world(/*queue=*/16);
  world.play([&]() -> Task<> {
    const GuestPtr ann = co_await Guest::enter(world.room, "ann");
    const GuestPtr greedy = co_await Guest::enter(world.room, "greedy");
    co_await ann->expect("* greedy joined");
    std::string questions;
    for (int i = 0; i < 10'000; ++i) questions += "/who\n";
    int rounds = 0;
    while (co_await within(1s, greedy->stream().write(questions))) ++rounds;
    EXPECT_LT(rounds, 100);
    co_await ann->say("x");
    co_await ann->say("/who");
    co_await ann->expect("* ann greedy");
  });
  world.expect_empty();
}

// --- the end -----------------------------------------------------------------------------------

TEST(ChatRoom, TellsEverybodyThatItCloses) {
  RoomWorld world;
  world.play([&]() -> Task<> {
    const GuestPtr ann = co_await Guest::enter(world.room, "ann");
    const GuestPtr bob = co_await Guest::enter(world.room, "bob");
    const GuestPtr nobody = co_await Guest::arrive(world.room);
    co_await ann->expect("* bob joined");
    co_await ann->say("last words");
    co_await bob->expect("ann: last words");
    world.server.signal(SIGINT);
    for (const GuestPtr* guest : {&ann, &bob, &nobody}) {
      co_await (*guest)->expect("* the server is closing");
      co_await (*guest)->expect("(end)");
    }
  });
  world.world.run_for(1s);
  EXPECT_FALSE(world.server.running());
  RoomWorld::expect_no_failure(world.server);
  EXPECT_EQ(world.network.connections(), 0U);
}

// More than the kernels and the stream hold: some of it waits in the room.
TEST(ChatRoom, SendsWhatWaitsBeforeItCloses) {
  constexpr int kLines = 850;
  RoomWorld world;
  world.play([&]() -> Task<> {
    const GuestPtr ann = co_await Guest::enter(world.room, "ann");
    const GuestPtr bob = co_await Guest::enter(world.room, "bob");
    for (int i = 0; i < kLines; ++i) co_await ann->say(numbered(i));
    co_await sleep_for(100ms);
    world.server.signal(SIGINT);
    co_await sleep_for(100ms);
    for (int i = 0; i < kLines; ++i) co_await bob->expect("ann: " + numbered(i));
    co_await bob->expect("* the server is closing");
    co_await bob->expect("(end)");
  });
}

// --- a cut cable -------------------------------------------------------------------------------

struct Listener {
  std::vector<std::string> heard;
  bool ended = false;
};

Task<> listen_in(net::Address room, std::string name, Listener& listener) {
  const GuestPtr guest = co_await Guest::enter(room, name);
  while (!listener.ended) {
    listener.heard.push_back(co_await guest->hear());
    listener.ended = listener.heard.back().starts_with('(');
  }
}

Task<> speak(net::Address room, int lines) {
  const GuestPtr guest = co_await Guest::enter(room, "speaker");
  for (int i = 0; i < lines; ++i) {
    co_await guest->say(numbered(i));
    co_await sleep_for(2ms);
  }
  co_await guest->say("/quit");
  co_await guest->expect("* lost was dropped: it reads too slowly");
}

std::vector<std::string> lines_of_speaker(const Listener& listener) {
  std::vector<std::string> lines;
  for (const std::string& line : listener.heard) {
    if (line.starts_with("speaker: ")) lines.push_back(line.substr(9));
  }
  return lines;
}

void run_with_a_cut(std::uint64_t seed) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  constexpr int kLines = 800;  // more than the kernel, the stream and the queue hold
  RoomWorld world(/*queue=*/32, seed);
  sim::Host& lost = world.world.add_host("lost");
  std::vector<Listener> listeners(4);
  Listener cut_off;
  std::vector<sim::Host*> hosts;
  for (std::size_t i = 0; i < listeners.size(); ++i) {
    hosts.push_back(&world.world.add_host("host" + std::to_string(i)));
    hosts[i]->start(listen_in, world.room, "listener" + std::to_string(i), std::ref(listeners[i]));
  }
  lost.start(listen_in, world.room, std::string("lost"), std::ref(cut_off));
  world.world.run_for(100ms);
  world.guests.start(speak, world.room, kLines);
  world.world.run_for(world.world.random().between(0ms, 200ms));
  world.network.partition({&world.server}, {&lost});
  EXPECT_TRUE(world.world.run_until([&] { return !world.guests.running(); }, 1min));
  RoomWorld::expect_no_failure(world.guests);
  world.world.run_for(10s);  // the time to part, and to linger
  EXPECT_EQ(world.network.sockets_of(world.server), 1 + listeners.size());
  world.server.signal(SIGINT);
  world.world.run_for(10s);
  for (const Listener& listener : listeners) {
    const std::vector<std::string> lines = lines_of_speaker(listener);
    EXPECT_EQ(lines.size(), static_cast<std::size_t>(kLines));
    for (std::size_t i = 0; i < lines.size(); ++i) {
      ASSERT_EQ(lines[i], numbered(static_cast<int>(i)));
    }
    EXPECT_EQ(std::ranges::count(listener.heard, "* lost was dropped: it reads too slowly"), 1);
    EXPECT_EQ(std::ranges::count(listener.heard, "* speaker left"), 1);
    EXPECT_EQ(listener.heard.back(), "(end)");
  }
  EXPECT_FALSE(world.server.running());
}

TEST(ChatRoom, AMemberBehindACutCableIsDroppedAndNobodyElseIsHurt) {
  for (std::uint64_t seed = 1; seed <= 20 && !testing::Test::HasFailure(); ++seed) {
    run_with_a_cut(seed);
  }
}

}  // namespace
}  // namespace coracle

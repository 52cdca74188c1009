// What peers see when a process dies, when a machine does, and when a process is only stopped.
#include <functional>

#include "net/resolve.h"
#include "runtime/task_group.h"
#include "tests/net/sim/hosts.h"

namespace coracle::net {
namespace {

// A program that accepts one connection and then waits for ever.
Task<> accept_and_wait(Address address) {
  TcpListener listener = TcpListener::listen(address);
  const TcpStream stream = co_await listener.accept();
  co_await sleep_for(24h);
}

Task<> accept_write_and_wait(Address address, std::string text) {
  TcpListener listener = TcpListener::listen(address);
  TcpStream stream = co_await listener.accept();
  co_await stream.write(text);
  co_await sleep_for(24h);
}

Task<> connect_and_read(Address address, Reader& reader) {
  TcpStream stream = co_await TcpStream::connect(address);
  co_await reader.read_from(stream);
}

// --- a process ---------------------------------------------------------------------------------

TEST(SimCrash, OfAProcessEndsItsConnections) {
  TwoHosts hosts;
  hosts.set_latency(1ms);
  Reader reader;
  hosts.b.start(accept_write_and_wait, hosts.at_b, "last words");
  hosts.a.start(connect_and_read, hosts.at_b, std::ref(reader));
  hosts.world.run_for(1s);
  hosts.b.crash();
  EXPECT_EQ(hosts.network.sockets_of(hosts.b), 1U) << "the kernel ends it in order";
  hosts.world.run_for(1s);
  EXPECT_EQ(reader.text, "last words");
  EXPECT_TRUE(reader.ended);
  EXPECT_EQ(reader.code, std::error_code());
  EXPECT_EQ(reader.last, 1s + 1ms);
  EXPECT_EQ(hosts.network.connections(), 0U);
}

// 256 KiB are in the kernel's send buffer, unacknowledged; what the stream itself holds dies with
// the process.
TEST(SimCrash, OfAProcessLeavesWhatItsKernelHasTaken) {
  TwoHosts hosts;
  hosts.network.link(hosts.a, hosts.b, {.bytes_per_second = 1'000'000});
  Reader reader;
  hosts.b.start(accept_write_and_wait, hosts.at_b, pattern(1024 * 1024));
  hosts.a.start(connect_and_read, hosts.at_b, std::ref(reader));
  hosts.world.run_for(10ms);
  hosts.b.crash();
  const std::size_t arrived = reader.text.size();
  hosts.world.run_for(10s);
  EXPECT_TRUE(reader.ended);
  EXPECT_EQ(reader.code, std::error_code());
  EXPECT_LE(arrived, 10'000U);
  EXPECT_GE(reader.text.size(), 256U * 1024);
  EXPECT_LE(reader.text.size(), 256U * 1024 + 10'000);
}

TEST(SimCrash, OfAProcessThatHadNotReadAllIsAReset) {
  TwoHosts hosts;
  std::error_code code;
  hosts.b.start(accept_and_wait, hosts.at_b);
  hosts.a.start([&]() -> Task<> {
    TcpStream stream = co_await TcpStream::connect(hosts.at_b);
    co_await stream.write("unread");
    code = co_await code_of(read_once(stream));
  });
  hosts.world.run_for(1s);
  hosts.b.crash();
  hosts.world.run_for(1s);
  EXPECT_EQ(code, std::errc::connection_reset);
  EXPECT_EQ(hosts.network.connections(), 0U);
}

TEST(SimCrash, OfAProcessResetsWhatItHadNotAccepted) {
  TwoHosts hosts;
  std::error_code code;
  hosts.b.start([&]() -> Task<> {
    const TcpListener listener = TcpListener::listen(hosts.at_b);
    co_await sleep_for(24h);
  });
  hosts.a.start([&]() -> Task<> {
    TcpStream stream = co_await TcpStream::connect(hosts.at_b);
    code = co_await code_of(read_once(stream));
    const std::error_code again = co_await code_of(TcpStream::connect(hosts.at_b));
    EXPECT_EQ(again, std::errc::connection_refused) << "the listener is gone as well";
  });
  hosts.world.run_for(1s);
  EXPECT_EQ(code, std::error_code());
  hosts.b.crash();
  run_to_the_end(hosts.world);
  EXPECT_EQ(code, std::errc::connection_reset);
  EXPECT_EQ(hosts.network.connections(), 0U);
}

// The answer of a kernel whose process has gone: what is sent now is answered with a reset.
TEST(SimCrash, OfAProcessIsSeenByAWriteAsWell) {
  TwoHosts hosts;
  hosts.b.start(accept_and_wait, hosts.at_b);
  hosts.a.start([&]() -> Task<> {
    TcpStream stream = co_await TcpStream::connect(hosts.at_b);
    co_await sleep_for(2s);
    co_await stream.write("anybody?");
    co_await sleep_for(5ms);
    const std::error_code code = co_await code_of(stream.write("anybody?"));
    EXPECT_EQ(code, std::errc::broken_pipe);
  });
  hosts.world.run_for(1s);
  hosts.b.crash();
  run_to_the_end(hosts.world);
}

// The writer waits for a window; its kernel asks for that, and learns.
TEST(SimCrash, OfAProcessWhoseResetIsLost) {
  TwoHosts hosts;
  hosts.b.start(accept_and_wait, hosts.at_b);
  std::error_code code;
  hosts.a.start([&]() -> Task<> {
    TcpStream stream = co_await TcpStream::connect(hosts.at_b);
    code = co_await code_of(stream.write(pattern(1024 * 1024)));
  });
  hosts.world.run_for(1s);
  hosts.network.link_one_way(hosts.b, hosts.a, {.loss = 1});
  hosts.b.crash();
  hosts.network.link_one_way(hosts.b, hosts.a, {});
  hosts.world.run_for(1s);
  EXPECT_EQ(code, std::errc::connection_reset);
  EXPECT_EQ(hosts.network.connections(), 0U);
}

TEST(SimCrash, OfAProcessLeavesItsPortFree) {
  TwoHosts hosts;
  Reader reader;
  hosts.b.start(accept_write_and_wait, hosts.at_b, "again");
  hosts.world.run_for(1s);
  hosts.b.crash();
  hosts.b.restart();
  hosts.world.run_for(1ms);
  hosts.a.start(connect_and_read, hosts.at_b, std::ref(reader));
  hosts.world.run_for(1s);
  EXPECT_EQ(reader.text, "again");
}

TEST(SimCrash, OfAProcessThatConnectsOrLooksUp) {
  TwoHosts hosts;
  hosts.network.cut(hosts.a, hosts.b);
  hosts.network.set_lookups(hosts.a, sim::Lookups::hanging);
  hosts.a.start([&]() -> Task<> {
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("connect",
                  [&]() -> Task<> { static_cast<void>(co_await TcpStream::connect(hosts.at_b)); });
      group.spawn("look up", []() -> Task<> { static_cast<void>(co_await resolve("b", 1)); });
      co_return;
    });
  });
  hosts.world.run_for(500ms);
  EXPECT_EQ(hosts.network.connections(), 1U);
  hosts.a.crash();
  EXPECT_EQ(hosts.network.connections(), 0U);
  hosts.world.run_for(10s);
}

// --- a machine ---------------------------------------------------------------------------------

// No end, no reset: nobody is told, until something is sent and never acknowledged.
TEST(SimCrash, OfAMachineIsSilent) {
  TwoHosts hosts;
  Reader reader;
  hosts.b.start(accept_write_and_wait, hosts.at_b, "last words");
  hosts.a.start(connect_and_read, hosts.at_b, std::ref(reader));
  hosts.world.run_for(1s);
  hosts.b.crash_machine();
  EXPECT_EQ(hosts.network.sockets_of(hosts.b), 0U);
  hosts.world.run_for(24h);
  EXPECT_EQ(reader.text, "last words");
  EXPECT_FALSE(reader.ended);
}

TEST(SimCrash, OfAMachineIsFoundByWhoSends) {
  TwoHosts hosts;
  hosts.b.start(accept_and_wait, hosts.at_b);
  std::error_code code;
  hosts.a.start([&]() -> Task<> {
    TcpStream stream = co_await TcpStream::connect(hosts.at_b);
    co_await sleep_for(2s);
    co_await stream.write("anybody?");
    code = co_await code_of(read_once(stream));
    EXPECT_GT(since_begin(), 2s + 924s);
  });
  hosts.world.run_for(1s);
  hosts.b.crash_machine();
  run_to_the_end(hosts.world);
  EXPECT_EQ(code, std::errc::timed_out);
  EXPECT_EQ(hosts.network.connections(), 0U);
}

TEST(SimCrash, OfAMachineIsFoundByWhoWaitsForAWindow) {
  TwoHosts hosts;
  hosts.b.start(accept_and_wait, hosts.at_b);
  hosts.a.start([&]() -> Task<> {
    TcpStream stream = co_await TcpStream::connect(hosts.at_b);
    const std::error_code code = co_await code_of(stream.write(pattern(1024 * 1024)));
    EXPECT_EQ(code, std::errc::timed_out);
    EXPECT_LT(since_begin(), 1s + 930s);
  });
  hosts.world.run_for(1s);
  hosts.b.crash_machine();
  run_to_the_end(hosts.world);
}

// What it had sent before is on the wire; what was still in its buffers is lost.
TEST(SimCrash, OfAMachineLeavesWhatIsOnTheWire) {
  TwoHosts hosts;
  hosts.set_latency(5ms);
  Reader reader;
  hosts.b.start(accept_write_and_wait, hosts.at_b, pattern(1024 * 1024));
  hosts.a.start(connect_and_read, hosts.at_b, std::ref(reader));
  hosts.world.run_for(17ms);  // the third handshake segment arrives after 15
  EXPECT_EQ(reader.text, "");
  hosts.b.crash_machine();
  hosts.world.run_for(1h);
  EXPECT_EQ(reader.text.size(), 256U * 1024);
  EXPECT_FALSE(reader.ended);
}

// It had heard the SYN; its answer is lost in a cut, and then it is gone.
TEST(SimCrash, OfAMachineThatHadHeardASynOnly) {
  TwoHosts hosts;
  hosts.set_latency(1ms);
  hosts.b.start(accept_and_wait, hosts.at_b);
  hosts.a.start([&]() -> Task<> {
    const std::error_code code = co_await code_of(TcpStream::connect(hosts.at_b));
    EXPECT_EQ(code, std::errc::timed_out);
    EXPECT_GE(since_begin(), 127s);
    EXPECT_LT(since_begin(), 127s + 10ms);
  });
  hosts.world.run_for(1500us);
  EXPECT_EQ(hosts.network.sockets_of(hosts.b), 2U);
  hosts.network.cut(hosts.b, hosts.a);
  hosts.b.crash_machine();
  run_to_the_end(hosts.world);
  EXPECT_EQ(hosts.network.connections(), 0U);
}

// Whichever of its answers to the SYN gets through: the client connects, or gives up.
TEST(SimCrash, OfAMachineThatAnswersASynLeavesNobodyWaiting) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    TwoHosts hosts(seed);
    hosts.network.link_one_way(hosts.a, hosts.b, {.latency = exactly(1ms)});
    hosts.network.link_one_way(hosts.b, hosts.a, {.latency = exactly(1ms), .loss = 0.5});
    hosts.b.start(accept_and_wait, hosts.at_b);
    hosts.a.start(
        [&]() -> Task<> { static_cast<void>(co_await code_of(TcpStream::connect(hosts.at_b))); });
    hosts.world.run_for(1500us);
    hosts.b.crash_machine();
    ASSERT_TRUE(hosts.world.run_until([&] { return !hosts.a.running(); }, 10min));
  }
}

// A machine that is up again answers with a reset what it knows nothing of: so half-open
// connections are found.
TEST(SimCrash, OfAMachineIsToldOnceItIsUpAgain) {
  TwoHosts hosts;
  hosts.b.start(accept_and_wait, hosts.at_b);
  hosts.a.start([&]() -> Task<> {
    TcpStream stream = co_await TcpStream::connect(hosts.at_b);
    co_await sleep_for(4s);
    co_await stream.write("anybody?");
    const std::error_code code = co_await code_of(read_once(stream));
    EXPECT_EQ(code, std::errc::connection_reset);
    EXPECT_LT(since_begin(), 4s + 10ms);
  });
  hosts.world.run_for(1s);
  hosts.b.crash_machine();
  hosts.world.run_for(1s);
  hosts.b.restart();
  hosts.world.run_for(10s);
  EXPECT_FALSE(hosts.a.running());
  expect_no_failure(hosts.a);
}

TEST(SimCrash, OfAMachineWhileItsProcessIsPaused) {
  TwoHosts hosts;
  hosts.b.start(accept_and_wait, hosts.at_b);
  hosts.world.run_for(1s);
  hosts.b.pause();
  hosts.b.crash_machine();
  EXPECT_EQ(hosts.network.sockets_of(hosts.b), 0U);
  std::error_code code;
  hosts.a.start([&]() -> Task<> { code = co_await code_of(TcpStream::connect(hosts.at_b)); });
  run_to_the_end(hosts.world);
  EXPECT_EQ(code, std::errc::timed_out);
}

// --- a paused process --------------------------------------------------------------------------

TEST(SimPause, LeavesTheKernelAtWork) {
  TwoHosts hosts;
  Reader reader;
  hosts.b.start(accept_and_read, hosts.at_b, std::ref(reader));
  hosts.world.run_for(1s);
  hosts.b.pause();
  Duration finished{};
  hosts.a.start([&]() -> Task<> {
    TcpStream stream = co_await TcpStream::connect(hosts.at_b);
    co_await stream.write(pattern(100'000));
    co_await stream.finish();
    finished = since_begin();
  });
  hosts.world.run_for(10s);
  EXPECT_GT(finished, 1s);
  EXPECT_LT(finished, 1s + 20ms) << "acknowledged by the kernel alone";
  EXPECT_EQ(reader.text, "");
  hosts.b.resume();
  run_to_the_end(hosts.world);
  expect_equal_bytes(reader.text, pattern(100'000));
}

TEST(SimPause, HoldsUpWhoeverWritesALot) {
  TwoHosts hosts;
  Reader reader;
  hosts.b.start(accept_and_read, hosts.at_b, std::ref(reader));
  hosts.world.run_for(1s);
  hosts.b.pause();
  bool written = false;
  hosts.a.start([&]() -> Task<> {
    TcpStream stream = co_await TcpStream::connect(hosts.at_b);
    co_await stream.write(pattern(1024 * 1024));
    written = true;
  });
  hosts.world.run_for(1h);
  EXPECT_FALSE(written);
  hosts.b.resume();
  run_to_the_end(hosts.world);
  EXPECT_EQ(reader.text.size(), 1024U * 1024);
}

}  // namespace
}  // namespace coracle::net

// What serve() owes its connections, and what one connection cannot do to another.
#include "net/serve.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <stdexcept>

#include "net/buffered_reader.h"
#include "runtime/event.h"
#include "runtime/sleep.h"
#include "runtime/task_group.h"
#include "runtime/timeout.h"
#include "tests/net/tcp_pair.h"

namespace coracle::net {
namespace {

// Opens a listener, serves it with `handler`, and awaits `clients(address)` beside that; then
// cancels the server.
//   Returns    what was logged.
template <class Handler, class Clients>
std::vector<std::string> with_server(Handler handler, Clients clients, ServeOptions options = {}) {
  return in_loop([&]() -> Task<> {
    TcpListener listener = TcpListener::listen(Address::loopback(0));
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("serve", [&]() { return serve(listener, handler, options); });
      co_await clients(listener.local_address());
      group.cancel();
    });
  });
}

// A line of text decides what becomes of the connection.
Task<> obey(TcpStream peer) {
  for (;;) {
    const std::string order = co_await read_once(peer);
    if (order.empty()) co_return;
    if (order == "fail") throw Error(EIO, "obey", "fail");
    if (order == "time out") co_await with_timeout(1ms, sleep_for(1h));
    if (order == "break") throw std::runtime_error("a bug");
    co_await peer.write(order);
  }
}

Task<std::string> ask(TcpStream& stream, std::string order) {
  co_await stream.write(order);
  const std::string answer = co_await read_once(stream);
  co_return answer;
}

TEST(Serve, ServesConnectionsBesideEachOther) {
  with_server(obey, [](Address address) -> Task<> {
    TcpStream one = co_await TcpStream::connect(address);
    TcpStream two = co_await TcpStream::connect(address);
    for (int i = 0; i < 3; ++i) {
      std::string answer = co_await ask(one, "one");
      EXPECT_EQ(answer, "one");
      answer = co_await ask(two, "two");
      EXPECT_EQ(answer, "two");
    }
  });
}

TEST(Serve, NamesEachTaskAfterItsPeer) {
  std::string name;
  const auto handler = [&](TcpStream peer) -> Task<> {
    name = Fiber::running().name();
    EXPECT_EQ(name, peer.peer_name());
    co_return;
  };
  with_server(handler, [&](Address address) -> Task<> {
    TcpStream client = co_await TcpStream::connect(address);
    const std::string nothing = co_await read_to_end(client);
    EXPECT_EQ(name, client.local_address().to_string());
  });
}

TEST(Serve, AnErrorEndsItsConnectionOnlyAndIsLoggedWithItsName) {
  std::string failed;
  std::string timed_out;
  const auto lines = with_server(obey, [&](Address address) -> Task<> {
    TcpStream healthy = co_await TcpStream::connect(address);
    TcpStream failing = co_await TcpStream::connect(address);
    TcpStream late = co_await TcpStream::connect(address);
    failed = failing.local_address().to_string();
    timed_out = late.local_address().to_string();
    std::string answer = co_await ask(failing, "fail");
    EXPECT_EQ(answer, "");
    answer = co_await ask(late, "time out");
    EXPECT_EQ(answer, "");
    answer = co_await ask(healthy, "hello");
    EXPECT_EQ(answer, "hello");
  });
  ASSERT_EQ(lines.size(), 2U);
  const std::string event = " connection_failed error=";
  EXPECT_NE(lines[0].find("task=" + failed + event + "\"obey fail: Input/output error\""),
            std::string::npos)
      << lines[0];
  EXPECT_NE(lines[1].find("task=" + timed_out + event), std::string::npos) << lines[1];
}

TEST(Serve, AnyOtherExceptionFailsTheWhole) {
  std::string what;
  bool other_ended = false;
  in_loop([&]() -> Task<> {
    TcpListener listener = TcpListener::listen(Address::loopback(0));
    TcpStream healthy = co_await TcpStream::connect(listener.local_address());
    TcpStream breaking = co_await TcpStream::connect(listener.local_address());
    co_await breaking.write("break");
    try {
      co_await serve(listener, obey);
    } catch (const std::runtime_error& error) {
      what = error.what();
    }
    const std::string rest = co_await read_to_end(healthy);
    other_ended = rest.empty();
  });
  EXPECT_EQ(what, "a bug");
  EXPECT_TRUE(other_ended) << "its handler was canceled and waited for";
}

TEST(Serve, AHandlerThatOwnsSomethingIsNamedFirst) {
  const auto greeting = std::make_shared<std::string>("welcome");
  in_loop([&]() -> Task<> {
    TcpListener listener = TcpListener::listen(Address::loopback(0));
    TcpStream client = co_await TcpStream::connect(listener.local_address());
    const auto handler = [greeting](TcpStream peer) -> Task<> { co_await peer.write(*greeting); };
    co_await within(20ms, serve(listener, handler));
    const std::string text = co_await read_to_end(client);
    EXPECT_EQ(text, "welcome");
  });
  EXPECT_EQ(greeting.use_count(), 1);
}

// As net/README.md has it.
Task<> greet(TcpStream peer) {
  BufferedReader reader(peer);
  while (const auto name = co_await with_timeout(10s, reader.read_line())) {
    co_await peer.write("hello " + std::string(*name) + "\n");
  }
}

TEST(Serve, GreetsAsTheReadmeShows) {
  with_server(greet, [](Address address) -> Task<> {
    TcpStream client = co_await TcpStream::connect(address);
    co_await client.write("a name that is too long to be kept in a small string\n");
    co_await client.write("you\n");
    co_await client.finish();
    const std::string text = co_await read_to_end(client);
    EXPECT_EQ(text, "hello a name that is too long to be kept in a small string\nhello you\n");
  });
}

TEST(Serve, ThrowsCanceledAtItsEnd) {
  in_loop([]() -> Task<> {
    TcpListener listener = TcpListener::listen(Address::loopback(0));
    const bool returned = co_await within(5ms, serve(listener, obey));
    EXPECT_FALSE(returned);
  });
}

// What becomes of a handler that works for `work` when its server is canceled after 10 ms.
struct Drained {
  bool finished = false;
  bool canceled = false;
  Duration took{};
};

Drained drain(Duration work, Duration drain) {
  Drained result;
  const auto handler = [&](TcpStream) -> Task<> {
    try {
      co_await sleep_for(work);
      result.finished = true;
    } catch (const Canceled&) {
      result.canceled = true;
      throw;
    }
  };
  in_loop([&]() -> Task<> {
    TcpListener listener = TcpListener::listen(Address::loopback(0));
    const TcpStream client = co_await TcpStream::connect(listener.local_address());
    const TimePoint begin = now();
    const ServeOptions options{.drain = drain};
    co_await within(10ms, serve(listener, handler, options));
    result.took = now() - begin;
  });
  return result;
}

TEST(Serve, CancelsItsHandlersAtOnceByDefault) {
  const Drained handler = drain(/*work=*/10s, /*drain=*/0ms);
  EXPECT_TRUE(handler.canceled);
  EXPECT_LT(handler.took, 5s);
}

TEST(Serve, LetsItsHandlersDrain) {
  const Drained handler = drain(/*work=*/50ms, /*drain=*/10s);
  EXPECT_TRUE(handler.finished);
  EXPECT_GE(handler.took, 50ms);
  EXPECT_LT(handler.took, 5s) << "it does not wait longer than its handlers";
}

TEST(Serve, CancelsAHandlerThatDrainsForTooLong) {
  const Drained handler = drain(/*work=*/10s, /*drain=*/50ms);
  EXPECT_TRUE(handler.canceled);
  EXPECT_GE(handler.took, 60ms);
  EXPECT_LT(handler.took, 5s);
}

TEST(Serve, WithoutConnectionsDrainsInNoTime) {
  in_loop([]() -> Task<> {
    TcpListener listener = TcpListener::listen(Address::loopback(0));
    const ServeOptions options{.drain = 1h};
    const TimePoint begin = now();
    co_await within(1ms, serve(listener, obey, options));
    EXPECT_LT(now() - begin, 5s);
  });
}

TEST(Serve, AcceptsNothingWhileItDrains) {
  int served = 0;
  Event release;
  const auto handler = [&](TcpStream) -> Task<> {
    ++served;
    co_await release.wait();
  };
  in_loop([&]() -> Task<> {
    TcpListener listener = TcpListener::listen(Address::loopback(0));
    const TcpStream before = co_await TcpStream::connect(listener.local_address());
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("serve", [&]() -> Task<> {
        const ServeOptions options{.drain = 1h};
        co_await within(10ms, serve(listener, handler, options));
      });
      co_await sleep_for(30ms);
      const TcpStream during = co_await TcpStream::connect(listener.local_address());
      co_await sleep_for(10ms);
      EXPECT_EQ(served, 1);
      release.set();
    });
  });
  EXPECT_EQ(served, 1);
}

// --- peers that misbehave ------------------------------------------------------------------------

Task<> echo(TcpStream peer) {
  for (;;) {
    const std::string text = co_await read_once(peer, 1000);
    if (text.empty()) co_return;
    co_await peer.write(text);
  }
}

// One round: something rude, decided by a number.
Task<> be_rude(Address address, std::uint64_t kind, std::vector<TcpStream>& kept) {
  TcpStream stream = co_await TcpStream::connect(address);
  const std::string noise = pattern(1 + kind * 7919 % 200'000, kind);
  switch (kind % 6) {
    case 0: stream.reset(); break;                     // at once
    case 1: kept.push_back(std::move(stream)); break;  // says nothing
    case 2:                                            // does not read what it asked for
      static_cast<void>(co_await within(1ms, stream.write(noise)));
      kept.push_back(std::move(stream));
      break;
    case 3:  // goes away in the middle
      static_cast<void>(co_await within(1ms, stream.write(noise)));
      stream.reset();
      break;
    case 4:  // sends its end, and does not wait for the answer
      static_cast<void>(co_await within(1ms, stream.write(noise)));
      static_cast<void>(co_await within(1ms, stream.finish()));
      stream.set_linger(0ms);
      break;
    case 5: static_cast<void>(co_await within(1ms, read_once(stream))); break;
    default: break;
  }
}

TEST(Serve, RudePeersDoNotHurtTheOthers) {
  with_server(echo, [](Address address) -> Task<> {
    TcpStream polite = co_await TcpStream::connect(address);
    std::vector<TcpStream> kept;
    for (std::uint64_t kind = 1; kind <= 120; ++kind) {
      co_await be_rude(address, kind, kept);
      const std::string answer = co_await ask(polite, "still fine " + std::to_string(kind));
      EXPECT_EQ(answer, "still fine " + std::to_string(kind));
    }
    for (TcpStream& stream : kept) stream.reset();
  });
}

TEST(Serve, EchoesRandomBytes) {
  with_server(echo, [](Address address) -> Task<> {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
      TcpStream stream = co_await TcpStream::connect(address);
      const std::string sent = pattern(seed * seed * 997, seed);
      std::string received;
      co_await task_group([&](TaskGroup& group) -> Task<> {
        group.spawn(
            "write",
            [](TcpStream& to, const std::string& text) -> Task<> {
              co_await to.write(text);
              co_await to.finish();
            },
            std::ref(stream), std::cref(sent));
        received = co_await read_to_end(stream);
      });
      expect_equal_bytes(received, sent);
    }
  });
}

}  // namespace
}  // namespace coracle::net

// Connecting and accepting.
#include "net/tcp.h"

#include <gtest/gtest.h>

#include <functional>
#include <vector>

#include "runtime/combinators.h"
#include "runtime/sleep.h"
#include "runtime/task_group.h"
#include "runtime/timeout.h"
#include "tests/net/tcp_pair.h"

namespace coracle::net {
namespace {

TEST(Tcp, KnowsBothEnds) {
  in_loop([]() -> Task<> {
    TcpListener listener = TcpListener::listen(Address::loopback(0));
    EXPECT_NE(listener.local_address().port(), 0);
    TcpStream client = co_await TcpStream::connect(listener.local_address());
    TcpStream server = co_await listener.accept();
    EXPECT_EQ(client.peer_address(), listener.local_address());
    EXPECT_EQ(server.local_address(), listener.local_address());
    EXPECT_EQ(client.local_address(), server.peer_address());
    EXPECT_EQ(client.peer_name(), listener.local_address().to_string());
    EXPECT_EQ(server.peer_name(), client.local_address().to_string());
  });
}

TEST(Tcp, SpeaksIpv6) {
  in_loop([]() -> Task<> {
    std::optional<TcpListener> listener;
    try {
      listener = TcpListener::listen(Address::from("[::1]:0"));
    } catch (const Error&) {  // below: no co_return from a handler
    }
    if (!listener) co_return;  // this machine has no IPv6
    TcpStream client = co_await TcpStream::connect(listener->local_address());
    TcpStream server = co_await listener->accept();
    EXPECT_EQ(client.peer_address(), listener->local_address());
    EXPECT_EQ(server.peer_address().family(), Address::Family::ipv6);
    co_await client.write("six");
    const std::string text = co_await read_once(server);
    EXPECT_EQ(text, "six");
  });
}

// A port that was free a moment ago.
Address nobody() { return TcpListener::listen(Address::loopback(0)).local_address(); }

TEST(Tcp, ConnectSaysWhoRefused) {
  in_loop([]() -> Task<> {
    const Address address = nobody();
    const std::string error = co_await error_of(TcpStream::connect(address));
    EXPECT_EQ(error, "connect " + address.to_string() + ": Connection refused");
  });
}

TEST(Tcp, ConnectToWhatCannotBeReachedFailsAtOnce) {
  in_loop([]() -> Task<> {
    const std::string error = co_await error_of(TcpStream::connect(Address::from("[fe80::1]:7")));
    EXPECT_NE(error.find("connect [fe80::1]:7: "), error.npos) << error;
  });
}

TEST(Tcp, ConnectByNameTriesEachAddress) {
  in_loop([]() -> Task<> {
    // `localhost` may be ::1 first, where nobody listens.
    TcpListener listener = TcpListener::listen(Address::loopback(0));
    TcpStream client = co_await TcpStream::connect("localhost", listener.local_address().port());
    TcpStream server = co_await listener.accept();
    EXPECT_EQ(server.peer_address(), client.local_address());

    const Address address = nobody();
    const std::string error = co_await error_of(TcpStream::connect("localhost", address.port()));
    EXPECT_NE(error.find(": Connection refused"), error.npos) << error;
  });
}

TEST(Tcp, ListenSaysThatThePortIsInUse) {
  in_loop([]() -> Task<> {
    const TcpListener listener = TcpListener::listen(Address::loopback(0));
    const Address address = listener.local_address();
    std::string error;
    try {
      static_cast<void>(TcpListener::listen(address));
    } catch (const Error& in_use) {
      error = in_use.what();
      EXPECT_EQ(in_use.code(), std::errc::address_in_use);
    }
    EXPECT_EQ(error, "listen " + address.to_string() + ": Address already in use");
    co_return;
  });
}

TEST(Tcp, AListenerThatIsGoneLeavesThePortFree) {
  in_loop([]() -> Task<> {
    const Address address = nobody();
    TcpListener again = TcpListener::listen(address);
    EXPECT_EQ(again.local_address(), address);
    TcpStream client = co_await TcpStream::connect(address);
    TcpStream server = co_await again.accept();
    EXPECT_TRUE(server.connected());
  });
}

TEST(Tcp, ListenersMayShareAPort) {
  in_loop([]() -> Task<> {
    const ListenOptions shared{.reuse_port = true};
    const TcpListener one = TcpListener::listen(Address::loopback(0), shared);
    const TcpListener two = TcpListener::listen(one.local_address(), shared);
    EXPECT_EQ(one.local_address(), two.local_address());
    co_return;
  });
}

// A listener whose queue is full: the kernel drops what would connect, so that it waits.
TEST(Tcp, ConnectCanBeCanceled) {
  in_loop([]() -> Task<> {
    const ListenOptions tiny{.backlog = 0};
    TcpListener listener = TcpListener::listen(Address::loopback(0), tiny);
    std::vector<TcpStream> connected;
    for (int i = 0; i < 10; ++i) {
      auto stream = co_await within(20ms, TcpStream::connect(listener.local_address()));
      if (!stream) co_return;
      connected.push_back(std::move(*stream));
    }
    ADD_FAILURE() << "every one connected";
  });
}

TEST(Tcp, CancelOfAcceptLosesNothing) {
  in_loop([]() -> Task<> {
    TcpListener listener = TcpListener::listen(Address::loopback(0));
    const auto nobody_yet = co_await within(5ms, listener.accept());
    EXPECT_FALSE(nobody_yet);
    const TcpStream client = co_await TcpStream::connect(listener.local_address());
    const TcpStream server = co_await listener.accept();
    EXPECT_EQ(server.peer_address(), client.local_address());
  });
}

Task<> accept_into(TcpListener& listener, TcpStream& stream) {
  stream = co_await listener.accept();
}

TEST(Tcp, WaitingAcceptsAreServedInOrder) {
  in_loop([]() -> Task<> {
    TcpListener listener = TcpListener::listen(Address::loopback(0));
    std::array<TcpStream, 3> servers;
    std::array<TcpStream, 3> clients;
    co_await task_group([&](TaskGroup& group) -> Task<> {
      for (TcpStream& server : servers) {
        group.spawn("accept", accept_into, std::ref(listener), std::ref(server));
      }
      co_await sleep_for(1ms);
      for (TcpStream& client : clients) {
        client = co_await TcpStream::connect(listener.local_address());
      }
    });
    for (std::size_t i = 0; i < servers.size(); ++i) {
      EXPECT_EQ(servers[i].peer_address(), clients[i].local_address());
    }
  });
}

// Every second of the waiting accepts is canceled while connections arrive: each connection is
// accepted by somebody.
TEST(Tcp, ConnectionsBesideCanceledAcceptsAreAllAccepted) {
  int accepted = 0;
  constexpr int kConnections = 50;
  in_loop([&]() -> Task<> {
    TcpListener listener = TcpListener::listen(Address::loopback(0));
    std::vector<TcpStream> clients;
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn(
          "connect",
          [](TcpListener& to, std::vector<TcpStream>& streams) -> Task<> {
            for (int i = 0; i < kConnections; ++i) {
              streams.push_back(co_await TcpStream::connect(to.local_address()));
              co_await sleep_for(100us);
            }
          },
          std::ref(listener), std::ref(clients));
      while (accepted < kConnections) {
        const auto stream = co_await within(60us, listener.accept());
        if (stream) ++accepted;
      }
    });
  });
  EXPECT_EQ(accepted, kConnections);
}

Task<> echo_once(TcpStream stream) {
  const std::string text = co_await read_once(stream);
  co_await stream.write(text);
}

Task<> accept_and_echo(TcpListener& listener, TaskGroup& group, int count) {
  for (int i = 0; i < count; ++i) {
    TcpStream stream = co_await listener.accept();
    group.spawn("echo", echo_once, std::move(stream));
  }
}

Task<> ask(Address address, int number, int& answered) {
  TcpStream stream = co_await TcpStream::connect(address);
  const std::string question = "question " + std::to_string(number);
  co_await stream.write(question);
  const std::string answer = co_await read_once(stream);
  EXPECT_EQ(answer, question);
  ++answered;
}

TEST(Tcp, AThousandConnectionsAtOnce) {
  constexpr int kConnections = 1000;
  int answered = 0;
  in_loop([&]() -> Task<> {
    TcpListener listener = TcpListener::listen(Address::loopback(0));
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("accept", accept_and_echo, std::ref(listener), std::ref(group), kConnections);
      for (int i = 0; i < kConnections; ++i) {
        group.spawn("ask", ask, listener.local_address(), i, std::ref(answered));
      }
      co_return;
    });
  });
  EXPECT_EQ(answered, kConnections);
}

TEST(TcpDeathTest, AListenerIsDestroyedWhileAnAcceptIsPending) {
  const auto destroy = [] {
    in_loop([]() -> Task<> {
      TcpListener listener = TcpListener::listen(Address::loopback(0));
      TcpStream stream;
      co_await task_group([&](TaskGroup& group) -> Task<> {
        group.spawn("accept", accept_into, std::ref(listener), std::ref(stream));
        co_await sleep_for(1ms);
        const TcpListener gone = std::move(listener);
      });
    });
  };
  EXPECT_DEATH(destroy(), "a listener is destroyed while an accept is in progress");
}

TEST(TcpDeathTest, AListenerThatDoesNotListen) {
  const auto use = [] {
    in_loop([]() -> Task<> {
      TcpListener nothing;
      static_cast<void>(co_await nothing.accept());
    });
  };
  EXPECT_DEATH(use(), "this listener does not listen");
}

}  // namespace
}  // namespace coracle::net

// The program proxy, as its user meets it.
#include <gtest/gtest.h>

#include <csignal>
#include <string>

#include "tests/apps/listening.h"
#include "tests/net/tcp_pair.h"

namespace coracle {
namespace {

const std::string kAnyPort = "127.0.0.1:0";

TEST(Proxy, PassesBytesToAnEchoServerAndBack) {
  const ListeningProgram echo("echo_server", {kAnyPort});
  ListeningProgram proxy("proxy", {kAnyPort, echo.address.to_string()});
  const net::RawPeer peer(proxy.address);
  const std::string large = net::pattern(100'000);
  peer.send(large);
  EXPECT_EQ(peer.receive(large.size()), large);
  peer.send("last words");
  peer.shut_down();
  EXPECT_EQ(peer.receive_all(), "last words");
  proxy.program.send(SIGINT);
  EXPECT_EQ(proxy.program.wait(), 0);
  EXPECT_EQ(proxy.program.printed().find("connection_failed"), std::string::npos);
}

TEST(Proxy, LetsAConnectionFinishAfterASignal) {
  const ListeningProgram echo("echo_server", {kAnyPort});
  ListeningProgram proxy("proxy", {kAnyPort, echo.address.to_string(), "--drain", "1h"});
  const net::RawPeer peer(proxy.address);
  peer.send("x");
  EXPECT_EQ(peer.receive(1), "x");
  proxy.program.send(SIGINT);
  proxy.program.read_until("canceled_by_signal");
  peer.send("still here");
  EXPECT_EQ(peer.receive(10), "still here");
  peer.shut_down();
  EXPECT_EQ(peer.receive_all(), "");
  EXPECT_EQ(proxy.program.wait(), 0);
}

TEST(Proxy, BreaksOffWhatIsLeftAfterItsTime) {
  const ListeningProgram echo("echo_server", {kAnyPort});
  ListeningProgram proxy("proxy", {kAnyPort, echo.address.to_string(), "--drain", "50ms"});
  const net::RawPeer peer(proxy.address);
  peer.send("x");
  EXPECT_EQ(peer.receive(1), "x");
  proxy.program.send(SIGTERM);
  EXPECT_THROW(peer.receive_all(), Error) << "no end, which could be taken for the true one";
  EXPECT_EQ(proxy.program.wait(), 0);
}

TEST(Proxy, BreaksASilentConnectionAndSaysSo) {
  const ListeningProgram echo("echo_server", {kAnyPort});
  ListeningProgram proxy("proxy", {kAnyPort, echo.address.to_string(), "--idle-timeout", "50ms"});
  const net::RawPeer silent(proxy.address);
  EXPECT_THROW(silent.receive_all(), Error);
  proxy.program.read_until("connection_failed error=\"relay to " + echo.address.to_string() +
                           ": Connection timed out\"");
}

TEST(Proxy, ResetsTheClientOfATargetThatRefuses) {
  std::string target;
  {
    const ListeningProgram gone("echo_server", {kAnyPort});
    target = gone.address.to_string();
  }
  ListeningProgram proxy("proxy", {kAnyPort, target});
  const net::RawPeer peer(proxy.address);
  EXPECT_THROW(peer.receive_all(), Error);
  proxy.program.read_until("connection_failed error=\"connect " + target +
                           ": Connection refused\"");
}

TEST(Proxy, ShowsWhatIsAllowedWhenAnArgumentIsWrong) {
  for (const std::string& text : {refused("proxy", {}), refused("proxy", {kAnyPort}),
                                  refused("proxy", {kAnyPort, kAnyPort, "--unknown"}),
                                  refused("proxy", {kAnyPort, kAnyPort, "--drain", "soon"})}) {
    EXPECT_NE(text.find("HOST:PORT to pass connections on to"), text.npos) << text;
    EXPECT_NE(text.find("--idle-timeout DURATION=1m"), text.npos) << text;
    EXPECT_NE(text.find("--drain DURATION=10s"), text.npos) << text;
  }
  EXPECT_EQ(refused("proxy", {kAnyPort, "nowhere"}), "proxy: resolve nowhere: Invalid argument\n");
}

}  // namespace
}  // namespace coracle

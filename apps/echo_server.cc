// Sends back what it receives: echo_server HOST:PORT [--idle-timeout 10s]. Ctrl-C ends it.
#include <array>
#include <iostream>

#include "apps/flags.h"
#include "net/resolve.h"
#include "net/serve.h"
#include "runtime/run.h"
#include "runtime/timeout.h"

using namespace coracle;

Task<> echo(net::TcpStream peer, Duration idle_timeout) {
  std::array<std::byte, 16 * 1024> buffer;
  while (const auto bytes = co_await with_timeout(idle_timeout, peer.read(buffer))) {
    co_await peer.write(std::span(buffer).first(bytes));
  }
}

Task<> serve_echo(std::string where, Duration idle_timeout) {
  const auto addresses = co_await net::resolve(where);
  auto listener = net::TcpListener::listen(addresses.front());
  log_info("listening address={}", listener.local_address().to_string());
  const auto handler = [=](net::TcpStream peer) { return echo(std::move(peer), idle_timeout); };
  co_await net::serve(listener, handler);
}

int main(int argc, char** argv) try {
  Flags flags("Sends back what it receives, until Ctrl-C.");
  std::string where;
  Duration idle_timeout = std::chrono::seconds(10);
  flags.add_option("address", where, "HOST:PORT to listen on")->required();
  add_duration(flags, "--idle-timeout", idle_timeout, "Ends a silent connection; 0: never");
  CLI11_PARSE(flags, argc, argv);
  run(serve_echo(where, idle_timeout > Duration::zero() ? idle_timeout : Duration::max()));
} catch (const Error& error) {
  std::cerr << "echo_server: " << error.what() << '\n';
  return 1;
}

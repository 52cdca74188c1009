// Passes connections on: proxy LISTEN TARGET [--idle-timeout 60s] [--drain 10s]. Ctrl-C ends it.
#include <iostream>

#include "apps/flags.h"
#include "apps/relay.h"
#include "net/resolve.h"
#include "runtime/run.h"

using namespace coracle;

Task<> proxy(std::string where, std::string target, ProxyOptions options) {
  const auto targets = co_await net::resolve(target);  // says at once if there is none
  const auto addresses = co_await net::resolve(where);
  auto listener = net::TcpListener::listen(addresses.front());
  log_info("listening address={} target={}", listener.local_address().to_string(),
           targets.front().to_string());
  co_await serve_proxy(listener, target, options);
}

int main(int argc, char** argv) try {
  Flags flags("Passes each connection on to another address, until Ctrl-C.");
  std::string where;
  std::string target;
  ProxyOptions options;
  flags.add_option("listen", where, "HOST:PORT to listen on")->required();
  flags.add_option("target", target, "HOST:PORT to pass connections on to")->required();
  add_duration(flags, "--idle-timeout", options.idle_timeout,
               "Breaks a connection over which nothing moves; 0: never");
  add_duration(flags, "--drain", options.drain, "How long connections may go on after Ctrl-C");
  CLI11_PARSE(flags, argc, argv);
  if (options.idle_timeout <= Duration::zero()) options.idle_timeout = Duration::max();
  run(proxy(where, target, options));
} catch (const Error& error) {
  std::cerr << "proxy: " << error.what() << '\n';
  return 1;
}

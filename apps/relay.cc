#include "apps/relay.h"

#include <array>
#include <utility>

#include "net/serve.h"
#include "runtime/combinators.h"
#include "runtime/sleep.h"
#include "runtime/timeout.h"

namespace coracle {
namespace {

// The two directions of one connection.
class Relay {
 public:
  Relay(net::Stream& client, net::Stream& target, Duration idle_timeout)
      : client_(client), target_(target), idle_timeout_(idle_timeout) {}

  // Returns once both directions have ended in order; throws the Error of the first that did not.
  Task<> run() {
    if (idle_timeout_ == Duration::max()) {
      co_await pass_both_ways();
    } else {
      co_await race(pass_both_ways(), watch());
    }
  }

 private:
  Task<> pass_both_ways() { co_await when_all(pass(client_, target_), pass(target_, client_)); }

  Task<> pass(net::Stream& from, net::Stream& to) {
    std::array<std::byte, 16 * 1024> buffer;
    while (const auto bytes = co_await from.read(buffer)) {
      moved_ = now();
      co_await to.write(std::span(buffer).first(bytes));
      moved_ = now();
    }
    co_await to.finish();
  }

  // A slow reader may take the kernel's buffers for longer than the timeout, while nothing is read
  // or written here: it lives as long as it acknowledges some of it.
  Task<> watch() {
    for (std::size_t left_before = 0;;) {
      while (now() < deadline_after(moved_, idle_timeout_)) {
        co_await sleep_until(deadline_after(moved_, idle_timeout_));
      }
      const std::size_t left = client_.unacknowledged_bytes() + target_.unacknowledged_bytes();
      if (left == left_before) throw TimedOut("relay to", target_.peer_name());
      left_before = left;
      moved_ = now();
    }
  }

  net::Stream& client_;
  net::Stream& target_;
  Duration idle_timeout_;
  TimePoint moved_ = now();
};

Task<> forward(net::TcpStream client, const std::string& address, Duration idle_timeout) {
  net::TcpStream target;
  try {
    target = co_await with_timeout(idle_timeout, net::TcpStream::connect(address));
    Relay relay(client, target, idle_timeout);
    co_await relay.run();
  } catch (...) {  // also Canceled: what was cut off must not look like an end
    client.reset();
    if (target.connected()) target.reset();
    throw;
  }
}

}  // namespace

Task<> serve_proxy(net::TcpListener& listener, std::string target, ProxyOptions options) {
  const net::ServeOptions serving{.drain = options.drain};
  const auto handler = [&](net::TcpStream client) {
    return forward(std::move(client), target, options.idle_timeout);
  };
  co_await net::serve(listener, handler, serving);
}

}  // namespace coracle

// A TCP proxy: what it does with each connection.
#pragma once

#include <string>

#include "net/tcp.h"
#include "runtime/task.h"
#include "runtime/time.h"

namespace coracle {

struct ProxyOptions {
  // Breaks a connection over which nothing has moved for so long, in either direction: no byte read
  // or written, none acknowledged. Duration::max(): never. The same for connecting to the target.
  Duration idle_timeout = std::chrono::seconds(60);
  // How long connections may go on once the proxy was canceled; then they are broken off.
  Duration drain = std::chrono::seconds(10);
};

// Passes each connection of `listener` on to `target` (`HOST:PORT`, looked up for each): all bytes,
// the end of each direction while the other goes on, and a reset. A direction holds no more than a
// buffer and what a stream holds (net/stream.h): who does not read holds up who writes. What ends
// by anything but its two ends is reset on both sides, so that nobody takes what was cut off for
// all there is; the reason is logged.
//
// A reset is noticed when the proxy reads from that side or writes to it: while the other side
// takes nothing, that is after the idle timeout.
//   Throws     Error when the listener fails.
//   Canceled   stops accepting, lets connections go on for `options.drain`, and throws. Who
//              connects meanwhile waits in the kernel's queue, as long as the listener is there.
//   Borrows    `listener` until it has ended.
[[nodiscard]] Task<> serve_proxy(net::TcpListener& listener, std::string target,
                                 ProxyOptions options);

}  // namespace coracle

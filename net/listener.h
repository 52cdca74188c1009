// What listeners of every kind have in common: serve() (serve.h) takes any of them.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "net/listener_core.h"
#include "net/stream.h"
#include "runtime/check.h"

namespace coracle::net {

// A listening socket. Belongs to one loop. Destroying it stops listening; an accept must not be in
// progress.
class Listener {
 public:
  // What accept() returns.
  using Connection = Stream;

  // Not listening: every operation fails a check.
  Listener() = default;

  // Waits for a connection. Several fibers may wait; they are served in order.
  //   Returns    the connected stream; a TcpListener's accept() returns a TcpStream, and so on.
  //   Throws     Error; after EMFILE or ENFILE (out of descriptors) the connection stays in the
  //              kernel's queue, and a later accept may succeed. serve() (serve.h) does so.
  //   Canceled   loses nothing: the connection is returned by the next accept.
  [[nodiscard]] AcceptOperation<Stream> accept() { return AcceptOperation<Stream>(core()); }

  // Returns    where it listens, for logs: `10.0.0.7:7000`.
  [[nodiscard]] const std::string& name() const { return core().name(); }

 protected:
  explicit Listener(std::unique_ptr<ListenerCore> core) : core_(std::move(core)) {}

  [[nodiscard]] ListenerCore& core() const {
    CORACLE_CHECK(core_ != nullptr, "this listener does not listen");
    return *core_;
  }

 private:
  std::unique_ptr<ListenerCore> core_;
};

}  // namespace coracle::net

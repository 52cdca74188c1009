// One task per connection, and what a server owes its connections when it stops.
//
//   net::TcpListener listener = net::TcpListener::listen(address);
//   co_await net::serve(listener, [](net::TcpStream peer) -> Task<> { ... });
#pragma once

#include <concepts>
#include <functional>
#include <type_traits>
#include <utility>

#include "net/listener.h"
#include "net/stream.h"
#include "net/tcp.h"
#include "runtime/task.h"
#include "runtime/task_group.h"
#include "runtime/time.h"

namespace coracle::net {

struct ServeOptions {
  // How long connections may go on by themselves once serve() was canceled; then they are canceled
  // too.
  Duration drain = Duration::zero();
};

// TcpListener, UnixListener, ...: says what its accept() returns.
template <class T>
concept AnyListener =
    std::derived_from<T, Listener> && std::derived_from<typename T::Connection, Stream>;

// What serves one connection: called with the listener's kind of stream (a TcpStream) by value,
// returns a Task<>.
template <class Handler, class ListenerType>
concept ConnectionHandler =
    std::is_invocable_r_v<Task<>, std::decay_t<Handler>&, typename ListenerType::Connection>;

namespace serve_detail {

class Handler {
 public:
  virtual Task<> handle(Stream stream) = 0;

 protected:
  ~Handler() = default;
};

template <class Connection, class Function>
class HandlerOf final : public Handler {
 public:
  explicit HandlerOf(Function function) : function_(std::move(function)) {}
  Task<> handle(Stream stream) override {
    return std::invoke(function_, Connection(std::move(stream)));
  }

 private:
  Function function_;
};

[[nodiscard]] Task<> serve_with(Listener& listener, Handler& handler, ServeOptions options);

// Keeps the handler: a coroutine lambda must live as long as its coroutines.
template <class Connection, class Function>
Task<> keep_and_serve(Listener& listener, Function function, ServeOptions options) {
  HandlerOf<Connection, Function> handler(std::move(function));
  co_await serve_with(listener, handler, options);
}

}  // namespace serve_detail

// Accepts connections, and runs `handler(stream)` for each in a task of its own, named after the
// peer (`10.0.0.7:51234`), until it is canceled. An Error of a handler (a reset connection, a
// TimedOut) ends that connection only, and is logged; any other exception cancels all of them.
// When descriptors or memory are used up, it says so once and goes on as soon as there are some;
// meanwhile connections wait in the kernel's queue.
//   Returns    never.
//   Throws     what a handler threw that is not an Error; Error when the listener fails.
//   Canceled   stops accepting, waits until the handlers have ended, by themselves within
//              `options.drain`, else canceled; then throws.
//   Borrows    `listener` until it has ended. The handler is kept by copy; what that refers to must
//              live as long as the call.
//   Requires   a handler that owns nothing, or one that was named before:
//              `auto handler = [names](...) {...}; co_await net::serve(listener, handler);`
template <AnyListener ListenerType, ConnectionHandler<ListenerType> Function>
[[nodiscard]] Task<> serve(ListenerType& listener, Function&& handler, ServeOptions options = {}) {
  static_assert(std::is_lvalue_reference_v<Function> || kSafeClosure<std::decay_t<Function>>,
                "a handler that owns something (captures it by value) must not be written inside "
                "the co_await (GCC 12 would destroy it twice): name it first, "
                "`auto handler = ...; co_await net::serve(listener, handler);`");
  return serve_detail::keep_and_serve<typename ListenerType::Connection, std::decay_t<Function>>(
      listener, std::forward<Function>(handler), options);
}

}  // namespace coracle::net

// A listening socket on libuv, of whichever kind.
#pragma once

#include <sys/socket.h>
#include <uv.h>

#include <string>

#include "net/listener_core.h"
#include "net/uv/uv_net.h"
#include "net/uv/uv_stream.h"

namespace coracle::net::uv {

// Accepts by itself instead of with uv_listen: libuv would close connections that meet EMFILE, and
// has neither SO_REUSEPORT nor abstract names.
class UvListener : public ListenerCore {
 public:
  // Takes over a listening descriptor.
  UvListener(UvNet& net, std::string name, int descriptor);
  ~UvListener() override;

 protected:
  [[nodiscard]] UvNet& net() const { return net_; }

 private:
  // Makes the stream of an accepted socket, before it has it.
  [[nodiscard]] virtual UvStream& make_stream(int descriptor, const sockaddr_storage& peer) = 0;

  StreamCore* try_accept(int& error) final;
  void watch(bool on) final;

  UvNet& net_;
  uv_poll_t* poll_;
  int descriptor_;
};

// A socket that is being made. Throws the Error of the call that failed, and closes the descriptor.
class NewSocket {
 public:
  NewSocket(int family, std::string name);
  NewSocket(const NewSocket&) = delete;
  NewSocket& operator=(const NewSocket&) = delete;
  ~NewSocket();

  [[nodiscard]] int descriptor() const { return descriptor_; }
  void set(int option);
  // Returns    0 or an errno value.
  [[nodiscard]] int try_bind(const SocketAddress& address) const;
  void bind(const SocketAddress& address) const { expect(try_bind(address)); }
  void listen(int backlog) const;
  // Throws unless `error` is 0.
  void expect(int error) const;
  [[nodiscard]] int take();

 private:
  std::string name_;
  int descriptor_;
};

}  // namespace coracle::net::uv

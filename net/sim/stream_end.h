// What a stream socket's descriptor refers to in a simulated kernel, and who is told of it.
// Mechanism.
#pragma once

#include <cstddef>
#include <span>

namespace coracle::net::sim {

// Who is told of a socket: a process.
class SocketEvents {
 public:
  // It may have become readable or writable, connected or broken, or there is one to accept.
  virtual void ready() = 0;

 protected:
  ~SocketEvents() = default;
};

// One end of a stream. It is told what a system call would be, and answers like one: -errno,
// -EAGAIN for "not now".
class StreamEnd {
 public:
  StreamEnd() = default;
  StreamEnd(const StreamEnd&) = delete;
  StreamEnd& operator=(const StreamEnd&) = delete;

  virtual void attach(SocketEvents& socket) = 0;
  [[nodiscard]] virtual bool readable() const = 0;
  virtual std::ptrdiff_t read(std::span<std::byte> into) = 0;
  // True if a write would take a good part of the buffer at least, or fail.
  [[nodiscard]] virtual bool writable() = 0;
  // Has SocketEvents::ready() called when it becomes writable.
  virtual void await_room(bool on) = 0;
  // Returns    how many bytes it took: 0 is "not now".
  virtual std::ptrdiff_t write(std::span<const std::byte> bytes) = 0;
  // Returns    0 or -errno.
  virtual int shut_down() = 0;
  // Returns    how many octets the peer's machine is not known to have; an error of the connection
  //            comes first, as SO_ERROR tells it.
  [[nodiscard]] virtual std::ptrdiff_t unacknowledged() = 0;
  // The descriptor is closed. May destroy the connection, and this with it.
  virtual void close(bool with_reset) = 0;

 protected:
  ~StreamEnd() = default;
};

}  // namespace coracle::net::sim

// UDP sockets: datagrams, one by one or in batches.
//
//   net::UdpSocket socket = net::UdpSocket::bind(net::Address::from("0.0.0.0:7000"));
//   std::array<std::byte, 2048> buffer;
//   const net::ReceivedDatagram got = co_await socket.receive(buffer);
//   co_await socket.send(std::span(buffer).first(got.bytes), got.from);
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "net/address.h"
#include "net/datagram.h"
#include "net/udp_core.h"
#include "runtime/check.h"

namespace coracle::net {

struct UdpOptions {
  // Lets several sockets share the address (SO_REUSEPORT), one per loop: each datagram goes to one
  // of them, all of one sender to the same.
  bool reuse_port = false;
  // Lets several sockets of a machine hear one multicast group (SO_REUSEADDR): each gets a copy.
  bool reuse_address = false;
  // What the kernel holds for this socket (it may give less, or double it); 0: what it likes.
  std::size_t receive_buffer_bytes = 0;
  std::size_t send_buffer_bytes = 0;
};

// One UDP socket. Belongs to one loop and is used on its thread only. One receive at a time, any
// number of sends, which are served in order; they may overlap. Datagrams may be lost, doubled and
// reordered on their way; those that this socket takes, it takes in the order of their arrival. May
// be moved while an operation is pending; destroying it then fails a check.
//
// A socket that is bound to any address hears everyone, and answers whomever it likes. A connected
// one hears and sends to its peer only, and is told when nobody listens there: the ICMP message
// ends the receive that waits, or the next one, with an Error. It is never the result of a send,
// which the kernel would choose as soon: a send fails only for its own sake.
class UdpSocket final {
 public:
  // No socket: every operation fails a check.
  UdpSocket() = default;

  // Makes a socket that hears what is sent to `address`; does not wait. Port 0 takes a free one.
  // `0.0.0.0` hears on all IPv4 addresses of the machine, `::` on all IPv6 ones (and no IPv4).
  //   Throws     Error: `bind 127.0.0.1:7000: Address already in use`.
  //   Requires   a current loop.
  [[nodiscard]] static UdpSocket bind(const Address& address, const UdpOptions& options = {});

  // Makes a socket for talking with one peer, from a free port; does not wait.
  //   Throws     Error: `connect 192.0.2.1:53: Network is unreachable`.
  //   Requires   a current loop.
  [[nodiscard]] static UdpSocket connect(const Address& peer, const UdpOptions& options = {});

  // Waits for a datagram.
  //   Returns    its length, its sender, and whether the buffer was too small for it.
  //   Throws     Error when this socket is connected and its peer cannot be reached:
  //              `receive 10.0.0.7:53: Connection refused`. The next receive may succeed.
  //   Canceled   loses nothing: the datagram is returned by the next receive.
  //   Borrows    `buffer` until it returns.
  //   Requires   no other receive in progress.
  [[nodiscard]] ReceiveOperation receive(std::span<std::byte> buffer) {
    return ReceiveOperation(core(), buffer);
  }

  // Waits for a datagram, and takes all that have arrived by then, as far as `batch` has room, in
  // one system call for 64 of them.
  //   Returns    how many, at least 1: `batch` has these, and no other.
  //   Throws, Canceled, Requires   as receive().
  //   Borrows    `batch` until it returns.
  [[nodiscard]] ReceiveBatchOperation receive_batch(DatagramBatch& batch) {
    return ReceiveBatchOperation(core(), batch);
  }

  // Sends a datagram; waits while the kernel's buffer is full.
  //   Returns    once the kernel has it.
  //   Throws     Error: `send 10.0.0.7:53: Message too long`.
  //   Canceled   it has not been sent.
  //   Borrows    `bytes` until it returns.
  //   Requires   a connected socket, or one that is not and a `to`.
  [[nodiscard]] SendOperation send(std::span<const std::byte> bytes) {
    return SendOperation(core(), bytes, nullptr);
  }
  [[nodiscard]] SendOperation send(std::string_view text) {
    return send(std::as_bytes(std::span(text)));
  }
  [[nodiscard]] SendOperation send(std::span<const std::byte> bytes, const Address& to) {
    return SendOperation(core(), bytes, &to);
  }
  [[nodiscard]] SendOperation send(std::string_view text, const Address& to) {
    return send(std::as_bytes(std::span(text)), to);
  }

  // Sends all datagrams of `batch` in order, each to its address (a connected socket: to the peer);
  // 64 of them in one system call. One that cannot be sent does not stop the others.
  //   Returns    how many were sent; where that is less than batch.size(), batch.error() tells
  //              which was not, and why.
  //   Canceled   some may have been sent, from the first one on.
  //   Borrows    `batch` until it returns.
  [[nodiscard]] SendBatchOperation send_batch(DatagramBatch& batch) {
    return SendBatchOperation(core(), batch);
  }

  // Returns    where it is, with the port that the kernel chose.
  [[nodiscard]] Address local_address() const { return core().local_address(); }
  // Returns    nothing if it is not connected.
  [[nodiscard]] std::optional<Address> peer_address() const { return core().peer_address(); }

  // ---- Groups, and everyone ----
  // Hears, or hears no more, what is sent to the group and this socket's port. `interface` is the
  // address of the one to hear it on (IPv4), or any address with its number as scope (IPv6); where
  // it says nothing, the system chooses.
  //   Throws     Error: `join 10.0.0.1: Invalid argument`.
  void join(const Address& group, const Address& interface = {});
  void leave(const Address& group, const Address& interface = {});
  // Where sent multicast leaves the machine; what `interface` is, see join().
  void set_multicast_interface(const Address& interface);
  // How many routers pass on what is sent to a group: 1 unless set, 0 stays on this machine.
  //   Throws     Error outside of 0..255.
  void set_multicast_ttl(int hops);
  // Whether this machine hears what it sends to a group itself: on unless set.
  void set_multicast_loop(bool on);
  // Allows sending to broadcast addresses.
  void set_broadcast(bool on);
  // How many routers pass on what is sent to one machine: 64 unless set.
  //   Throws     Error outside of 1..255.
  void set_ttl(int hops);

  // Returns    what the kernel holds at most, as it counts it: its own bookkeeping included.
  [[nodiscard]] std::size_t receive_buffer_bytes() const { return core().receive_buffer_bytes(); }
  [[nodiscard]] std::size_t send_buffer_bytes() const { return core().send_buffer_bytes(); }

 private:
  explicit UdpSocket(std::unique_ptr<UdpCore> core) : core_(std::move(core)) {}
  [[nodiscard]] UdpCore& core() const {
    CORACLE_CHECK(core_ != nullptr, "there is no socket, or it was moved from");
    return *core_;
  }
  void set(UdpSetting setting, int value, const char* operation);

  std::unique_ptr<UdpCore> core_;
};

}  // namespace coracle::net

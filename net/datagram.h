// Datagrams in memory: what UdpSocket (udp.h) receives into and sends from.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "net/address.h"

namespace coracle::net {

// The most bytes that a datagram can carry over IPv4: 65,535 less the headers. Over a network more
// than 1,472 are sent in fragments, and are lost with any of them.
inline constexpr std::size_t kDatagramBytesMax = 65'507;

// What one receive has brought.
struct ReceivedDatagram {
  std::size_t bytes = 0;           // how many the buffer has now; 0 is a datagram too
  std::size_t datagram_bytes = 0;  // how many were sent: more, where the buffer was too small
  Address from;

  // The rest of a datagram that did not fit is gone.
  [[nodiscard]] bool truncated() const { return datagram_bytes > bytes; }
};

// One place of a batch. Mechanism.
struct DatagramSlot {
  std::span<std::byte> space;
  std::size_t bytes = 0;
  std::size_t datagram_bytes = 0;
  Address address;
  int error = 0;
};

// Up to `capacity` datagrams of at most `bytes_each`, in memory that is allocated once. What
// receive_batch() brought can be changed in place, and sent back where it came from:
//
//   DatagramBatch batch(32);
//   for (;;) {
//     co_await socket.receive_batch(batch);
//     co_await socket.send_batch(batch);
//   }
class DatagramBatch {
 public:
  //   Requires   a capacity that is not 0.
  explicit DatagramBatch(std::size_t capacity, std::size_t bytes_each = 2048);

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t capacity() const { return slots_.size(); }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  void clear() { size_ = 0; }

  // The bytes of the datagram at `index`.
  //   Requires   index < size(), here and below.
  [[nodiscard]] std::span<std::byte> bytes(std::size_t index);
  [[nodiscard]] std::span<const std::byte> bytes(std::size_t index) const;
  // Whom it is from, or goes to.
  [[nodiscard]] const Address& address(std::size_t index) const { return slot(index).address; }
  // Returns    whether it was longer than `bytes_each` when it was received.
  [[nodiscard]] bool truncated(std::size_t index) const;
  // Returns    why send_batch() could not send it (an errno value), or 0.
  [[nodiscard]] int error(std::size_t index) const { return slot(index).error; }

  // Appends a copy of a datagram that is to be sent.
  //   Returns    false if the batch is full; then nothing happens.
  //   Requires   at most `bytes_each`.
  bool add(std::span<const std::byte> bytes, const Address& to);
  bool add(std::string_view text, const Address& to) {
    return add(std::as_bytes(std::span(text)), to);
  }
  // Changes how many bytes it has: those that are new have any value.
  //   Requires   at most `bytes_each`.
  void resize(std::size_t index, std::size_t bytes);
  void set_address(std::size_t index, const Address& to) { slot(index).address = to; }

  // Mechanism, for UdpSocket: all places, of which the first size() are in use.
  [[nodiscard]] std::span<DatagramSlot> slots() { return slots_; }
  void set_size(std::size_t size) { size_ = size; }

 private:
  [[nodiscard]] DatagramSlot& slot(std::size_t index);
  [[nodiscard]] const DatagramSlot& slot(std::size_t index) const;

  std::unique_ptr<std::byte[]> memory_;
  std::vector<DatagramSlot> slots_;
  std::size_t size_ = 0;
};

}  // namespace coracle::net

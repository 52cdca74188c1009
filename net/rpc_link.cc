#include "net/rpc_link.h"

#include <algorithm>
#include <utility>

#include "net/datagram_decoder.h"
#include "net/message_reader.h"
#include "net/message_writer.h"
#include "net/rare_lines.h"
#include "runtime/check.h"
#include "runtime/log.h"

namespace coracle::net {
namespace {

class StreamLink final : public RpcLink {
 public:
  StreamLink(Stream stream, const MessageLimits& limits)
      : stream_(std::move(stream)), reader_(stream_, limits), writer_(stream_), limits_(limits) {}

  [[nodiscard]] Task<> send(std::span<const std::byte> message) override {
    return writer_.write(message);
  }
  [[nodiscard]] Task<Received> next(RpcMessage& message) override { return reader_.next(message); }

  [[nodiscard]] const std::string& malformed() const override { return reader_.malformed(); }
  [[nodiscard]] std::error_code refusal() const override { return {}; }
  [[nodiscard]] const std::string& peer_name() const override { return stream_.peer_name(); }
  [[nodiscard]] std::size_t message_bytes_max() const override { return limits_.message_bytes_max; }
  [[nodiscard]] bool loses_messages() const override { return false; }

 private:
  Stream stream_;
  MessageReader reader_;
  MessageWriter writer_;
  const MessageLimits limits_;
};

class DatagramLink final : public RpcLink {
 public:
  DatagramLink(UdpSocket socket, const MessageLimits& limits)
      : socket_(std::move(socket)),
        decoder_(limits),
        bytes_max_(std::min(limits.message_bytes_max, kDatagramBytesMax)) {
    const auto peer = socket_.peer_address();
    CORACLE_CHECK(peer.has_value(), "a client calls over a connected socket");
    peer_name_ = peer->to_string();
  }

  [[nodiscard]] Task<> send(std::span<const std::byte> message) override {
    co_await socket_.send(message);
  }
  [[nodiscard]] Task<Received> next(RpcMessage& message) override;

  [[nodiscard]] const std::string& malformed() const override { return decoder_.malformed(); }
  [[nodiscard]] std::error_code refusal() const override { return refusal_; }
  [[nodiscard]] const std::string& peer_name() const override { return peer_name_; }
  [[nodiscard]] std::size_t message_bytes_max() const override { return bytes_max_; }
  [[nodiscard]] bool loses_messages() const override { return true; }

 private:
  UdpSocket socket_;
  DatagramDecoder decoder_;
  const std::size_t bytes_max_;
  std::string peer_name_;
  const std::unique_ptr<std::byte[]> buffer_ =
      std::make_unique_for_overwrite<std::byte[]>(kDatagramBytesMax);
  std::error_code refusal_;
  RareLines dropped_;
};

// What is no message costs nobody anything but a rare line: anyone can put our peer's address on a
// datagram.
Task<Received> DatagramLink::next(RpcMessage& message) {
  for (;;) {
    const std::span<std::byte> space(buffer_.get(), kDatagramBytesMax);
    std::size_t bytes = 0;
    try {
      const ReceivedDatagram received = co_await socket_.receive(space);
      bytes = received.bytes;
    } catch (const Error& error) {
      refusal_ = error.code();
      co_return Received::refused;
    }
    if (decoder_.read(space.first(bytes), message)) co_return Received::message;
    if (const std::uint64_t count = dropped_.count()) {
      log_warn("rpc_dropped_datagram peer={} reason=\"{}\" count={}", peer_name_, malformed(),
               count);
    }
  }
}

}  // namespace

std::unique_ptr<RpcLink> link_over(Stream stream, const MessageLimits& limits) {
  return std::make_unique<StreamLink>(std::move(stream), limits);
}

std::unique_ptr<RpcLink> link_over(UdpSocket socket, const MessageLimits& limits) {
  return std::make_unique<DatagramLink>(std::move(socket), limits);
}

}  // namespace coracle::net

#include <cerrno>

#include "net/sim/datagrams.h"
#include "net/sim/sim_net.h"
#include "runtime/error.h"

namespace coracle::net::sim {
namespace {

class SimUdp final : public UdpCore, private SocketEvents, private Notice {
 public:
  SimUdp(SimNet& net, const UdpOptions& options)
      : net_(net), socket_(net.fabric().datagrams(), net.kernel(), *this, options) {
    net_.socket_opened();
  }
  ~SimUdp() override {
    net_.below().withdraw(*this);
    net_.socket_closed();
  }

  [[nodiscard]] DatagramSocket& socket() { return socket_; }

  [[nodiscard]] Address local_address() const override { return socket_.address(); }
  [[nodiscard]] std::optional<Address> peer_address() const override { return socket_.peer(); }
  [[nodiscard]] int set(UdpSetting setting, int value) override {
    return socket_.set(setting, value);
  }
  [[nodiscard]] int set_multicast_interface(const Address& interface) override {
    return socket_.set_multicast_interface(interface);
  }
  [[nodiscard]] int set_member(const Address& group, const Address& interface,
                               bool member) override {
    return socket_.set_member(group, interface, member);
  }
  [[nodiscard]] std::size_t receive_buffer_bytes() const override {
    return socket_.receive_buffer_bytes();
  }
  [[nodiscard]] std::size_t send_buffer_bytes() const override {
    return socket_.send_buffer_bytes();
  }

 private:
  int try_receive(std::span<DatagramSlot> places) override {
    int received = 0;
    for (DatagramSlot& place : places) {
      // As recvmmsg() does it: an error is told before what has arrived, or by the next call.
      if (received > 0 && !socket_.readable()) break;
      const int error = socket_.receive(place);
      if (error != 0) return -error;
      ++received;
    }
    return received;
  }

  int try_send(std::span<const DatagramSlot> datagrams) override {
    int sent = 0;
    for (const DatagramSlot& datagram : datagrams) {
      const int error = socket_.send(datagram);
      if (error != 0) return sent > 0 ? sent : -error;
      ++sent;
    }
    return sent;
  }

  // The send buffer is never full.
  void watch(bool readable, bool /*writable*/) override {
    watches_ = readable;
    if (readable && socket_.readable()) net_.below().post(*this);
  }

  void ready() override {
    if (watches_) net_.below().post(*this);
  }

  void arrived() override {
    if (watches_ && socket_.readable()) readable();
    if (watches_ && socket_.readable()) net_.below().post(*this);
  }

  SimNet& net_;
  DatagramSocket socket_;
  bool watches_ = false;
};

}  // namespace

std::unique_ptr<UdpCore> SimNet::bind_udp(const Address& address, const UdpOptions& options) {
  auto udp = std::make_unique<SimUdp>(*this, options);
  const int error = udp->socket().bind(address);
  if (error != 0) throw Error(error, "bind", address.to_string());
  return udp;
}

std::unique_ptr<UdpCore> SimNet::connect_udp(const Address& peer, const UdpOptions& options) {
  auto udp = std::make_unique<SimUdp>(*this, options);
  const int error = udp->socket().connect(peer);
  if (error != 0) throw Error(error, "connect", peer.to_string());
  return udp;
}

}  // namespace coracle::net::sim

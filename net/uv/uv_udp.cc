#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

#include "net/udp.h"
#include "net/uv/uv_net.h"
#include "runtime/check.h"
#include "runtime/error.h"

namespace coracle::net::uv {
namespace {

// How many datagrams one system call takes or gives.
constexpr std::size_t kPerCall = 64;

// Up to this size a datagram fits every IPv6 link, and all but odd IPv4 ones, in one packet, which
// is what UDP_SEGMENT demands: 1,280 bytes less the headers (RFC 8200, section 5).
constexpr std::size_t kGroupedBytesMax = 1232;

// How many datagrams from the first one on the kernel can send as one packet that it cuts up late
// (UDP_SEGMENT, Linux 4.18): those of one size and to one address, and a smaller one as the last.
std::size_t group_of(std::span<const DatagramSlot> datagrams, bool connected) {
  const DatagramSlot& first = datagrams.front();
  if (first.bytes == 0 || first.bytes > kGroupedBytesMax) return 1;
  std::size_t count = 1;
  std::size_t bytes = first.bytes;
  for (const DatagramSlot& next : datagrams.subspan(1)) {
    bytes += next.bytes;
    if (next.bytes == 0 || next.bytes > first.bytes || bytes > kDatagramBytesMax) break;
    if (!connected && next.address != first.address) break;
    ++count;
    if (next.bytes < first.bytes) break;
  }
  return count;
}

// Makes sendmmsg() and recvmmsg() out of slots.
class Messages {
 public:
  // What slots receive into.
  explicit Messages(std::span<DatagramSlot> places) : count_(std::min(places.size(), kPerCall)) {
    for (std::size_t i = 0; i < count_; ++i) {
      set(i, places[i].space);
      headers_[i].msg_hdr.msg_name = &addresses_[i];
      headers_[i].msg_hdr.msg_namelen = sizeof(sockaddr_storage);
    }
  }
  // What slots send; to their addresses, unless the socket is connected. Each in a message of its
  // own, or several in one.
  Messages(std::span<const DatagramSlot> datagrams, bool connected, bool grouped) {
    const std::size_t taken = std::min(datagrams.size(), kPerCall);
    for (std::size_t i = 0; i < taken; ++count_) {
      const DatagramSlot& first = datagrams[i];
      const auto rest = datagrams.subspan(i, taken - i);
      const std::size_t size = grouped ? group_of(rest, connected) : 1;
      set_group(i, rest.first(size));
      if (!connected) {
        const SocketAddress to = to_system(first.address);
        addresses_[count_] = to.storage;
        headers_[count_].msg_hdr.msg_name = &addresses_[count_];
        headers_[count_].msg_hdr.msg_namelen = to.bytes;
      }
      i += size;
    }
  }
  Messages(const Messages&) = delete;
  Messages& operator=(const Messages&) = delete;

  [[nodiscard]] mmsghdr* get() { return headers_.data(); }
  [[nodiscard]] unsigned int count() const { return static_cast<unsigned int>(count_); }

  // How many datagrams the first `messages` of them are.
  [[nodiscard]] int datagrams_in(int messages) const {
    std::size_t datagrams = 0;
    for (int i = 0; i < messages; ++i) datagrams += group_size(static_cast<std::size_t>(i));
    return static_cast<int>(datagrams);
  }
  [[nodiscard]] std::size_t group_size(std::size_t i) const {
    return headers_[i].msg_hdr.msg_iovlen;
  }

  // What has been received into the slot `i`.
  void tell(std::size_t i, DatagramSlot& place) const {
    place.datagram_bytes = headers_[i].msg_len;
    place.bytes = std::min(place.datagram_bytes, place.space.size());
    place.address = from_system(addresses_[i]);
    place.error = 0;
  }

 private:
  void set(std::size_t i, std::span<std::byte> bytes) {
    pieces_[i] = {bytes.data(), bytes.size()};
    headers_[i] = {};
    headers_[i].msg_hdr.msg_iov = &pieces_[i];
    headers_[i].msg_hdr.msg_iovlen = 1;
  }
  // The next message: these, of which the first one is the `i`th of all.
  void set_group(std::size_t i, std::span<const DatagramSlot> group) {
    for (std::size_t k = 0; k < group.size(); ++k) {
      pieces_[i + k] = {group[k].space.data(), group[k].bytes};
    }
    headers_[count_] = {};
    msghdr& header = headers_[count_].msg_hdr;
    header.msg_iov = &pieces_[i];
    header.msg_iovlen = group.size();
    if (group.size() == 1) return;
    const auto bytes_each = static_cast<std::uint16_t>(group.front().bytes);
    Control& control = controls_[count_];
    header.msg_control = control.bytes.data();
    header.msg_controllen = control.bytes.size();
    cmsghdr* cut = CMSG_FIRSTHDR(&header);
    cut->cmsg_level = SOL_UDP;
    cut->cmsg_type = UDP_SEGMENT;
    cut->cmsg_len = CMSG_LEN(sizeof(bytes_each));
    std::memcpy(CMSG_DATA(cut), &bytes_each, sizeof(bytes_each));
  }

  // What tells the kernel where to cut.
  struct Control {
    alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(sizeof(std::uint16_t))> bytes;
  };

  std::size_t count_ = 0;
  // Not initialized: a call for one datagram must not pay for 64.
  std::array<mmsghdr, kPerCall> headers_;
  std::array<iovec, kPerCall> pieces_;
  std::array<sockaddr_storage, kPerCall> addresses_;
  std::array<Control, kPerCall> controls_;
};

// What a kernel says to UDP_SEGMENT that does not know it, or whose device cannot compute
// checksums, or whose way to the peer is too narrow. In the way of the datagrams themselves nothing
// may be.
bool is_about_groups(int error) {
  return error == EINVAL || error == EIO || error == EOPNOTSUPP || error == EMSGSIZE ||
         error == ENOPROTOOPT;
}

class UvUdp final : public UdpCore {
 public:
  UvUdp(UvNet& net, int descriptor, std::optional<Address> peer)
      : net_(net), poll_(new uv_poll_t), descriptor_(descriptor), peer_(std::move(peer)) {
    poll_->data = this;
    CORACLE_CHECK(uv_poll_init(net.uv(), poll_, descriptor) == 0, "a socket can be polled");
    is_ipv6_ = local_address().family() == Address::Family::ipv6;
    // A kernel that does not know it would ignore it, and send a group as one datagram.
    int value = 0;
    socklen_t size = sizeof(value);
    may_group_ = getsockopt(descriptor, SOL_UDP, UDP_SEGMENT, &value, &size) == 0;
    net_.socket_opened();
  }
  ~UvUdp() override {
    // uv_close takes the descriptor out of epoll at once, so that it may be closed here.
    uv_close(reinterpret_cast<uv_handle_t*>(poll_),
             [](uv_handle_t* handle) { delete reinterpret_cast<uv_poll_t*>(handle); });
    close(descriptor_);
    net_.socket_closed();
  }

  [[nodiscard]] Address local_address() const override {
    sockaddr_storage storage{};
    socklen_t bytes = sizeof(storage);
    getsockname(descriptor_, reinterpret_cast<sockaddr*>(&storage), &bytes);
    return from_system(storage);
  }
  [[nodiscard]] std::optional<Address> peer_address() const override { return peer_; }

  [[nodiscard]] int set(UdpSetting setting, int value) override {
    switch (setting) {
      case UdpSetting::broadcast: return set_option(SOL_SOCKET, SO_BROADCAST, value);
      case UdpSetting::ttl:
        return is_ipv6_ ? set_option(IPPROTO_IPV6, IPV6_UNICAST_HOPS, value)
                        : set_option(IPPROTO_IP, IP_TTL, value);
      case UdpSetting::multicast_ttl:
        // -1 is the system's choice to the kernel, and none here.
        if (value < 0) return EINVAL;
        return is_ipv6_ ? set_option(IPPROTO_IPV6, IPV6_MULTICAST_HOPS, value)
                        : set_option(IPPROTO_IP, IP_MULTICAST_TTL, value);
      case UdpSetting::multicast_loop:
        return is_ipv6_ ? set_option(IPPROTO_IPV6, IPV6_MULTICAST_LOOP, value)
                        : set_option(IPPROTO_IP, IP_MULTICAST_LOOP, value);
    }
    return EINVAL;
  }
  [[nodiscard]] int set_multicast_interface(const Address& interface) override {
    if (is_ipv6_) return set_option(IPPROTO_IPV6, IPV6_MULTICAST_IF, interface.scope());
    return set_option(IPPROTO_IP, IP_MULTICAST_IF, ipv4_of(interface));
  }
  [[nodiscard]] int set_member(const Address& group, const Address& interface,
                               bool member) override;
  [[nodiscard]] std::size_t receive_buffer_bytes() const override { return buffer(SO_RCVBUF); }
  [[nodiscard]] std::size_t send_buffer_bytes() const override { return buffer(SO_SNDBUF); }

 private:
  int try_receive(std::span<DatagramSlot> places) override;
  int try_send(std::span<const DatagramSlot> datagrams) override;
  void watch(bool readable, bool writable) override;

  template <class Value>
  [[nodiscard]] int set_option(int level, int option, const Value& value) const {
    return setsockopt(descriptor_, level, option, &value, sizeof(value)) == 0 ? 0 : errno;
  }
  [[nodiscard]] std::size_t buffer(int option) const {
    int bytes = 0;
    socklen_t size = sizeof(bytes);
    getsockopt(descriptor_, SOL_SOCKET, option, &bytes, &size);
    return static_cast<std::size_t>(bytes);
  }
  [[nodiscard]] static in_addr ipv4_of(const Address& address) {
    in_addr result{};
    std::copy_n(address.bytes().begin(), sizeof(result), reinterpret_cast<std::byte*>(&result));
    return result;
  }

  UvNet& net_;
  uv_poll_t* poll_;
  const int descriptor_;
  const std::optional<Address> peer_;
  bool is_ipv6_ = false;
  bool may_group_ = false;
};

int UvUdp::set_member(const Address& group, const Address& interface, bool member) {
  const bool group_is_ipv6 = group.family() == Address::Family::ipv6;
  if (group_is_ipv6 != is_ipv6_) return EAFNOSUPPORT;
  if (is_ipv6_) {
    ipv6_mreq request{};
    std::copy_n(group.bytes().begin(), sizeof(request.ipv6mr_multiaddr),
                reinterpret_cast<std::byte*>(&request.ipv6mr_multiaddr));
    request.ipv6mr_interface = interface.scope() != 0 ? interface.scope() : group.scope();
    return set_option(IPPROTO_IPV6, member ? IPV6_JOIN_GROUP : IPV6_LEAVE_GROUP, request);
  }
  const ip_mreq request{.imr_multiaddr = ipv4_of(group), .imr_interface = ipv4_of(interface)};
  return set_option(IPPROTO_IP, member ? IP_ADD_MEMBERSHIP : IP_DROP_MEMBERSHIP, request);
}

int UvUdp::try_receive(std::span<DatagramSlot> places) {
  Messages messages(places);
  // MSG_TRUNC: tells the length of what was sent, also where the rest of it is lost.
  const int received =
      recvmmsg(descriptor_, messages.get(), messages.count(), MSG_DONTWAIT | MSG_TRUNC, nullptr);
  if (received < 0) return -errno;
  for (int i = 0; i < received; ++i) {
    const auto index = static_cast<std::size_t>(i);
    messages.tell(index, places[index]);
  }
  return received;
}

int UvUdp::try_send(std::span<const DatagramSlot> datagrams) {
  Messages messages(datagrams, peer_.has_value(), may_group_);
  const int sent =
      sendmmsg(descriptor_, messages.get(), messages.count(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent >= 0) return messages.datagrams_in(sent);
  const int error = errno;
  if (messages.group_size(0) == 1 || !is_about_groups(error)) return -error;
  // Only if the first one can go on its own it was the group's fault.
  may_group_ = false;
  const int singly = try_send(datagrams);
  may_group_ = singly <= 0;
  return singly;
}

void UvUdp::watch(bool readable, bool writable) {
  const int events = (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0);
  if (events == 0) {
    uv_poll_stop(poll_);
    return;
  }
  const int code = uv_poll_start(poll_, events, [](uv_poll_t* poll, int status, int ready) {
    auto& udp = *static_cast<UvUdp*>(poll->data);
    Loop& loop = udp.net_.loop();
    // libuv has stopped polling where the socket has an error to tell.
    if (status < 0) udp.watch_ended();
    if (status < 0 || (ready & UV_READABLE) != 0) udp.readable();
    if (status < 0 || (ready & UV_WRITABLE) != 0) udp.writable();
    loop.run_ready();
  });
  CORACLE_CHECK(code == 0, "a UDP socket can be polled");
}

// Throws the Error of the call that failed, and closes the descriptor.
class NewSocket {
 public:
  NewSocket(const Address& address, const char* operation, const UdpOptions& options)
      : address_(address), system_(to_system(address)), operation_(operation) {
    const bool is_ipv6 = address.family() == Address::Family::ipv6;
    descriptor_ =
        socket(is_ipv6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    expect(descriptor_ >= 0);
    if (is_ipv6) set(IPPROTO_IPV6, IPV6_V6ONLY, 1);
    // Else a socket would hear each group that any process of the machine has joined.
    if (is_ipv6) set(IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0);
    if (!is_ipv6) set(IPPROTO_IP, IP_MULTICAST_ALL, 0);
    if (options.reuse_port) set(SOL_SOCKET, SO_REUSEPORT, 1);
    if (options.reuse_address) set(SOL_SOCKET, SO_REUSEADDR, 1);
    set_buffer(SO_RCVBUF, options.receive_buffer_bytes);
    set_buffer(SO_SNDBUF, options.send_buffer_bytes);
  }
  NewSocket(const NewSocket&) = delete;
  NewSocket& operator=(const NewSocket&) = delete;
  ~NewSocket() {
    if (descriptor_ >= 0) close(descriptor_);
  }

  void bind() const { expect(::bind(descriptor_, system_.get(), system_.bytes) == 0); }
  void connect() const { expect(::connect(descriptor_, system_.get(), system_.bytes) == 0); }
  [[nodiscard]] int take() { return std::exchange(descriptor_, -1); }

 private:
  void set(int level, int option, int value) const {
    expect(setsockopt(descriptor_, level, option, &value, sizeof(value)) == 0);
  }
  void set_buffer(int option, std::size_t bytes) const {
    constexpr std::size_t kMost = 1U << 30U;
    if (bytes > 0) set(SOL_SOCKET, option, static_cast<int>(std::min(bytes, kMost)));
  }
  void expect(bool done) const {
    if (!done) throw Error(errno, operation_, address_.to_string());
  }

  const Address& address_;
  const SocketAddress system_;
  const char* operation_;
  int descriptor_ = -1;
};

}  // namespace

std::unique_ptr<UdpCore> UvNet::bind_udp(const Address& address, const UdpOptions& options) {
  NewSocket socket(address, "bind", options);
  socket.bind();
  return std::make_unique<UvUdp>(*this, socket.take(), std::nullopt);
}

std::unique_ptr<UdpCore> UvNet::connect_udp(const Address& peer, const UdpOptions& options) {
  NewSocket socket(peer, "connect", options);
  socket.connect();
  return std::make_unique<UvUdp>(*this, socket.take(), peer);
}

}  // namespace coracle::net::uv

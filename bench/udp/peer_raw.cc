// The physical floor: recvmmsg, sendmmsg and epoll, and nothing else. SIGTERM ends it.
#include <arpa/inet.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

constexpr std::size_t kBatch = 64;

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

int bound_socket() {
  const int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) fail("socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (bind(descriptor, reinterpret_cast<const sockaddr*>(&address), size) != 0) fail("bind");
  getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size);
  std::printf("port=%d\n", static_cast<int>(ntohs(address.sin_port)));
  std::fflush(stdout);
  return descriptor;
}

struct Batch {
  std::array<std::array<char, 2048>, kBatch> memory;
  std::array<iovec, kBatch> pieces;
  std::array<sockaddr_in, kBatch> addresses;
  std::array<mmsghdr, kBatch> messages;

  int receive(int descriptor) {
    for (std::size_t i = 0; i < kBatch; ++i) {
      pieces[i] = {memory[i].data(), memory[i].size()};
      messages[i] = {};
      messages[i].msg_hdr.msg_iov = &pieces[i];
      messages[i].msg_hdr.msg_iovlen = 1;
      messages[i].msg_hdr.msg_name = &addresses[i];
      messages[i].msg_hdr.msg_namelen = sizeof addresses[i];
    }
    return recvmmsg(descriptor, messages.data(), kBatch, MSG_DONTWAIT, nullptr);
  }
  void send_back(int descriptor, int count) {
    for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
      pieces[i].iov_len = messages[i].msg_len;
    }
    if (sendmmsg(descriptor, messages.data(), static_cast<unsigned>(count), 0) < 0) fail("send");
  }
};

}  // namespace

int main() {
  static Batch batch;
  const int descriptor = bound_socket();
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  epoll_event event{};
  event.events = EPOLLIN;
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) != 0) fail("epoll_ctl");
  for (;;) {
    if (epoll_wait(epoll, &event, 1, -1) < 0 && errno != EINTR) fail("epoll_wait");
    const int count = batch.receive(descriptor);
    if (count < 0 && errno != EAGAIN) fail("recvmmsg");
    if (count > 0) batch.send_back(descriptor, count);
  }
}

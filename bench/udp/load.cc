// The load generator of the UDP benchmark: one socket with N datagrams in flight (a closed loop),
// in batches on raw system calls, so that the server is what is measured.
//
//   load --port P --in-flight N --bytes B --seconds S --warmup S --server-pid P
//
// What has not come back after 200 ms counts as lost, and is sent again. Prints one line of
// key=value pairs.
#include <arpa/inet.h>
#include <getopt.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace {

constexpr std::size_t kBatch = 64;
constexpr std::size_t kBytesMax = 2048;

struct Options {
  int port = 0;
  std::size_t in_flight = 32;
  std::size_t bytes = 64;
  double seconds = 1;
  double warmup = 0.2;
  int server_pid = 0;
};

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

std::int64_t read_clock(clockid_t clock) {
  timespec time{};
  if (clock_gettime(clock, &time) != 0) fail("clock_gettime");
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

class Load {
 public:
  explicit Load(const Options& options) : options_(options) {
    socket_ = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (socket_ < 0) fail("socket");
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(options.port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sockaddr generic{};
    std::memcpy(&generic, &address, sizeof generic);
    if (connect(socket_, &generic, sizeof generic) != 0) fail("connect");
    for (std::size_t i = 0; i < kBatch; ++i) {
      for (std::size_t byte = 0; byte < kBytesMax; ++byte) {
        memory_[i][byte] = static_cast<char>(byte * 131 + 7);
      }
      pieces_[i] = {memory_[i].data(), options.bytes};
      messages_[i].msg_hdr.msg_iov = &pieces_[i];
      messages_[i].msg_hdr.msg_iovlen = 1;
    }
    expected_ = memory_[0];
  }

  void start() { send(options_.in_flight); }

  void run_until(std::int64_t end) {
    while (read_clock(CLOCK_MONOTONIC) < end) {
      const std::size_t back = receive();
      returned_ += static_cast<long>(back);
      send(back);
    }
  }

  void forget() { returned_ = lost_ = 0; }
  [[nodiscard]] long returned() const { return returned_; }
  [[nodiscard]] long lost() const { return lost_; }

 private:
  void send(std::size_t count) {
    while (count > 0) {
      const auto some = static_cast<unsigned>(std::min(count, kBatch));
      const int sent = sendmmsg(socket_, messages_.data(), some, 0);
      if (sent < 0) fail("sendmmsg");
      count -= static_cast<std::size_t>(sent);
    }
  }

  // Waits for one, and takes what is there. Returns how many are to be sent anew.
  std::size_t receive() {
    int count = recvmmsg(socket_, messages_.data(), kBatch, MSG_DONTWAIT, nullptr);
    if (count < 0 && errno == EAGAIN) {
      pollfd readable{socket_, POLLIN, 0};
      const int ready = poll(&readable, 1, 200);
      if (ready < 0) fail("poll");
      if (ready == 0) {
        lost_ += static_cast<long>(options_.in_flight);
        return options_.in_flight;
      }
      count = recvmmsg(socket_, messages_.data(), kBatch, MSG_DONTWAIT, nullptr);
    }
    if (count < 0) fail("recvmmsg");
    for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
      if (messages_[i].msg_len == options_.bytes &&
          std::memcmp(memory_[i].data(), expected_.data(), options_.bytes) == 0) {
        continue;
      }
      std::fprintf(stderr, "load: the server did not echo what was sent\n");
      std::exit(1);
    }
    return static_cast<std::size_t>(count);
  }

  Options options_;
  int socket_ = -1;
  std::array<std::array<char, kBytesMax>, kBatch> memory_;
  std::array<char, kBytesMax> expected_;
  std::array<iovec, kBatch> pieces_;
  std::array<mmsghdr, kBatch> messages_{};
  long returned_ = 0;
  long lost_ = 0;
};

void measure(const Options& options) {
  constexpr double kNanoseconds = 1e9;
  clockid_t server{};
  if (clock_getcpuclockid(options.server_pid, &server) != 0) fail("clock_getcpuclockid");
  Load load(options);
  load.start();
  const std::int64_t start = read_clock(CLOCK_MONOTONIC);
  load.run_until(start + static_cast<std::int64_t>(options.warmup * kNanoseconds));
  load.forget();
  const std::int64_t cpu_before = read_clock(server);
  const std::int64_t began = read_clock(CLOCK_MONOTONIC);
  load.run_until(began + static_cast<std::int64_t>(options.seconds * kNanoseconds));
  const std::int64_t cpu = read_clock(server) - cpu_before;
  const auto elapsed = static_cast<double>(read_clock(CLOCK_MONOTONIC) - began);
  const auto returned = static_cast<double>(std::max(load.returned(), 1L));
  std::printf("datagrams=%.0f per_second=%.1f cpu_ns=%.1f lost=%ld\n", returned,
              returned / elapsed * kNanoseconds, static_cast<double>(cpu) / returned, load.lost());
}

Options parse(int argc, char** argv) {
  Options options;
  const option names[] = {{"port", required_argument, nullptr, 'p'},
                          {"in-flight", required_argument, nullptr, 'n'},
                          {"bytes", required_argument, nullptr, 'b'},
                          {"seconds", required_argument, nullptr, 's'},
                          {"warmup", required_argument, nullptr, 'w'},
                          {"server-pid", required_argument, nullptr, 'i'},
                          {nullptr, 0, nullptr, 0}};
  for (int name; (name = getopt_long(argc, argv, "", names, nullptr)) != -1;) {
    if (name == 'p') options.port = std::atoi(optarg);
    if (name == 'n') options.in_flight = std::strtoul(optarg, nullptr, 10);
    if (name == 'b') options.bytes = std::strtoul(optarg, nullptr, 10);
    if (name == 's') options.seconds = std::strtod(optarg, nullptr);
    if (name == 'w') options.warmup = std::strtod(optarg, nullptr);
    if (name == 'i') options.server_pid = std::atoi(optarg);
    if (name == '?') std::exit(2);
  }
  if (options.port == 0 || options.server_pid == 0 || options.bytes > kBytesMax) {
    std::fprintf(stderr, "load: --port, --server-pid and --bytes <= %zu are needed\n", kBytesMax);
    std::exit(2);
  }
  return options;
}

}  // namespace

int main(int argc, char** argv) { measure(parse(argc, argv)); }

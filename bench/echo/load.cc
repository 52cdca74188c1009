// The load generator of the echo benchmark: N connections, each with one message in flight (a
// closed loop), on raw epoll, so that no framework under test also drives its own measurement.
//
//   load --port P --connections N --bytes B --seconds S [--warmup S] [--server-pid P]
//   load --port P --connections N --bytes B --requests R
//
// The first form measures for S seconds after the warm-up; the second sends exactly R requests
// and is there for counting runs. Either prints one line of key=value pairs.
#include <arpa/inet.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

struct Options {
  int port = 0;
  int connections = 1;
  std::size_t bytes = 64;
  double seconds = 1;
  double warmup = 0.2;
  long requests = 0;  // 0: bounded by time
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

std::int64_t now_ns() { return read_clock(CLOCK_MONOTONIC); }

// What the server has cost so far, seen from outside.
class ServerMeter {
 public:
  explicit ServerMeter(int pid) : pid_(pid) {
    if (pid_ != 0 && clock_getcpuclockid(pid_, &clock_) != 0) fail("clock_getcpuclockid");
  }

  [[nodiscard]] std::int64_t cpu_ns() const { return pid_ == 0 ? 0 : read_clock(clock_); }

  [[nodiscard]] long resident_bytes() const {
    if (pid_ == 0) return 0;
    std::FILE* file = std::fopen(("/proc/" + std::to_string(pid_) + "/statm").c_str(), "r");
    if (file == nullptr) fail("open statm");
    long pages = 0;
    if (std::fscanf(file, "%*d %ld", &pages) != 1) fail("read statm");
    std::fclose(file);
    return pages * sysconf(_SC_PAGESIZE);
  }

 private:
  int pid_;
  clockid_t clock_{};
};

struct Connection {
  int fd = -1;
  std::size_t sent = 0;
  std::size_t received = 0;
  std::int64_t began = 0;
};

class Load {
 public:
  explicit Load(const Options& options) : options_(options), pattern_(options.bytes) {
    for (std::size_t i = 0; i < pattern_.size(); ++i) pattern_[i] = static_cast<char>(i * 131 + 7);
    epoll_ = epoll_create1(EPOLL_CLOEXEC);
    if (epoll_ < 0) fail("epoll_create1");
    connections_.reserve(static_cast<std::size_t>(options.connections));
    latencies_.reserve(4'000'000);
  }

  void connect_up_to(int count) {
    while (connections_.size() < static_cast<std::size_t>(count)) connect_one();
  }

  // Every idle connection sends its next request.
  void start() {
    for (Connection& connection : connections_) {
      if (connection.began == 0) send_next(connection);
    }
  }

  void run_until(std::int64_t end) {
    while (now_ns() < end) serve(1);
  }

  void run_requests(long count) {
    remaining_ = count;
    start();
    while (in_flight_ > 0) serve(1000);
  }

  // Lets the requests in flight come home, and sends no more.
  void drain() {
    remaining_ = 0;
    while (in_flight_ > 0) serve(1000);
  }

  void forget_latencies() { latencies_.clear(); }
  [[nodiscard]] std::vector<std::int64_t>& latencies() { return latencies_; }

 private:
  void connect_one() {
    Connection connection;
    connection.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection.fd < 0) fail("socket");
    const int on = 1;
    setsockopt(connection.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(options_.port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sockaddr generic{};
    std::memcpy(&generic, &address, sizeof generic);
    if (connect(connection.fd, &generic, sizeof generic) != 0) fail("connect");
    watch(EPOLL_CTL_ADD, connection.fd, connections_.size(), EPOLLIN);
    connections_.push_back(connection);
  }

  void watch(int operation, int fd, std::size_t index, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.u64 = index;
    if (epoll_ctl(epoll_, operation, fd, &event) != 0) fail("epoll_ctl");
  }

  void send_next(Connection& connection) {
    connection.began = 0;
    if (remaining_ == 0) return;
    if (remaining_ > 0) --remaining_;
    ++in_flight_;
    connection.sent = 0;
    connection.received = 0;
    connection.began = now_ns();
    send_rest(connection);
  }

  void send_rest(Connection& connection) {
    const ssize_t sent = send(connection.fd, pattern_.data() + connection.sent,
                              pattern_.size() - connection.sent, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) fail("send");
    const bool was_waiting = connection.sent > 0;
    if (sent > 0) connection.sent += static_cast<std::size_t>(sent);
    const bool waits = connection.sent < pattern_.size();
    if (waits == was_waiting && !waits) return;
    const auto index = static_cast<std::size_t>(&connection - connections_.data());
    watch(EPOLL_CTL_MOD, connection.fd, index, waits ? EPOLLIN | EPOLLOUT : EPOLLIN);
  }

  void serve(int timeout_ms) {
    std::array<epoll_event, 1024> events;
    const int count =
        epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), timeout_ms);
    if (count < 0 && errno != EINTR) fail("epoll_wait");
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      Connection& connection = connections_[event.data.u64];
      if ((event.events & EPOLLOUT) != 0) send_rest(connection);
      if ((event.events & ~static_cast<std::uint32_t>(EPOLLOUT)) != 0) receive(connection);
    }
  }

  void receive(Connection& connection) {
    const ssize_t count = recv(connection.fd, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (count < 0 && errno == EAGAIN) return;
    if (count < 0) fail("recv");
    const auto size = static_cast<std::size_t>(count);
    if (size == 0 || connection.received + size > pattern_.size() ||
        std::memcmp(buffer_.data(), pattern_.data() + connection.received, size) != 0) {
      std::fprintf(stderr, "load: the server closed or did not echo what was sent\n");
      std::exit(1);
    }
    connection.received += size;
    if (connection.received < pattern_.size()) return;
    latencies_.push_back(now_ns() - connection.began);
    --in_flight_;
    send_next(connection);
  }

  Options options_;
  int epoll_ = -1;
  std::vector<char> pattern_;
  std::vector<Connection> connections_;
  std::vector<std::int64_t> latencies_;
  std::array<char, 65536> buffer_;
  long remaining_ = -1;  // -1: no bound
  long in_flight_ = 0;
};

double quantile_us(std::vector<std::int64_t>& sorted, double fraction) {
  if (sorted.empty()) return 0;
  const auto last = static_cast<double>(sorted.size() - 1);
  return static_cast<double>(sorted[static_cast<std::size_t>(fraction * last)]) / 1000;
}

void measure(const Options& options) {
  constexpr double kNanoseconds = 1e9;
  const ServerMeter server(options.server_pid);
  Load load(options);
  // One connection first, so that what the server touches only once is not charged to the others.
  load.connect_up_to(1);
  load.start();
  load.run_until(now_ns() + 50'000'000);
  const long resident_before = server.resident_bytes();
  load.connect_up_to(options.connections);
  load.start();
  load.run_until(now_ns() + static_cast<std::int64_t>(options.warmup * kNanoseconds));
  load.forget_latencies();
  const std::int64_t cpu_before = server.cpu_ns();
  const std::int64_t began = now_ns();
  load.run_until(began + static_cast<std::int64_t>(options.seconds * kNanoseconds));
  const std::int64_t cpu = server.cpu_ns() - cpu_before;
  const auto elapsed = static_cast<double>(now_ns() - began);
  const long resident = server.resident_bytes() - resident_before;
  std::vector<std::int64_t> latencies = load.latencies();
  load.drain();
  std::sort(latencies.begin(), latencies.end());
  const auto requests = static_cast<double>(std::max<std::size_t>(latencies.size(), 1));
  std::printf(
      "requests=%zu per_second=%.1f p50_us=%.2f p99_us=%.2f cpu_ns=%.1f rss_per_connection="
      "%.1f\n",
      latencies.size(), requests / elapsed * kNanoseconds, quantile_us(latencies, 0.50),
      quantile_us(latencies, 0.99), static_cast<double>(cpu) / requests,
      options.connections < 2 ? 0.0 : static_cast<double>(resident) / (options.connections - 1));
}

void send_counted(const Options& options) {
  Load load(options);
  load.connect_up_to(options.connections);
  load.run_requests(options.requests);
  std::printf("requests=%zu\n", load.latencies().size());
}

Options parse(int argc, char** argv) {
  Options options;
  const option names[] = {{"port", required_argument, nullptr, 'p'},
                          {"connections", required_argument, nullptr, 'c'},
                          {"bytes", required_argument, nullptr, 'b'},
                          {"seconds", required_argument, nullptr, 's'},
                          {"warmup", required_argument, nullptr, 'w'},
                          {"requests", required_argument, nullptr, 'r'},
                          {"server-pid", required_argument, nullptr, 'i'},
                          {nullptr, 0, nullptr, 0}};
  for (int name; (name = getopt_long(argc, argv, "", names, nullptr)) != -1;) {
    if (name == 'p') options.port = std::atoi(optarg);
    if (name == 'c') options.connections = std::atoi(optarg);
    if (name == 'b') options.bytes = std::strtoul(optarg, nullptr, 10);
    if (name == 's') options.seconds = std::strtod(optarg, nullptr);
    if (name == 'w') options.warmup = std::strtod(optarg, nullptr);
    if (name == 'r') options.requests = std::atol(optarg);
    if (name == 'i') options.server_pid = std::atoi(optarg);
    if (name == '?') std::exit(2);
  }
  if (options.port == 0 || options.connections < 1 || options.bytes < 1) {
    std::fprintf(stderr, "load: --port, --connections >= 1 and --bytes >= 1 are needed\n");
    std::exit(2);
  }
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse(argc, argv);
  if (options.requests > 0) {
    send_counted(options);
  } else {
    measure(options);
  }
}

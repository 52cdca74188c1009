// In steady state nothing is allocated: not by an echo, nor by a timeout around each read, nor by
// buffered lines. A program of its own, because it takes the allocator's place to count.
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>

#include "net/buffered_reader.h"
#include "net/buffered_writer.h"
#include "net/rpc.h"
#include "net/serve.h"
#include "net/udp.h"
#include "runtime/frame_pool.h"
#include "runtime/task_group.h"
#include "runtime/timeout.h"
#include "tests/net/transport.h"

namespace {

// Atomic because a compiler may take for granted that operator new changes nothing else: clang
// compared what had been before.
std::atomic<long> allocations = 0;

}  // namespace

#if !defined(CORACLE_SANITIZED)

// glibc's own names for its allocator.
extern "C" {

void* __libc_malloc(std::size_t size) noexcept;
void* __libc_calloc(std::size_t count, std::size_t size) noexcept;
void* __libc_realloc(void* memory, std::size_t size) noexcept;

void* malloc(std::size_t size) noexcept {
  ++allocations;
  return __libc_malloc(size);
}
void* calloc(std::size_t count, std::size_t size) noexcept {
  ++allocations;
  return __libc_calloc(count, size);
}
void* realloc(void* memory, std::size_t size) noexcept {
  ++allocations;
  return __libc_realloc(memory, size);
}
}

#endif

namespace coracle::net {
namespace {

using Buffer = std::array<std::byte, 1024>;

Task<> echo(Stream peer) {
  Buffer buffer;
  while (const std::size_t bytes = co_await peer.read(buffer)) {
    co_await peer.write(std::span(buffer).first(bytes));
  }
}

Task<> echo_with_timeout(Stream peer) {
  Buffer buffer;
  while (const std::size_t bytes = co_await with_timeout(10s, peer.read(buffer))) {
    co_await peer.write(std::span(buffer).first(bytes));
  }
}

Task<> echo_lines(Stream peer) {
  BufferedReader reader(peer);
  BufferedWriter writer(peer);
  while (const auto line = co_await reader.read_line()) {
    co_await writer.write(*line);
    co_await writer.write("\n");
    co_await writer.flush();
  }
}

// Asks a hundred times, and counts what the next thousand times allocate.
Task<> ask(Stream& stream, long& count) {
  Buffer buffer;
  for (int i = 0; i < 1100; ++i) {
    if (i == 100) count = -allocations;
    co_await stream.write("a line that comes back\n");
    static_cast<void>(co_await stream.read(buffer));
  }
  count += allocations;
}

class SteadyState : public testing::TestWithParam<Transport> {};

long allocations_of(Task<> (*handler)(Stream)) {
  long count = 0;
  in_loop([&]() -> Task<> {
    Listener listener = listen_over(SteadyState::GetParam());
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("serve", [&] { return serve(listener, handler); });
      Stream stream = co_await connect_to_name(listener.name());
      co_await ask(stream, count);
      group.cancel();
    });
  });
  return count;
}

#if defined(CORACLE_SANITIZED)
constexpr bool kCounts = false;
#else
constexpr bool kCounts = true;
#endif

TEST(Allocations, AreCounted) {
  if (!kCounts) GTEST_SKIP() << "a sanitizer has the allocator";
  const long before = allocations;
  const auto text = std::make_unique<std::string>(1000, 'x');
  const long after = allocations;
  EXPECT_EQ(after, before + 2) << *text;
}

TEST_P(SteadyState, AnEchoAllocatesNothing) { EXPECT_EQ(allocations_of(echo), 0); }

TEST_P(SteadyState, ATimeoutAllocatesNothing) {
  if (FramePool::kPlain) GTEST_SKIP() << "this build does not pool frames";
  EXPECT_EQ(allocations_of(echo_with_timeout), 0);
}

TEST_P(SteadyState, BufferedLinesAllocateNothing) {
  if (FramePool::kPlain) GTEST_SKIP() << "this build does not pool frames";
  EXPECT_EQ(allocations_of(echo_lines), 0);
}

Task<> echo_datagrams(UdpSocket& socket) {
  DatagramBatch batch(8);
  for (;;) {
    static_cast<void>(co_await socket.receive_batch(batch));
    static_cast<void>(co_await socket.send_batch(batch));
  }
}

Task<> ask_by_datagrams(const Address& server, long& count) {
  UdpSocket socket = UdpSocket::connect(server);
  Buffer buffer;
  for (int i = 0; i < 1100; ++i) {
    if (i == 100) count = -allocations;
    co_await socket.send("question");
    const ReceivedDatagram answer = co_await with_timeout(10s, socket.receive(buffer));
    EXPECT_EQ(answer.bytes, 8U);
  }
  count += allocations;
}

TEST(SteadyState, DatagramsAllocateNothing) {
  if (FramePool::kPlain) GTEST_SKIP() << "this build does not pool frames";
  long count = 0;
  in_loop([&]() -> Task<> {
    UdpSocket server = UdpSocket::bind(Address::loopback(0));
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("echo", echo_datagrams, std::ref(server));
      co_await ask_by_datagrams(server.local_address(), count);
      group.cancel();
    });
  });
  EXPECT_EQ(count, 0);
}

Task<> call_often(RpcClient& client, long& count) {
  for (int i = 0; i < 1100; ++i) {
    if (i == 100) count = -allocations;
    const int sum = co_await client.call<int>("add", i, 1);
    EXPECT_EQ(sum, i + 1);
  }
  count += allocations;
}

TEST_P(SteadyState, ARpcCallAllocatesNothing) {
  if (FramePool::kPlain) GTEST_SKIP() << "this build does not pool frames";
  long count = 0;
  in_loop([&]() -> Task<> {
    RpcServer server;
    server.handle("add", [](int a, int b) -> Task<int> { co_return a + b; });
    StreamPair pair = co_await connected_pair(GetParam());
    RpcClient client(std::move(pair.client));
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("serve", &RpcServer::serve, &server, std::move(pair.server));
      co_await call_often(client, count);
      group.cancel();
    });
  });
  EXPECT_EQ(count, 0);
}

TEST(SteadyState, ARpcCallByDatagramAllocatesNothing) {
  if (FramePool::kPlain) GTEST_SKIP() << "this build does not pool frames";
  long count = 0;
  in_loop([&]() -> Task<> {
    RpcServer server;
    server.handle("add", [](int a, int b) -> Task<int> { co_return a + b; });
    UdpSocket socket = UdpSocket::bind(Address::loopback(0));
    RpcClient client(UdpSocket::connect(socket.local_address()));
    const auto serve_socket = [&]() { return server.serve_datagrams(std::move(socket)); };
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("serve", serve_socket);
      co_await call_often(client, count);
      group.cancel();
    });
  });
  EXPECT_EQ(count, 0);
}

INSTANTIATE_TEST_SUITE_P(Over, SteadyState, kTransports, name_of_transport);

}  // namespace
}  // namespace coracle::net

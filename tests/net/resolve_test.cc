// Lookups. The system's own getaddrinfo answers for real names; names under `.test` are answered
// here, so that a lookup can fail or take its time without a network.
#include "net/resolve.h"

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <netdb.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "runtime/sleep.h"
#include "runtime/task_group.h"
#include "runtime/timeout.h"
#include "tests/net/tcp_pair.h"

namespace {

// What lookups of slow.test wait for.
class Gate {
 public:
  void wait() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    ++entered_;
    opened_.wait(lock, [this] { return open_; });
    --waiting_;
  }
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    opened_.notify_all();
  }
  void close() {
    const std::lock_guard lock(mutex_);
    open_ = false;
  }
  // How many lookups have come to it, ever.
  int entered() {
    const std::lock_guard lock(mutex_);
    return entered_;
  }
  int waiting() {
    const std::lock_guard lock(mutex_);
    return waiting_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable opened_;
  bool open_ = false;
  int waiting_ = 0;
  int entered_ = 0;
};
Gate gate;

int look_up_really(const char* node, const addrinfo* hints, addrinfo** result) {
  using Function = int (*)(const char*, const char*, const addrinfo*, addrinfo**);
  static const auto real = reinterpret_cast<Function>(dlsym(RTLD_NEXT, "getaddrinfo"));
  return real(node, nullptr, hints, result);
}

// Two addresses, the first one twice.
int look_up_two(const addrinfo* hints, addrinfo** result) {
  addrinfo** end = result;
  for (const char* literal : {"10.0.0.2", "10.0.0.1", "10.0.0.2"}) {
    const int code = look_up_really(literal, hints, end);
    if (code != 0) return code;
    end = &(*end)->ai_next;
  }
  return 0;
}

}  // namespace

// Takes the place of the C library's for this whole program.
extern "C" int getaddrinfo(const char* node, const char* /*service*/, const addrinfo* hints,
                           addrinfo** result) {
  const std::string_view name(node);
  if (name == "unknown.test") return EAI_NONAME;
  if (name == "empty.test") return EAI_NODATA;
  if (name == "silent.test") return EAI_AGAIN;
  if (name == "broken.test") return EAI_FAIL;
  if (name == "two.test") return look_up_two(hints, result);
  if (name == "slow.test") {
    gate.wait();
    return look_up_really("10.0.0.9", hints, result);
  }
  return look_up_really(node, hints, result);
}

namespace coracle::net {
namespace {

Task<std::string> resolved(ResolveOperation operation) {
  std::string text;
  try {
    const std::vector<Address> addresses = co_await std::move(operation);
    for (const Address& address : addresses) text += address.to_string() + " ";
  } catch (const Error& error) {
    text = error.what();
  }
  co_return text;
}

// What resolve(host, 80) gives or throws.
std::string resolve_now(std::string host) {
  std::string text;
  in_loop([&]() -> Task<> { text = co_await resolved(resolve(host, 80)); });
  return text;
}

TEST(Resolve, TakesALiteralAsItIs) {
  EXPECT_EQ(resolve_now("127.0.0.1"), "127.0.0.1:80 ");
  EXPECT_EQ(resolve_now("::1"), "[::1]:80 ");
  EXPECT_EQ(resolve_now("fe80::1%5"), "[fe80::1%5]:80 ");
}

TEST(Resolve, NeedsNoBackEndForALiteral) {
  in_loop([]() -> Task<> {
    const std::string text = co_await resolved(resolve("10.0.0.1", 1));
    EXPECT_EQ(text, "10.0.0.1:1 ");
    EXPECT_EQ(Loop::current().extension(), nullptr);
  });
}

TEST(Resolve, KnowsLocalhost) {
  const std::string text = resolve_now("localhost");
  EXPECT_NE(text.find("127.0.0.1:80 "), text.npos) << text;
}

TEST(Resolve, GivesEachAddressOnceInTheSystemsOrder) {
  EXPECT_EQ(resolve_now("two.test"), "10.0.0.2:80 10.0.0.1:80 ");
}

TEST(Resolve, SaysWhyItFails) {
  EXPECT_EQ(resolve_now("unknown.test"), "resolve unknown.test: Name or service not known");
  EXPECT_EQ(resolve_now("empty.test"), "resolve empty.test: No address associated with hostname");
  EXPECT_EQ(resolve_now("silent.test"),
            "resolve silent.test: Temporary failure in name resolution");
  EXPECT_EQ(resolve_now("broken.test"),
            "resolve broken.test: Non-recoverable failure in name resolution");
}

TEST(Resolve, RefusesWhatIsNoName) {
  EXPECT_EQ(resolve_now("no such name"), "resolve no such name: Name or service not known");
  EXPECT_EQ(resolve_now(""), "resolve: Name or service not known");
  const std::string with_zero("localhost\0x", 11);
  EXPECT_EQ(resolve_now(with_zero).find("resolve localhost"), 0U);
  const std::string long_name(100'000, 'x');
  EXPECT_EQ(resolve_now(long_name).substr(0, 12), "resolve xxxx");
}

TEST(Resolve, ItsErrorsCanBeToldApart) {
  in_loop([]() -> Task<> {
    std::error_code code;
    try {
      static_cast<void>(co_await resolve("silent.test", 80));
    } catch (const Error& error) {
      code = error.code();
    }
    EXPECT_EQ(code, ResolveError::try_again);
    EXPECT_NE(code, ResolveError::unknown_name);
  });
}

TEST(Resolve, ReadsHostAndPort) {
  in_loop([]() -> Task<> {
    std::string text = co_await resolved(resolve("127.0.0.1:7000"));
    EXPECT_EQ(text, "127.0.0.1:7000 ");
    text = co_await resolved(resolve("[::1]:7000"));
    EXPECT_EQ(text, "[::1]:7000 ");
    text = co_await resolved(resolve("two.test:7000"));
    EXPECT_EQ(text, "10.0.0.2:7000 10.0.0.1:7000 ");
  });
  for (const char* text : {"", "host", ":80", "host:", "host:x", "host:65536", "host:-1", "::1:80",
                           "[]:80", "[::1]", "[::1:80", "a:b:80"}) {
    EXPECT_THROW(static_cast<void>(resolve(std::string_view(text))), Error) << text;
  }
}

Task<> look_up_slowly() { static_cast<void>(co_await resolve("slow.test", 80)); }

// Cancels `count` lookups once at least one has begun.
Task<> cancel_slow_lookups(int count) {
  gate.close();
  co_await task_group([&](TaskGroup& group) -> Task<> {
    for (int i = 0; i < count; ++i) group.spawn("look up", look_up_slowly);
    while (gate.waiting() == 0) co_await sleep_for(1ms);
    group.cancel();
  });
}

TEST(Resolve, ACanceledLookupIsAbandonedAndTheLoopWaitsForItAtItsEnd) {
  std::atomic<bool> main_ended = false;
  std::atomic<bool> opened = false;
  std::jthread opener([&] {
    main_ended.wait(false);
    std::this_thread::sleep_for(1500ms);
    opened = true;
    gate.open();
  });
  const auto lines = in_loop([&]() -> Task<> {
    co_await cancel_slow_lookups(1);
    EXPECT_EQ(gate.waiting(), 1) << "whoever waited was let go, and the lookup goes on";
    const std::string other = co_await resolved(resolve("two.test", 80));
    EXPECT_EQ(other, "10.0.0.2:80 10.0.0.1:80 ") << "lookups go on beside it";
    main_ended = true;
    main_ended.notify_one();
  });
  EXPECT_TRUE(opened) << "the loop's end waits";
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_NE(lines[0].find("loop_waits_at_its_end"), std::string::npos) << lines[0];
  EXPECT_NE(lines[0].find("1 abandoned lookups"), std::string::npos) << lines[0];
}

// More lookups than the pool has threads: those that have not begun never do.
TEST(Resolve, CanceledLookupsThatHaveNotBegunNeverDo) {
  constexpr int kThreads = 4;  // libuv's
  const int begun_before = gate.entered();
  in_loop([]() -> Task<> {
    co_await cancel_slow_lookups(5 * kThreads);
    gate.open();
  });
  EXPECT_LE(gate.entered() - begun_before, kThreads);
}

TEST(Resolve, ALookupThatIsDoneBeatsALaterCancellation) {
  gate.open();
  in_loop([]() -> Task<> {
    const auto addresses = co_await within(10s, resolve("slow.test", 80));
    EXPECT_EQ(addresses.value_or(std::vector<Address>(1)).front(), Address::from("10.0.0.9:80"));
  });
}

}  // namespace
}  // namespace coracle::net

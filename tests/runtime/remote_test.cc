// Results from other threads. Run under ThreadSanitizer too.
#include "runtime/remote.h"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "runtime/run.h"
#include "runtime/sleep.h"
#include "runtime/task_group.h"
#include "runtime/timeout.h"
#include "tests/runtime/stoppable.h"
#include "tests/runtime/sweep.h"

namespace coracle {
namespace {

using namespace std::chrono_literals;
using Pointer = std::unique_ptr<int>;

// Threads that are joined when the test ends.
class Threads {
 public:
  template <class Function>
  void start(Function function) {
    threads_.emplace_back(std::move(function));
  }
  void join() {
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }
  ~Threads() { join(); }

 private:
  std::vector<std::thread> threads_;
};

TEST(Remote, BringsHomeAValue) {
  run([]() -> Task<> {
    Threads threads;
    Remote<Pointer> remote;
    Remote<> done;
    threads.start([sender = remote.sender(), other = done.sender()]() mutable {
      EXPECT_TRUE(sender.complete(std::make_unique<int>(7)));
      EXPECT_TRUE(other.complete());
    });
    Pointer value = co_await remote.receive();
    EXPECT_EQ(*value, 7);
    co_await done.receive();
  }());
}

TEST(Remote, BringsHomeManyAtOnce) {
  run([]() -> Task<> {
    Threads threads;
    std::vector<std::unique_ptr<Remote<int>>> remotes;
    for (int i = 0; i < 50; ++i) {
      remotes.push_back(std::make_unique<Remote<int>>());
      threads.start([sender = remotes.back()->sender(), i]() mutable { sender.complete(i); });
    }
    for (int i = 0; i < 50; ++i) {
      const int value = co_await remotes[static_cast<std::size_t>(i)]->receive();
      EXPECT_EQ(value, i);
    }
  }());
}

TEST(Remote, ThrowsAFailure) {
  run([]() -> Task<> {
    Threads threads;
    Remote<int> remote;
    threads.start([sender = remote.sender()]() mutable {
      sender.fail(std::make_exception_ptr(std::runtime_error("broken")));
    });
    try {
      static_cast<void>(co_await remote.receive());
      ADD_FAILURE() << "it did not throw";
    } catch (const std::runtime_error& error) {
      EXPECT_STREQ(error.what(), "broken");
    }
  }());
}

Task<> expect_owner_dead(Remote<int>& remote) {
  try {
    static_cast<void>(co_await remote.receive());
    ADD_FAILURE() << "it did not throw";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), std::errc::owner_dead);
  }
}

TEST(Remote, ThrowsWhenTheSenderIsDropped) {
  run([]() -> Task<> {
    Threads threads;
    Remote<int> remote;
    threads.start([sender = remote.sender()] {});
    co_await expect_owner_dead(remote);
    Remote<int> never_asked;
    {
      const RemoteSender<int> dropped_at_once = never_asked.sender();
    }
    co_await expect_owner_dead(never_asked);
  }());
}

TEST(Remote, ASenderThatIsMovedSendsOnce) {
  run([]() -> Task<> {
    Remote<int> first;
    Remote<int> second;
    RemoteSender<int> sender = first.sender();
    sender = second.sender();  // drops the first
    co_await expect_owner_dead(first);
    RemoteSender<int> moved = std::move(sender);
    EXPECT_TRUE(moved.complete(2));
    const int value = co_await second.receive();
    EXPECT_EQ(value, 2);
  }());
}

TEST(Remote, MayEndBeforeItsSender) {
  run([]() -> Task<> {
    std::optional<RemoteSender<Pointer>> sender;
    {
      Remote<Pointer> remote;
      sender = remote.sender();
      EXPECT_FALSE(sender->abandoned());
    }
    EXPECT_TRUE(sender->abandoned());
    EXPECT_TRUE(sender->complete(std::make_unique<int>(7)));  // arrives where nobody is
    EXPECT_FALSE(sender->abandoned());
    co_await yield();
  }());
}

TEST(Remote, ItsLoopMayEndBeforeItsSender) {
  std::optional<RemoteSender<Pointer>> sender;
  std::optional<RemoteSender<Pointer>> dropped;
  run([](std::optional<RemoteSender<Pointer>>& first,
         std::optional<RemoteSender<Pointer>>& second) -> Task<> {
    Remote<Pointer> remote;
    Remote<Pointer> other;
    first = remote.sender();
    second = other.sender();
    co_return;
  }(sender, dropped));
  EXPECT_FALSE(sender->complete(std::make_unique<int>(7)));
}

TEST(Remote, StaysOpenWhenItsReceiverIsCanceled) {
  run([]() -> Task<> {
    Remote<int> remote;
    RemoteSender<int> sender = remote.sender();
    const std::optional<int> nothing = co_await within(1ms, remote.receive());
    EXPECT_EQ(nothing, std::nullopt);
    EXPECT_FALSE(sender.abandoned());
    sender.complete(7);
    const int value = co_await remote.receive();
    EXPECT_EQ(value, 7);
  }());
}

Task<> note_result(Remote<int>& remote, int& result) { result = co_await remote.receive(); }

TEST(Remote, AResultBeatsALaterCancellation) {
  run([]() -> Task<> {
    Remote<int> remote;
    RemoteSender<int> sender = remote.sender();
    int result = 0;
    Stoppable canceled;
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("canceled", &Stoppable::run, &canceled, note_result(remote, result));
      co_await yield();
      sender.complete(7);
      current_loop_ref().post([&] { canceled.stop(); });  // after it has arrived, before it ran
    });
    EXPECT_EQ(result, 7);
  }());
}

Task<> everything() {
  Threads threads;
  Remote<Pointer> value;
  Remote<int> failure;
  Remote<int> dropped;
  threads.start(
      [first = value.sender(), second = failure.sender(), third = dropped.sender()]() mutable {
        first.complete(std::make_unique<int>(7));
        second.fail(std::make_exception_ptr(std::runtime_error("broken")));
      });
  Pointer received = co_await value.receive();
  EXPECT_EQ(*received, 7);
  try {
    static_cast<void>(co_await failure.receive());
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "broken");
  }
  co_await expect_owner_dead(dropped);
}

TEST(Remote, CanBeCanceledAnywhere) { EXPECT_GE(sweep::cancel_everywhere(everything), 2); }
TEST(Remote, CanCrashAnywhere) { EXPECT_GE(sweep::crash_everywhere(everything), 2); }

TEST(RemoteDeathTest, SendsOnceToOne) {
  const auto send_twice = []() -> Task<> {
    Remote<int> remote;
    RemoteSender<int> sender = remote.sender();
    sender.complete(1);
    sender.complete(2);
    co_return;
  };
  const auto ask_twice = []() -> Task<> {
    Remote<int> remote;
    RemoteSender<int> first = remote.sender();
    RemoteSender<int> second = remote.sender();
    co_return;
  };
  EXPECT_DEATH(run(send_twice()), "a remote result is sent once");
  EXPECT_DEATH(run(ask_twice()), "a Remote has one sender");
}

}  // namespace
}  // namespace coracle

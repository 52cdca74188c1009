#include "runtime/channel.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
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
using Values = std::vector<int>;
using Pointer = std::unique_ptr<int>;  // values need only be movable

Task<> send_all(Channel<Pointer>& channel, Values values, Values& accepted) {
  for (const int value : values) {
    Pointer sent = std::make_unique<int>(value);
    const bool sent_it = co_await channel.send(std::move(sent));
    if (!sent_it) co_return;
    accepted.push_back(value);
  }
}

Task<> receive_all(Channel<Pointer>& channel, Values& received) {
  while (std::optional<Pointer> value = co_await channel.receive()) received.push_back(**value);
}

Task<> receive_one(Channel<Pointer>& channel, Values& received) {
  std::optional<Pointer> value = co_await channel.receive();
  received.push_back(value ? **value : -1);
}

class Capacities : public testing::TestWithParam<std::size_t> {};
INSTANTIATE_TEST_SUITE_P(Channel, Capacities, testing::Values(0, 1, 2, 3, 5, 100));

TEST_P(Capacities, ValuesComeOutInTheOrderOfSending) {
  run([]() -> Task<> {
    Channel<Pointer> channel(GetParam());
    const Values values = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    Values accepted;
    Values received;
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("receiver", receive_all, std::ref(channel), std::ref(received));
      co_await send_all(channel, values, accepted);
      channel.close();
    });
    EXPECT_EQ(accepted, values);
    EXPECT_EQ(received, values);
  }());
}

TEST_P(Capacities, ASenderWaitsWhenItIsFull) {
  run([]() -> Task<> {
    Channel<Pointer> channel(GetParam());
    EXPECT_EQ(channel.capacity(), GetParam());
    Values values(GetParam() + 2, 7);
    Values accepted;
    Values received;
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("sender", send_all, std::ref(channel), values, std::ref(accepted));
      co_await yield();
      EXPECT_EQ(accepted.size(), GetParam());
      EXPECT_EQ(channel.size(), GetParam());
      co_await receive_one(channel, received);  // makes room for the one that waits
      EXPECT_EQ(channel.size(), GetParam());
      co_await yield();
      EXPECT_EQ(accepted.size(), GetParam() + 1);
      co_await receive_one(channel, received);
      co_await yield();
      EXPECT_EQ(accepted.size(), GetParam() + 2);
    });
  }());
}

TEST_P(Capacities, TryingNeverWaits) {
  run([]() -> Task<> {
    Channel<Pointer> channel(GetParam());
    EXPECT_FALSE(channel.try_receive().has_value());
    for (std::size_t i = 0; i < GetParam(); ++i) {
      EXPECT_TRUE(channel.try_send(std::make_unique<int>(static_cast<int>(i))));
    }
    Pointer refused = std::make_unique<int>(7);
    EXPECT_FALSE(channel.try_send(refused));
    EXPECT_EQ(*refused, 7) << "a refused value stays with the caller";
    for (std::size_t i = 0; i < GetParam(); ++i) {
      EXPECT_EQ(**channel.try_receive(), static_cast<int>(i));
    }
    EXPECT_FALSE(channel.try_receive().has_value());
    co_return;
  }());
}

TEST_P(Capacities, WhatWasAcceptedIsReceivedAfterClosing) {
  run([]() -> Task<> {
    Channel<Pointer> channel(GetParam());
    Values accepted;
    Values received;
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("sender", send_all, std::ref(channel), Values(GetParam() + 1, 7),
                  std::ref(accepted));
      co_await yield();
      channel.close();
      channel.close();
    });
    EXPECT_TRUE(channel.closed());
    EXPECT_EQ(accepted.size(), GetParam()) << "the sender that waited is refused";
    EXPECT_FALSE(channel.try_send(std::make_unique<int>(1)));
    const Values one_more = {1};
    co_await send_all(channel, one_more, accepted);
    EXPECT_EQ(accepted.size(), GetParam());
    co_await receive_all(channel, received);
    EXPECT_EQ(received, accepted);
    EXPECT_FALSE(channel.try_receive().has_value());
  }());
}

TEST_P(Capacities, ReceiversAreServedInTheOrderOfAsking) {
  run([]() -> Task<> {
    Channel<Pointer> channel(GetParam());
    Values first;
    Values second;
    Values third;
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("first", receive_one, std::ref(channel), std::ref(first));
      group.spawn("second", receive_one, std::ref(channel), std::ref(second));
      group.spawn("third", receive_one, std::ref(channel), std::ref(third));
      co_await yield();
      EXPECT_TRUE(channel.try_send(std::make_unique<int>(1)));  // goes straight to a receiver
      EXPECT_TRUE(channel.try_send(std::make_unique<int>(2)));
      EXPECT_EQ(channel.size(), 0U);
      EXPECT_FALSE(channel.try_receive().has_value()) << "they are handed over already";
      channel.close();
    });
    EXPECT_EQ(first, Values({1}));
    EXPECT_EQ(second, Values({2}));
    EXPECT_EQ(third, Values({-1})) << "closed: nothing";
  }());
}

TEST_P(Capacities, SendersAreServedInTheOrderOfAsking) {
  run([]() -> Task<> {
    Channel<Pointer> channel(GetParam());
    Values accepted;
    Values received;
    co_await task_group([&](TaskGroup& group) -> Task<> {
      for (std::size_t i = 0; i < GetParam(); ++i) {
        EXPECT_TRUE(channel.try_send(std::make_unique<int>(0)));
      }
      for (int value = 1; value <= 3; ++value) {
        group.spawn("sender", send_all, std::ref(channel), Values({value}), std::ref(accepted));
      }
      co_await yield();
      for (std::size_t i = 0; i < GetParam() + 3; ++i) co_await receive_one(channel, received);
    });
    EXPECT_EQ(accepted, Values({1, 2, 3}));
    EXPECT_EQ(Values(received.end() - 3, received.end()), Values({1, 2, 3}));
  }());
}

TEST(Channel, ACanceledReceiverTakesNothing) {
  run([]() -> Task<> {
    Channel<Pointer> channel(1);
    Values received;
    Stoppable canceled;
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("canceled", &Stoppable::run, &canceled, receive_all(channel, received));
      co_await yield();
      canceled.stop();
      EXPECT_TRUE(channel.try_send(std::make_unique<int>(1)));
      EXPECT_EQ(channel.size(), 1U);
    });
    EXPECT_EQ(received, Values());
    EXPECT_EQ(**channel.try_receive(), 1);
  }());
}

// It was handed over first, so the receiver returns it; only its next receive() throws.
TEST(Channel, AValueHandedOverBeatsALaterCancellation) {
  run([]() -> Task<> {
    Channel<Pointer> channel(1);
    Values received;
    Stoppable canceled;
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("canceled", &Stoppable::run, &canceled, receive_all(channel, received));
      co_await yield();
      EXPECT_TRUE(channel.try_send(std::make_unique<int>(1)));
      canceled.stop();
    });
    EXPECT_EQ(received, Values({1}));
  }());
}

TEST(Channel, ACanceledSenderHasSentNothing) {
  run([]() -> Task<> {
    Channel<Pointer> channel(0);
    Values accepted;
    Values received;
    Stoppable canceled;
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("canceled", &Stoppable::run, &canceled, send_all(channel, {1}, accepted));
      group.spawn("sender", send_all, std::ref(channel), Values({2}), std::ref(accepted));
      co_await yield();
      canceled.stop();
      co_await receive_one(channel, received);
    });
    EXPECT_EQ(accepted, Values({2}));
    EXPECT_EQ(received, Values({2}));
  }());
}

TEST(Channel, ASendThatWasAcceptedBeatsALaterCancellation) {
  run([]() -> Task<> {
    Channel<Pointer> channel(0);
    Values accepted;
    Values received;
    Stoppable canceled;
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("canceled", &Stoppable::run, &canceled, send_all(channel, {1, 2}, accepted));
      co_await yield();
      EXPECT_EQ(**channel.try_receive(), 1);
      canceled.stop();
    });
    EXPECT_EQ(accepted, Values({1}));
  }());
}

Task<> send_or_keep(Channel<Pointer>& channel, Pointer value, Pointer& kept) {
  Channel<Pointer>::Send sending = channel.send(std::move(value));
  try {
    const bool accepted = co_await std::move(sending);
    if (!accepted) kept = std::move(sending.unsent());
  } catch (const Canceled&) {
    kept = std::move(sending.unsent());
    throw;
  }
}

TEST(Channel, AnUnsentValueCanBeTakenBack) {
  run([]() -> Task<> {
    Channel<Pointer> channel(0);
    Pointer from_canceled;
    Pointer from_refused;
    Stoppable canceled;
    co_await task_group([&](TaskGroup& group) -> Task<> {
      Pointer first = std::make_unique<int>(1);
      group.spawn("canceled", &Stoppable::run, &canceled,
                  send_or_keep(channel, std::move(first), from_canceled));
      group.spawn("refused", send_or_keep, std::ref(channel), std::make_unique<int>(2),
                  std::ref(from_refused));
      co_await yield();
      canceled.stop();
      channel.close();
    });
    EXPECT_EQ(*from_canceled, 1);
    EXPECT_EQ(*from_refused, 2);
  }());
}

TEST(Channel, CanBeUsedWithTimeouts) {
  run([]() -> Task<> {
    Channel<std::string> channel(1);
    std::string word = "longer than a short string, so that it owns memory";
    const std::optional<bool> sent = co_await within(1ms, channel.send(word));
    EXPECT_EQ(sent, true);
    const std::optional<bool> full = co_await within(1ms, channel.send(word));
    EXPECT_EQ(full, std::nullopt);
    const auto received = co_await within(1ms, channel.receive());
    EXPECT_EQ(received, std::optional(std::optional(word)));
    const auto empty = co_await within(1ms, channel.receive());
    EXPECT_FALSE(empty.has_value());
  }());
}

Task<> destroy_under_a_waiter(bool sender) {
  auto channel = std::make_unique<Channel<Pointer>>(0);
  Values values;
  co_await task_group([&](TaskGroup& group) -> Task<> {
    if (sender) {
      group.spawn("left_sender", send_all, std::ref(*channel), Values({1}), std::ref(values));
    } else {
      group.spawn("left_receiver", receive_one, std::ref(*channel), std::ref(values));
    }
    co_await yield();
    channel.reset();
  });
}

TEST(ChannelDeathTest, IsNotDestroyedUnderAWaiter) {
  EXPECT_DEATH(run(destroy_under_a_waiter(true)), "left_sender(.|\n)*waits for room in a channel");
  EXPECT_DEATH(run(destroy_under_a_waiter(false)), "left_receiver(.|\n)*waits for a value");
}

}  // namespace
}  // namespace coracle

// No value is lost or doubled, wherever the fibers at a channel are stopped.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "runtime/channel.h"
#include "runtime/sleep.h"
#include "runtime/task_group.h"
#include "tests/runtime/sweep.h"

namespace coracle {
namespace {

using Values = std::vector<int>;

// A value of which there is one, and which is counted.
class Token {
 public:
  explicit Token(int value) : value_(value) { ++live; }
  Token(Token&& other) noexcept : value_(std::exchange(other.value_, 0)) {}
  Token& operator=(Token&&) = delete;
  ~Token() {
    if (value_ != 0) --live;
  }
  [[nodiscard]] int value() const { return value_; }

  static inline int live = 0;

 private:
  int value_;  // 0 once it was moved from
};

struct Traffic {
  explicit Traffic(std::size_t capacity) : channel(capacity) {}

  Channel<Token> channel;
  Values accepted;
  Values received;
};

Task<> send_three(Traffic& traffic, int first) {
  for (int value = first; value < first + 3; ++value) {
    Token token(value);
    const bool accepted = co_await traffic.channel.send(std::move(token));
    EXPECT_TRUE(accepted);
    traffic.accepted.push_back(value);
  }
}

Task<> receive_until_closed(Traffic& traffic) {
  while (std::optional<Token> token = co_await traffic.channel.receive()) {
    traffic.received.push_back(token->value());
    co_await yield();
  }
}

Task<> exchange(Traffic& traffic) {
  co_await task_group([&](TaskGroup& group) -> Task<> {
    group.spawn("receiver", receive_until_closed, std::ref(traffic));
    group.spawn("receiver", receive_until_closed, std::ref(traffic));
    co_await task_group([&](TaskGroup& senders) -> Task<> {
      senders.spawn("sender", send_three, std::ref(traffic), 11);
      senders.spawn("sender", send_three, std::ref(traffic), 21);
      senders.spawn("sender", send_three, std::ref(traffic), 31);
      co_return;
    });
    traffic.channel.close();
  });
}

class ChannelSweep : public testing::TestWithParam<std::size_t> {
 protected:
  // The channel outlives each run, to be looked at.
  sweep::Scenario scenario = [this] {
    traffic.emplace(GetParam());
    return exchange(*traffic);
  };

  // What was accepted was received or is in the channel, once.
  void expect_all_there() {
    while (std::optional<Token> token = traffic->channel.try_receive()) {
      traffic->received.push_back(token->value());
    }
    std::sort(traffic->accepted.begin(), traffic->accepted.end());
    std::sort(traffic->received.begin(), traffic->received.end());
    EXPECT_EQ(traffic->accepted, traffic->received);
    EXPECT_EQ(Token::live, 0);
  }

  std::optional<Traffic> traffic;
};

INSTANTIATE_TEST_SUITE_P(Capacity, ChannelSweep, testing::Values(0, 1, 2, 4));

TEST_P(ChannelSweep, LosesNothingWhenItIsCanceledAnywhere) {
  EXPECT_GT(sweep::cancel_everywhere(scenario, [this] { expect_all_there(); }), 10);
}

// A crash takes the values that fibers held; the channel keeps its own.
TEST_P(ChannelSweep, CanCrashAnywhere) {
  const auto expect_counted = [this] {
    EXPECT_EQ(static_cast<std::size_t>(Token::live), traffic->channel.size());
    traffic.reset();
    EXPECT_EQ(Token::live, 0);
  };
  EXPECT_GT(sweep::crash_everywhere(scenario, expect_counted), 10);
  EXPECT_GT(sweep::crash_while_canceling_everywhere(scenario, expect_counted), 10);
}

// A long turn: the operation that ends it is granted, kept, and then canceled or torn down.
Task<> fill_and_drain(Traffic& traffic) {
  for (int value = 1; value <= 300; ++value) {
    Token token(value);
    static_cast<void>(co_await traffic.channel.send(std::move(token)));
    traffic.accepted.push_back(value);
    std::optional<Token> received = co_await traffic.channel.receive();
    traffic.received.push_back(received->value());
  }
}

TEST(ChannelTurn, LosesNothingWhenALongTurnIsCanceled) {
  std::optional<Traffic> traffic;
  const auto scenario = [&] {
    traffic.emplace(2);
    return fill_and_drain(*traffic);
  };
  EXPECT_EQ(sweep::cancel_everywhere(scenario,
                                     [&] {
                                       const std::size_t in_channel = traffic->channel.size();
                                       EXPECT_EQ(traffic->accepted.size(),
                                                 traffic->received.size() + in_channel);
                                     }),
            5);
  EXPECT_EQ(sweep::crash_everywhere(scenario, [&] { traffic.reset(); }), 5);
  EXPECT_EQ(Token::live, 0);
}

}  // namespace
}  // namespace coracle

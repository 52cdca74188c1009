// The bytes of a simulated connection, in one block that is used round and round.
#include "net/sim/byte_queue.h"

#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <vector>

#include "runtime/random.h"

namespace coracle::net::sim {
namespace {

TEST(ByteQueue, GivesBackWhatItWasGivenInOrder) {
  Random random(1);
  ByteQueue queue;
  std::deque<std::byte> model;
  for (int round = 0; round < 3000; ++round) {
    std::vector<std::byte> bytes(random.below(700));
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random.below(256));
    queue.append(bytes);
    model.insert(model.end(), bytes.begin(), bytes.end());
    std::vector<std::byte> taken(random.below(model.size() + 1));
    queue.take(taken);
    ASSERT_TRUE(std::equal(taken.begin(), taken.end(), model.begin()));
    model.erase(model.begin(), model.begin() + static_cast<std::ptrdiff_t>(taken.size()));
    ASSERT_EQ(queue.size(), model.size());
  }
}

TEST(ByteQueueDeathTest, HasNoMoreBytesThanItWasGiven) {
  ByteQueue queue;
  std::vector<std::byte> bytes(3);
  queue.append(bytes);
  bytes.resize(4);
  EXPECT_DEATH(queue.take(bytes), "no more bytes are taken than there are");
}

}  // namespace
}  // namespace coracle::net::sim

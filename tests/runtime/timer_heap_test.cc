#include "runtime/timer_heap.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <tuple>
#include <vector>

namespace coracle {
namespace {

TimePoint at(int nanoseconds) { return TimePoint(Duration(nanoseconds)); }

using Expired = std::vector<std::size_t>;

// A timer that notes its number, and arms itself again if told to.
class Timer final : public TimerNode {
 public:
  Timer(TimerHeap& heap, Expired& expired, std::size_t id)
      : heap_(heap), expired_(expired), id_(id) {}

  TimePoint again = kNever;

 private:
  void expired() override {
    EXPECT_FALSE(armed()) << "it has left the heap";
    expired_.push_back(id_);
    if (again != kNever) heap_.arm(*this, again);
  }

  TimerHeap& heap_;
  Expired& expired_;
  std::size_t id_;
};

TEST(TimerHeap, IsEmptyAtFirst) {
  TimerHeap heap;
  EXPECT_EQ(heap.earliest(), kNever);
  EXPECT_EQ(heap.size(), 0U);
  EXPECT_EQ(heap.expire(kNever), 0U);
}

TEST(TimerHeap, EqualDeadlinesExpireInTheOrderOfArming) {
  TimerHeap heap;
  Expired expired;
  std::vector<std::unique_ptr<Timer>> timers;
  for (std::size_t id = 0; id < 50; ++id) {
    timers.push_back(std::make_unique<Timer>(heap, expired, id));
    heap.arm(*timers.back(), at(7));
  }
  heap.disarm(*timers[3]);
  heap.arm(*timers[3], at(7));  // now the last
  EXPECT_EQ(heap.expire(at(6)), 0U);
  EXPECT_EQ(heap.expire(at(7)), 50U);
  EXPECT_EQ(expired.back(), 3U);
  expired.pop_back();
  EXPECT_TRUE(std::is_sorted(expired.begin(), expired.end()));
}

// Else a timer that always re-arms itself in the past would never let the loop go on.
TEST(TimerHeap, WhatIsArmedWhileExpiringIsLeftForTheNextCall) {
  TimerHeap heap;
  Expired expired;
  Timer first(heap, expired, 1);
  Timer second(heap, expired, 2);
  first.again = at(0);
  heap.arm(first, at(1));
  heap.arm(second, at(2));
  EXPECT_EQ(heap.expire(at(5)), 1U);
  EXPECT_EQ(heap.earliest(), at(0));
  first.again = kNever;
  EXPECT_EQ(heap.expire(at(5)), 2U);
  EXPECT_EQ(expired, Expired({1, 1, 2}));
}

TEST(TimerHeap, ClearingForgetsAndCallsNobody) {
  TimerHeap heap;
  Expired expired;
  Timer timer(heap, expired, 1);
  heap.arm(timer, at(1));
  heap.clear();
  EXPECT_FALSE(timer.armed());
  EXPECT_EQ(heap.expire(kNever), 0U);
  EXPECT_TRUE(expired.empty());
  heap.arm(timer, at(1));  // and it may be used again
  EXPECT_EQ(heap.expire(at(1)), 1U);
}

TEST(TimerHeapDeathTest, ATimerIsArmedOnceAtATime) {
  TimerHeap heap;
  Expired expired;
  Timer timer(heap, expired, 1);
  heap.arm(timer, at(1));
  EXPECT_DEATH(heap.arm(timer, at(2)), "a timer is armed once at a time");
}

// The model: a sorted list.
class Model {
 public:
  void arm(std::size_t id, TimePoint deadline) {
    const auto place =
        std::upper_bound(entries_.begin(), entries_.end(), deadline,
                         [](TimePoint left, const Entry& right) { return left < right.deadline; });
    entries_.insert(place, {deadline, id});
  }
  void disarm(std::size_t id) {
    std::erase_if(entries_, [id](const Entry& entry) { return entry.id == id; });
  }
  Expired expire(TimePoint now) {
    Expired expired;
    while (!entries_.empty() && entries_.front().deadline <= now) {
      expired.push_back(entries_.front().id);
      entries_.erase(entries_.begin());
    }
    return expired;
  }
  [[nodiscard]] TimePoint earliest() const {
    return entries_.empty() ? kNever : entries_.front().deadline;
  }
  [[nodiscard]] std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    TimePoint deadline;
    std::size_t id;
  };
  std::vector<Entry> entries_;
};

// Few distinct deadlines, so that many are equal; arming an armed timer moves it.
RC_GTEST_PROP(TimerHeapModel, BehavesLikeASortedList, ()) {
  enum class Step : std::uint8_t { arm, disarm, expire };
  const auto actions =
      *rc::gen::container<std::vector<std::tuple<Step, std::size_t, int>>>(rc::gen::tuple(
          rc::gen::weightedElement<Step>({{6, Step::arm}, {3, Step::disarm}, {1, Step::expire}}),
          rc::gen::inRange<std::size_t>(0, 64), rc::gen::inRange(0, 30)));
  TimerHeap heap;
  Model model;
  Expired expired;
  std::vector<std::unique_ptr<Timer>> timers;
  for (std::size_t id = 0; id < 64; ++id) {
    timers.push_back(std::make_unique<Timer>(heap, expired, id));
  }
  for (const auto& [step, id, time] : actions) {
    Timer& timer = *timers[id];
    if (step == Step::expire) {
      const std::size_t count = heap.expire(at(time));
      RC_ASSERT(expired == model.expire(at(time)));
      RC_ASSERT(count == expired.size());
      expired.clear();
      continue;
    }
    heap.disarm(timer);
    model.disarm(id);
    RC_ASSERT(!timer.armed());
    if (step == Step::arm) {
      heap.arm(timer, at(time));
      model.arm(id, at(time));
      RC_ASSERT(timer.armed() && timer.deadline() == at(time));
    }
    RC_ASSERT(heap.earliest() == model.earliest());
    RC_ASSERT(heap.size() == model.size());
  }
  heap.expire(kNever);
  RC_ASSERT(expired == model.expire(kNever));
}

}  // namespace
}  // namespace coracle

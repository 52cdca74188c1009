// Commands and who waits for them: L4, R4.
#include "raft/proposals.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <exception>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <ostream>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "raft/proposal_errors.h"
#include "runtime/sim/simulation.h"
#include "runtime/sleep.h"
#include "runtime/task_group.h"
#include "tests/runtime/stoppable.h"

namespace coracle::raft {
namespace {

using namespace std::chrono_literals;

std::exception_ptr unknown() { return std::make_exception_ptr(OutcomeUnknown("propose")); }
std::exception_ptr expired() { return std::make_exception_ptr(SessionExpired("propose")); }

// Waits as a service does: the proposal stands in its frame.
Task<> propose(Proposals& proposals, LogIndex index, std::string& outcome) {
  Proposal proposal;
  proposals.add(index, 10, proposal);
  outcome = "waits";
  try {
    const SharedBytes result = co_await proposal.result.wait();
    outcome = result.text();
  } catch (const OutcomeUnknown&) {
    outcome = "unknown";
  } catch (const SessionExpired&) {
    outcome = "expired";
  }
}

// Runs a test's coroutine on virtual time, to its end.
template <class Body>
void simulate(Body body) {
  sim::Simulation world(1);
  sim::Host& host = world.add_host("a");
  host.start(body);
  world.run();
  if (host.failure()) std::rethrow_exception(host.failure());
}

struct Three {
  Proposals proposals;
  std::string first;
  std::string second;
  std::string third;

  void spawn(TaskGroup& group) {
    group.spawn("first", propose, std::ref(proposals), LogIndex{5}, std::ref(first));
    group.spawn("second", propose, std::ref(proposals), LogIndex{6}, std::ref(second));
    group.spawn("third", propose, std::ref(proposals), LogIndex{9}, std::ref(third));
  }
};

TEST(ProposalsOfALeader, EachGetsItsOwnResult) {
  simulate([]() -> Task<> {
    Three three;
    co_await task_group([&](TaskGroup& group) -> Task<> {
      three.spawn(group);
      co_await yield();
      EXPECT_EQ(three.proposals.bytes(), 30U);
      three.proposals.complete(4, SharedBytes("of another leader's"));
      three.proposals.complete(5, SharedBytes("five"));
      EXPECT_EQ(three.proposals.bytes(), 20U);
      three.proposals.fail(6, expired());
      three.proposals.complete(7, SharedBytes("nobody's: the no-op"));
      three.proposals.fail(8, expired());
      three.proposals.complete(9, SharedBytes("nine"));
      three.proposals.complete(10, SharedBytes("of the next leader"));
    });
    EXPECT_EQ(three.first, "five");
    EXPECT_EQ(three.second, "expired");
    EXPECT_EQ(three.third, "nine");
    EXPECT_EQ(three.proposals.bytes(), 0U);
  });
}

// L4, R4: all that are left, at once, and those alone.
TEST(ProposalsOfALeader, EndWithTheLeadership) {
  simulate([]() -> Task<> {
    Three three;
    co_await task_group([&](TaskGroup& group) -> Task<> {
      three.spawn(group);
      co_await yield();
      three.proposals.complete(5, SharedBytes("five"));
      three.proposals.fail_all(unknown());
      EXPECT_EQ(three.proposals.bytes(), 0U);
      three.proposals.complete(6, SharedBytes("applied after all"));  // nobody is told
      three.proposals.fail_all(unknown());
    });
    EXPECT_EQ(three.first, "five");
    EXPECT_EQ(three.second, "unknown");
    EXPECT_EQ(three.third, "unknown");
    // The next leadership of this server may reuse an index that another leader deleted.
    Proposal again;
    three.proposals.add(6, 7, again);
    EXPECT_EQ(three.proposals.bytes(), 7U);
  });
}

// The command stays under way when its proposer is canceled, and counts until it has a result.
TEST(ProposalsOfALeader, MayLoseTheirWaiters) {
  simulate([]() -> Task<> {
    Proposals proposals;
    std::string kept;
    std::string canceled;
    Stoppable waiter;
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn("kept", propose, std::ref(proposals), LogIndex{5}, std::ref(kept));
      group.spawn("canceled", &Stoppable::run, &waiter, propose(proposals, 6, canceled));
      co_await yield();
      co_await yield();
      waiter.stop();
      while (!waiter.ended()) co_await yield();
      EXPECT_EQ(proposals.bytes(), 20U);
      proposals.complete(5, SharedBytes("five"));
      proposals.complete(6, SharedBytes("six"));
      EXPECT_EQ(proposals.bytes(), 0U);
    });
    EXPECT_EQ(kept, "five");
    EXPECT_EQ(canceled, "waits");
  });
}

// A server that ends while a service still holds a proposal.
TEST(ProposalsOfALeader, MayEndBeforeTheirWaiters) {
  Proposal proposal;
  {
    Proposals proposals;
    proposals.add(1, 1, proposal);
  }
  EXPECT_FALSE(proposal.result.decided());
}

TEST(ProposalsOfALeader, AreCompletedInTheirOrder) {
  Proposals proposals;
  Proposal first;
  Proposal second;
  proposals.add(3, 1, first);
  EXPECT_DEATH(proposals.add(3, 1, second), "only appends");
  EXPECT_DEATH(proposals.complete(4, {}), "applied in their order");
}

enum class Step : std::uint8_t { add, skip, apply, refuse, leave, step_down };

std::ostream& operator<<(std::ostream& stream, Step step) {
  static constexpr const char* kNames[] = {"add", "skip", "apply", "refuse", "leave", "step_down"};
  return stream << kNames[static_cast<int>(step)];
}

// Each that stays is decided once, by its own entry or by the end of the leadership.
RC_GTEST_PROP(ProposalsModel, EachIsDecidedByItsOwnEntry, ()) {
  Proposals proposals;
  std::map<LogIndex, std::pair<std::unique_ptr<Proposal>, std::size_t>> waiting;
  LogIndex last = 0;
  LogIndex applied = 0;
  const auto decide = [&](LogIndex index) {
    const auto found = waiting.find(index);
    if (found == waiting.end()) return;
    if (found->second.first) RC_ASSERT(found->second.first->result.decided());
    waiting.erase(found);
  };
  const auto steps = *rc::gen::container<std::vector<std::tuple<Step, std::uint64_t>>>(
      rc::gen::tuple(rc::gen::weightedElement<Step>({{8, Step::add},
                                                     {2, Step::skip},
                                                     {6, Step::apply},
                                                     {2, Step::refuse},
                                                     {3, Step::leave},
                                                     {1, Step::step_down}}),
                     rc::gen::inRange<std::uint64_t>(0, 1000)));
  for (const auto& [step, any] : steps) {
    if (step == Step::add) {
      auto& [proposal, bytes] = waiting[++last];
      proposal = std::make_unique<Proposal>();
      bytes = any;
      proposals.add(last, bytes, *proposal);
    }
    if (step == Step::skip) ++last;
    if (step == Step::apply && applied < last) {
      proposals.complete(++applied, SharedBytes("yes"));
      decide(applied);
    }
    if (step == Step::refuse && applied < last) {
      proposals.fail(++applied, expired());
      decide(applied);
    }
    if (step == Step::leave && !waiting.empty()) {
      std::next(waiting.begin(), static_cast<std::ptrdiff_t>(any % waiting.size()))
          ->second.first.reset();
    }
    if (step == Step::step_down) {
      proposals.fail_all(unknown());
      while (!waiting.empty()) decide(waiting.begin()->first);
    }
    std::size_t bytes = 0;
    for (const auto& [index, slot] : waiting) {
      bytes += slot.second;
      if (slot.first) RC_ASSERT(!slot.first->result.decided());
    }
    RC_ASSERT(proposals.bytes() == bytes);
  }
}

}  // namespace
}  // namespace coracle::raft

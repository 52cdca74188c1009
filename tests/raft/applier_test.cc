// What is committed reaches the state machine, each command of a session once: R3, B61.
#include "raft/applier.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "tests/raft/recording_machine.h"

namespace coracle::raft {
namespace {

using namespace std::chrono_literals;
using Texts = std::vector<std::string>;

// One outcome each: the result, or "expired".
Texts texts_of(const std::vector<Applied>& applied) {
  Texts texts;
  for (const Applied& one : applied) {
    texts.emplace_back(one.expired ? "expired" : one.result.text());
  }
  return texts;
}

struct Tried {
  RecordingMachine machine;
  Applier applier{machine};
  LogIndex last = 0;

  Texts apply(const std::vector<Entry>& entries) {
    const LogIndex first = last + 1;
    last += entries.size();
    return texts_of(raft::apply(applier, first, entries));
  }
};

TEST(TheApplier, GivesCommandsToTheMachineAndNothingElse) {
  Tried tried;
  EXPECT_EQ(tried.apply({{.term = 1, .kind = EntryKind::no_op},
                         command_entry("x", 70),
                         {.term = 1, .kind = EntryKind::configuration},
                         command_entry("y", 80)}),
            (Texts{"", "x@2", "", "y@4"}));
  EXPECT_EQ(tried.machine.calls, 1) << "commands go together";
  EXPECT_EQ(tried.machine.log_times, (std::vector<std::int64_t>{70, 80}));
  EXPECT_EQ(tried.apply({{.term = 2, .kind = EntryKind::no_op}}), Texts{""});
  EXPECT_EQ(tried.machine.calls, 1) << "no command, no call";
  EXPECT_EQ(tried.apply({}), Texts());
}

// R3, B61: proposed again, after its answer was lost.
TEST(TheApplier, AppliesACommandOfASessionOnce) {
  Tried tried;
  tried.apply({session_entry(OpenSession{.idle_max = 1s})});
  const Entry entry = session_command_entry({.session = 1, .sequence = 1}, "x");
  EXPECT_EQ(tried.apply({entry}), Texts{"x@2"});
  EXPECT_EQ(tried.apply({entry}), Texts{"x@2"}) << "the result of the first time";
  EXPECT_EQ(tried.machine.applied, Texts{"x"});
}

// B61: before there is a result that could be given again.
TEST(TheApplier, AppliesACommandOnceThatStandsTwiceInOneBatch) {
  Tried tried;
  const Entry once = session_command_entry({.session = 1, .sequence = 1}, "x");
  EXPECT_EQ(tried.apply({session_entry(OpenSession{.idle_max = 1s}), command_entry("a"), once,
                         command_entry("b"), once, once, command_entry("c")}),
            (Texts{"", "a@2", "x@3", "b@4", "x@3", "x@3", "c@7"}));
  EXPECT_EQ(tried.machine.applied, (Texts{"a", "x", "b", "c"}));
  EXPECT_EQ(tried.machine.calls, 2);
}

TEST(TheApplier, KnowsNoSessionThatWasNotOpened) {
  Tried tried;
  EXPECT_EQ(tried.apply({session_command_entry({.session = 9, .sequence = 1}, "x"),
                         session_entry(KeepSession{.session = 9}),
                         session_entry(CloseSession{.session = 9})}),
            (Texts{"expired", "expired", "expired"}));
  EXPECT_TRUE(tried.machine.applied.empty());
}

// R3: the stamp of any entry is the time, that of the command itself, too.
TEST(TheApplier, NeverAppliesACommandOfAnExpiredSession) {
  const Entry command = session_command_entry({.session = 1, .sequence = 1}, "x", 101);
  const std::vector<std::vector<Entry>> logs = {
      {command},
      {{.term = 1, .kind = EntryKind::no_op, .log_time = 101}, command},
      {command_entry("y", 101), command},
  };
  for (const std::vector<Entry>& log : logs) {
    Tried tried;
    tried.apply({session_entry(OpenSession{.idle_max = 100ns})});
    EXPECT_EQ(tried.apply(log).back(), "expired");
    EXPECT_EQ(tried.applier.sessions().size(), 0U);
  }
  Tried tried;
  tried.apply({session_entry(OpenSession{.idle_max = 100ns})});
  EXPECT_EQ(tried.apply({session_command_entry({.session = 1, .sequence = 1}, "x", 100)}),
            Texts{"x@2"})
      << "just in time";
}

// R3
TEST(TheApplier, KeepsASessionThatSaysItIsAlive) {
  Tried tried;
  tried.apply({session_entry(OpenSession{.idle_max = 100ns})});
  EXPECT_EQ(tried.apply({session_entry(KeepSession{.session = 1}, 100)}), Texts{""});
  EXPECT_EQ(tried.apply({session_command_entry({.session = 1, .sequence = 1}, "x", 200)}),
            Texts{"x@3"});
  EXPECT_EQ(tried.apply({session_entry(KeepSession{.session = 1}, 301)}), Texts{"expired"});
}

// R3: what was proposed before it was closed and appended after it, too.
TEST(TheApplier, AppliesNothingOfAClosedSession) {
  Tried tried;
  EXPECT_EQ(tried.apply({session_entry(OpenSession{.idle_max = 1s}),
                         session_command_entry({.session = 1, .sequence = 1}, "x"),
                         session_entry(CloseSession{.session = 1}),
                         session_command_entry({.session = 1, .sequence = 1}, "x"),
                         session_command_entry({.session = 1, .sequence = 2}, "y")}),
            (Texts{"", "x@2", "", "expired", "expired"}));
  EXPECT_EQ(tried.machine.applied, Texts{"x"});
  EXPECT_EQ(tried.apply({session_entry(OpenSession{.idle_max = 1s})}), Texts{""});
  EXPECT_EQ(tried.applier.sessions().results_of(6), 0U) << "a session of its own";
}

// R3: given up within the batch in which it is applied.
TEST(TheApplier, DropsResultsThatNobodyWaitsFor) {
  Tried tried;
  tried.apply({session_entry(OpenSession{.idle_max = 1s}),
               session_command_entry({.session = 1, .sequence = 1}, "x"),
               session_command_entry({.session = 1, .sequence = 2, .lowest_unanswered = 2}, "y")});
  EXPECT_EQ(tried.applier.sessions().results_of(1), 1U);
  EXPECT_EQ(tried.apply({session_command_entry({.session = 1, .sequence = 1}, "x"),
                         session_command_entry({.session = 1, .sequence = 2}, "y")}),
            (Texts{"expired", "y@3"}));
}

class BrokenMachine final : public StateMachine {
 public:
  explicit BrokenMachine(bool throws) : throws_(throws) {}
  [[nodiscard]] Task<std::vector<SharedBytes>> apply(std::span<const Command>) override {
    if (throws_) throw std::runtime_error("broken");
    co_return std::vector<SharedBytes>();
  }

 private:
  bool throws_;
};

TEST(TheApplier, EndsWithWhatTheMachineThrows) {
  BrokenMachine machine(/*throws=*/true);
  Applier applier(machine);
  EXPECT_THROW(apply(applier, 1, std::vector{command_entry("x")}), std::runtime_error);
}

TEST(TheApplier, RefusesWhatCannotBe) {
  BrokenMachine silent(/*throws=*/false);
  Applier applier(silent);
  const std::vector one = {command_entry("x")};
  EXPECT_DEATH(apply(applier, 1, one), "answers each command");
}

// What a later version wrote, and got past the wire, is applied by nobody, and kills nobody.
TEST(TheApplier, PassesOverWhatItCannotRead) {
  Tried tried;
  const Entry no_change{.term = 1, .kind = EntryKind::session, .data = SharedBytes("?")};
  EXPECT_EQ(tried.apply({no_change}), Texts{"expired"});
  const Entry no_command{.term = 1, .kind = EntryKind::session_command, .data = SharedBytes("?")};
  EXPECT_EQ(tried.apply({no_command, command_entry("y")}), (Texts{"expired", "y@3"}));
}

}  // namespace
}  // namespace coracle::raft

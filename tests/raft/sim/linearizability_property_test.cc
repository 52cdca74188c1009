// The checker of histories, against histories of a real register, which it must accept, and against
// a plain one that tries all orders, with which it must agree.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <compare>
#include <optional>
#include <string>
#include <vector>

#include "raft/sim/linearizability.h"
#include "runtime/random.h"
#include "tests/raft/sim/operations.h"

namespace coracle::raft::sim {
namespace {

using Operations = std::vector<ClientOperation>;
using Kind = OperationKind;
using Outcome = OperationOutcome;

// What a map with this one key does and answers.
ClientOperation execute(ClientOperation operation, MapValue& value) {
  operation.found.emplace(value);
  if (operation.kind == Kind::compare_and_set) operation.swapped = value == operation.expected;
  if (operation.kind == Kind::put) value = operation.value;
  if (operation.kind == Kind::append) value = value.value_or("") + operation.value;
  if (operation.kind == Kind::remove) value = kNothing;
  if (operation.swapped == true) value = operation.value;
  return operation;
}

// All orders are tried, of all subsets that have the operations which are ok: operation by
// operation, as long as the answers fit.
class BruteForce {
 public:
  explicit BruteForce(const Operations& history) : history_(history), done_(history.size()) {}

  [[nodiscard]] bool explains(const MapValue& value = kNothing) {
    bool complete = true;
    for (std::size_t i = 0; i < history_.size(); ++i) {
      if (done_[i] || history_[i].outcome == Outcome::failed) continue;
      complete = complete && history_[i].outcome == Outcome::unknown;
      if (!may_be_next(i)) continue;
      MapValue after = value;
      const ClientOperation answered = execute(history_[i], after);
      if (!fits(history_[i], answered)) continue;
      done_[i] = true;
      const bool explained = explains(after);
      done_[i] = false;
      if (explained) return true;
    }
    return complete;
  }

 private:
  [[nodiscard]] bool may_be_next(std::size_t next) const {
    for (std::size_t i = 0; i < history_.size(); ++i) {
      if (done_[i] || history_[i].outcome != Outcome::ok) continue;
      if (history_[i].completed < history_[next].invoked) return false;
    }
    return true;
  }

  [[nodiscard]] static bool fits(const ClientOperation& told, const ClientOperation& answered) {
    if (told.outcome != Outcome::ok) return true;
    if (told.found && *told.found != *answered.found) return false;
    return told.swapped == answered.swapped;
  }

  const Operations& history_;
  std::vector<bool> done_;
};

// What was known of a history when one of its operations had completed. Invocations at the same
// time came before.
Operations known_at_completion(const Operations& history, std::size_t operation, bool excluded) {
  const TimePoint at = history[operation].completed;
  Operations known;
  for (std::size_t i = 0; i < history.size(); ++i) {
    if (history[i].invoked > at) continue;
    const bool later = history[i].completed > at || (history[i].completed == at && i > operation);
    const bool pending =
        history[i].outcome == Outcome::ok && (later || (excluded && i == operation));
    known.push_back(pending ? unknown(history[i]) : history[i]);
  }
  return known;
}

struct Mixture {
  int kinds = 5;       // of operations: the first so many
  int values = 2;      // that are written or expected
  int time = 12;       // in which all happens, in milliseconds
  int not_ok = 3;      // one of so many does not complete
  double found = 0.2;  // of writes say what they found
  double append = 0;   // so many of the writes are made appends
};

class Draw {
 public:
  explicit Draw(std::uint64_t seed) : random_(seed) {}

  int below(int bound) {
    return static_cast<int>(random_.below(static_cast<std::uint64_t>(bound)));
  }
  bool chance(double probability) { return random_.chance(probability); }
  std::string value(int of) { return std::string(1, static_cast<char>('a' + below(of))); }

  ClientOperation request(const Mixture& mixture) {
    static constexpr std::array<Kind, 5> kKinds{Kind::get, Kind::put, Kind::remove,
                                                Kind::compare_and_set, Kind::append};
    ClientOperation operation{.key = "x"};
    operation.kind = kKinds.at(static_cast<std::size_t>(below(mixture.kinds)));
    const bool appends = mixture.append > 0 && chance(mixture.append);
    if (operation.kind != Kind::get && appends) operation.kind = Kind::append;
    if (operation.kind == Kind::get || operation.kind == Kind::remove) return operation;
    operation.value = value(mixture.values);
    if (operation.kind != Kind::compare_and_set || chance(0.3)) return operation;
    operation.expected = value(mixture.values);
    return operation;
  }

 private:
  Random random_;
};

// What is left of an answer that says all.
ClientOperation forget(ClientOperation operation, const Mixture& mixture, Draw& draw) {
  if (draw.below(mixture.not_ok) == 0) {
    return draw.chance(0.2) ? failed(operation) : unknown(operation);
  }
  operation.outcome = Outcome::ok;
  if (operation.kind != Kind::get && !draw.chance(mixture.found)) operation.found.reset();
  return operation;
}

// Operations whose answers come from a register that does one after the other; then some are told
// wrong, or their times are.
Operations small_history(Draw& draw, const Mixture& mixture) {
  const int count = 1 + draw.below(6);
  Operations history;
  MapValue value;
  const int wrong = draw.below(6);
  for (int i = 0; i < count; ++i) {
    ClientOperation operation = draw.request(mixture);
    operation.client = static_cast<std::uint64_t>(i);
    const int effect = (i + 1) * mixture.time / (count + 1);
    operation.invoked = at_ms(effect - draw.below(mixture.time / 2));
    operation.completed = at_ms(effect + draw.below(mixture.time / 2));
    operation = execute(operation, value);
    history.push_back(forget(operation, mixture, draw));
  }
  for (int i = 0; i < wrong; ++i) {
    ClientOperation& operation = history[static_cast<std::size_t>(draw.below(count))];
    if (operation.found) *operation.found = draw.chance(0.3) ? kNothing : MapValue(draw.value(2));
    if (operation.swapped && draw.chance(0.5)) operation.swapped = !*operation.swapped;
    if (operation.outcome == Outcome::ok) operation.invoked = operation.completed;
  }
  for (std::size_t i = history.size() - 1; i > 0; --i) {
    const int other = draw.below(static_cast<int>(i) + 1);
    std::swap(history[i], history[static_cast<std::size_t>(other)]);
  }
  return history;
}

std::string text_of(const Operations& history) {
  std::string text;
  for (const ClientOperation& operation : history) text += to_json(operation) + "\n";
  return text;
}

// That the checker says of a small history what trying all orders says, also where it goes wrong.
//   Returns    whether it is linearizable.
bool agree(const Operations& history) {
  const LinearizabilityReport report = check_linearizability(history);
  const bool explained = BruteForce(history).explains();
  EXPECT_EQ(report.linearizable(), explained) << text_of(history);
  if (explained || report.linearizable()) return explained;
  EXPECT_EQ(report.verdict, Linearizability::not_linearizable);
  const Operations with = known_at_completion(history, report.operation, false);
  EXPECT_FALSE(BruteForce(with).explains()) << text_of(history) << report.excerpt;
  const Operations without = known_at_completion(history, report.operation, true);
  EXPECT_TRUE(BruteForce(without).explains()) << text_of(history) << report.excerpt;
  return explained;
}

void agree_on_thousands(const Mixture& mixture) {
  constexpr int kHistories = 4000;
  int linearizable = 0;
  for (std::uint64_t seed = 1; seed <= kHistories && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    Draw draw(seed);
    if (agree(small_history(draw, mixture))) ++linearizable;
  }
  EXPECT_GT(linearizable, kHistories / 5);
  EXPECT_LT(linearizable, kHistories * 4 / 5);
}

TEST(AllOrders, SayTheSameOfAllKindsOfOperations) { agree_on_thousands({}); }
TEST(AllOrders, SayTheSameOfGetAndPut) { agree_on_thousands({.kinds = 2}); }
TEST(AllOrders, SayTheSameOfGetPutAndDelete) { agree_on_thousands({.kinds = 3, .values = 3}); }
TEST(AllOrders, SayTheSameWithoutAppend) { agree_on_thousands({.kinds = 4}); }
TEST(AllOrders, SayTheSameOfManyValues) { agree_on_thousands({.kinds = 4, .values = 5}); }
TEST(AllOrders, SayTheSameOfWritesThatAnswer) { agree_on_thousands({.kinds = 4, .found = 0.9}); }
TEST(AllOrders, SayTheSameOfGetAndAppend) { agree_on_thousands({.kinds = 2, .append = 1}); }
TEST(AllOrders, SayTheSameOfAppendsThatAnswer) {
  agree_on_thousands({.kinds = 3, .found = 0.9, .append = 0.9});
}
TEST(AllOrders, SayTheSameOfManyUnknown) { agree_on_thousands({.time = 8, .not_ok = 2}); }

// Clients that ask one after the other, of a register that does what it is asked for at some
// instant between invocation and completion; or, if nobody waits for it any more, at any time, or
// never.
struct Load {
  int clients = 16;
  int operations = 4000;
  int kinds = 3;
  double reads = 0.4;    // further gets
  double unknown = 0.0;  // of all
  double append = 0.0;   // of writes
  int values = 0;        // 0: each is written once
};

struct Effect {
  std::int64_t at;
  std::size_t operation;

  friend auto operator<=>(const Effect&, const Effect&) = default;
};

Operations register_history(std::uint64_t seed, const Load& load) {
  Draw draw(seed);
  Operations history;
  std::vector<Effect> effects;
  std::vector<std::int64_t> free_at(static_cast<std::size_t>(load.clients));
  for (int i = 0; i < load.operations; ++i) {
    std::int64_t& now = *std::ranges::min_element(free_at);
    ClientOperation operation =
        draw.request({.kinds = load.kinds, .values = 3, .append = load.append});
    if (draw.chance(load.reads)) operation = {.key = "x"};
    operation.client = static_cast<std::uint64_t>(&now - free_at.data());
    if (load.values == 0 && operation.kind != Kind::get && operation.kind != Kind::remove) {
      operation.value = std::to_string(i);
    }
    const std::int64_t invoked = now + draw.below(50);
    const std::int64_t effect = invoked + draw.below(500);
    const std::int64_t completed = effect + draw.below(500);
    operation.invoked = at_ms(invoked);
    operation.outcome = Outcome::ok;
    operation.completed = at_ms(completed);
    now = completed + 1;
    std::int64_t takes_effect = effect;
    if (draw.chance(load.unknown)) {
      operation = unknown(operation);
      takes_effect += draw.below(draw.chance(0.5) ? 1'000 : 100'000);
    }
    const bool never = operation.outcome == Outcome::unknown && draw.chance(0.5);
    if (!never) effects.push_back({.at = takes_effect, .operation = history.size()});
    history.push_back(std::move(operation));
  }
  std::ranges::sort(effects);
  MapValue value;
  for (const Effect& effect : effects) {
    ClientOperation& operation = history[effect.operation];
    const ClientOperation answered = execute(operation, value);
    if (operation.outcome != Outcome::ok) continue;
    if (operation.kind == Kind::get) operation.found = answered.found;
    operation.swapped = answered.swapped;
  }
  return history;
}

void accept(const Load& load, std::uint64_t seeds) {
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    const LinearizabilityReport report = check_linearizability(register_history(seed, load));
    EXPECT_TRUE(report.linearizable()) << "seed " << seed << "\n" << report.excerpt;
    EXPECT_LE(report.steps, 100'000U);
  }
}

TEST(ARealRegister, IsAccepted) { accept({.operations = 1000}, 10); }
TEST(ARealRegister, IsAcceptedWithThousandsOfOperations) { accept({}, 3); }
TEST(ARealRegister, IsAcceptedWithFewReads) { accept({.reads = 0.05}, 3); }
TEST(ARealRegister, IsAcceptedWithManyReads) { accept({.reads = 0.9}, 3); }
TEST(ARealRegister, IsAcceptedWithTheSameFewValues) { accept({.values = 3}, 3); }
TEST(ARealRegister, IsAcceptedWithUnknownOutcomes) { accept({.unknown = 0.1}, 3); }
TEST(ARealRegister, IsAcceptedWithCompareAndSet) {
  accept({.clients = 8, .kinds = 4, .unknown = 0.02, .values = 3}, 3);
}
TEST(ARealRegister, IsAcceptedWithAppend) {
  accept({.clients = 5, .operations = 300, .kinds = 5, .unknown = 0.02}, 3);
}
TEST(ARealRegister, IsAcceptedWithNothingButAppend) {
  accept({.clients = 12, .operations = 600, .kinds = 2, .unknown = 0.1, .append = 1}, 10);
}

// Reads what had been overwritten before it was invoked.
//   Returns    the read, as its place in the history; nothing if it does not find one.
std::optional<std::size_t> make_stale(Operations& history, std::size_t from) {
  for (std::size_t read = from; read < history.size(); ++read) {
    if (history[read].kind != Kind::get || history[read].outcome != Outcome::ok) continue;
    for (std::size_t later = read; later-- > 0;) {
      if (history[later].kind != Kind::put || history[later].outcome != Outcome::ok) continue;
      if (history[later].completed >= history[read].invoked) continue;
      for (std::size_t earlier = later; earlier-- > 0;) {
        if (history[earlier].kind != Kind::put || history[earlier].outcome != Outcome::ok) continue;
        if (history[earlier].completed >= history[later].invoked) continue;
        history[read].found.emplace(history[earlier].value);
        return read;
      }
    }
  }
  return std::nullopt;
}

void refuse_one_stale_read(const Load& load, std::size_t from) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    Operations history = register_history(seed, load);
    const std::optional<std::size_t> stale = make_stale(history, from);
    ASSERT_TRUE(stale.has_value());
    const LinearizabilityReport report = check_linearizability(history);
    EXPECT_EQ(report.verdict, Linearizability::not_linearizable) << report.excerpt;
    EXPECT_EQ(report.operation, *stale) << "seed " << seed << "\n" << report.excerpt;
  }
}

TEST(AStaleRead, IsFoundAmongThousands) { refuse_one_stale_read({}, 3900); }
TEST(AStaleRead, IsFoundAmongFewReads) { refuse_one_stale_read({.reads = 0.05}, 3900); }
TEST(AStaleRead, IsFoundAmongManyReads) { refuse_one_stale_read({.reads = 0.9}, 3900); }
TEST(AStaleRead, IsFoundAmongUnknownOutcomes) {
  refuse_one_stale_read({.operations = 1500, .unknown = 0.05}, 1400);
}

}  // namespace
}  // namespace coracle::raft::sim

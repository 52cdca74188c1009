// Events as text: the words that logs, scripts and documents share.
#include "raft/events.h"

#include <gtest/gtest.h>

#include <set>

namespace coracle::raft {
namespace {

// Each enumerator up to the first unknown one has a name of its own.
template <class Enum>
std::set<std::string_view> names_of() {
  std::set<std::string_view> names;
  for (std::uint8_t number = 0;; ++number) {
    const std::string_view name = to_string(static_cast<Enum>(number));
    if (name == "unknown") return names;
    EXPECT_TRUE(names.insert(name).second) << name << " is named twice";
  }
}

TEST(Events, EachHasANameOfItsOwn) {
  EXPECT_EQ(names_of<EventKind>().size(), 22U);
  EXPECT_EQ(names_of<Refusal>().size(), 8U);
  EXPECT_EQ(names_of<StepDown>().size(), 6U);
  EXPECT_EQ(names_of<IdentityFault>().size(), 7U);
}

TEST(Events, EachIsFormattedUnderItsName) {
  for (std::uint8_t number = 0; number < names_of<EventKind>().size(); ++number) {
    const auto kind = static_cast<EventKind>(number);
    const std::string line = format({.kind = kind, .peer = 3});
    const std::string start = "event=" + std::string(to_string(kind));
    EXPECT_EQ(line.substr(0, start.size()), start);
    EXPECT_TRUE(line.size() == start.size() || line[start.size()] == ' ') << line;
    EXPECT_EQ(line.find("  "), std::string::npos) << line;
  }
}

TEST(Events, SayWhoAndWhy) {
  EXPECT_EQ(
      format(
          {.kind = EventKind::refused_vote, .peer = 3, .term = 7, .refusal = Refusal::log_behind}),
      "event=refused_vote candidate=3 candidate_term=7 reason=log_behind");
  EXPECT_EQ(format({.kind = EventKind::became_leader, .count = 2, .position = {7, 41}}),
            "event=became_leader last_index=41 votes=2");
  EXPECT_EQ(format({.kind = EventKind::stepped_down, .reason = StepDown::no_quorum}),
            "event=stepped_down reason=no_quorum");
  EXPECT_EQ(format({.kind = EventKind::stepped_down, .reason = StepDown::stalled_disk}),
            "event=stepped_down reason=stalled_disk");  // L6
  EXPECT_EQ(format({.kind = EventKind::deleted_entries, .peer = 3, .count = 4, .position = {2, 7}}),
            "event=deleted_entries leader=3 first_index=7 first_term=2 count=4");  // A2
  EXPECT_EQ(format({.kind = EventKind::missed_append, .peer = 2, .position = {5, 9}}),
            "event=missed_append follower=2 conflict_term=5 conflict_index=9");  // A7
  EXPECT_EQ(format({.kind = EventKind::granted_pre_vote, .peer = 2, .term = 8}),
            "event=granted_pre_vote candidate=2 for_term=8");
  EXPECT_EQ(format({.kind = EventKind::received_vote, .peer = 2, .count = 2}),
            "event=received_vote voter=2 votes=2");
}

TEST(Events, TurningPointsAreThoseThatChangeWhoLeads) {
  EXPECT_TRUE(is_turning_point(EventKind::became_leader));
  EXPECT_TRUE(is_turning_point(EventKind::stepped_down));
  EXPECT_TRUE(is_turning_point(EventKind::deleted_entries)) << "they tell what became of the log";
  EXPECT_FALSE(is_turning_point(EventKind::granted_pre_vote));
  EXPECT_FALSE(is_turning_point(EventKind::refused_vote));
}

}  // namespace
}  // namespace coracle::raft

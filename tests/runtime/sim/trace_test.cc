#include "runtime/sim/trace.h"

#include <gtest/gtest.h>

#include <chrono>
#include <sstream>
#include <string>

namespace coracle::sim {
namespace {

using namespace std::chrono_literals;

void fill(Trace& trace) {
  trace.add(TimePoint(1500ms), "a", "delivered", {{"from", "b"}, {"bytes", 120}});
  trace.add(TimePoint(2s), "", "healed");
  trace.add(TimePoint(2s + 7ns), "b", "log", {{"line", "say \"hi\" = twice"}, {"number", -1}});
}

TEST(Trace, IsReadAsText) {
  Trace trace;
  fill(trace);
  std::ostringstream text;
  trace.write_text(text);
  EXPECT_EQ(text.str(),
            "1.500000000 host=a delivered from=b bytes=120\n"
            "2.000000000 healed\n"
            "2.000000007 host=b log line=\"say \\\"hi\\\" = twice\" number=-1\n");
}

TEST(Trace, IsReadAsJson) {
  Trace trace;
  fill(trace);
  std::ostringstream json;
  trace.write_ndjson(json);
  EXPECT_EQ(json.str(),
            "{\"time\":1.500000000,\"host\":\"a\",\"event\":\"delivered\",\"from\":\"b\","
            "\"bytes\":120}\n"
            "{\"time\":2.000000000,\"event\":\"healed\"}\n"
            "{\"time\":2.000000007,\"host\":\"b\",\"event\":\"log\",\"line\":\"say \\\"hi\\\" = "
            "twice\",\"number\":-1}\n");
}

TEST(Trace, HashesEveryFactAndTheirOrder) {
  Trace one;
  Trace two;
  fill(one);
  fill(two);
  EXPECT_EQ(one.hash(), two.hash());
  const auto hash_with = [](Duration at, std::string_view host, std::string_view event,
                            std::string_view name, std::int64_t value) {
    Trace trace;
    trace.add(TimePoint(at), host, event, {{name, value}});
    return trace.hash();
  };
  const std::uint64_t hash = hash_with(1s, "a", "b", "c", 1);
  EXPECT_NE(hash, hash_with(2s, "a", "b", "c", 1));
  EXPECT_NE(hash, hash_with(1s, "x", "b", "c", 1));
  EXPECT_NE(hash, hash_with(1s, "a", "x", "c", 1));
  EXPECT_NE(hash, hash_with(1s, "a", "b", "x", 1));
  EXPECT_NE(hash, hash_with(1s, "a", "b", "c", 2));
  one.add(TimePoint(3s), "a", "x");
  one.add(TimePoint(3s), "a", "y");
  two.add(TimePoint(3s), "a", "y");
  two.add(TimePoint(3s), "a", "x");
  EXPECT_NE(one.hash(), two.hash());
}

// Pinned, so that another compiler, or build, that packs or hashes otherwise is found.
TEST(Trace, HashesAlikeEverywhere) {
  Trace trace;
  fill(trace);
  EXPECT_EQ(trace.hash(), 1808191811834912091U);
}

TEST(Trace, KeepsTheLastOnly) {
  Trace all;
  Trace last;
  last.keep_last(10);
  for (int i = 0; i < 1000; ++i) {
    for (Trace* trace : {&all, &last}) trace->add(TimePoint(1ns * i), "a", "tick", {{"i", i}});
    ASSERT_LE(last.kept(), 21U);
  }
  EXPECT_EQ(last.count(), 1000U);
  EXPECT_EQ(last.hash(), all.hash());
  EXPECT_GE(last.kept(), 10U);
  EXPECT_EQ(all.kept(), 1000U);
  EXPECT_EQ(last.at(last.kept() - 1).to_text(), all.at(999).to_text());
  std::ostringstream tail;
  std::ostringstream tail_of_all;
  last.write_tail(tail, 5);
  all.write_tail(tail_of_all, 5);
  EXPECT_EQ(tail.str(), tail_of_all.str());
}

TEST(Trace, TellsAnObserverAtOnce) {
  Trace trace;
  std::vector<std::string> seen;
  trace.observe([&](const TraceEvent& event) { seen.push_back(event.event); });
  fill(trace);
  EXPECT_EQ(seen, (std::vector<std::string>{"delivered", "healed", "log"}));
  trace.observe({});
  fill(trace);
  EXPECT_EQ(seen.size(), 3U);
}

}  // namespace
}  // namespace coracle::sim

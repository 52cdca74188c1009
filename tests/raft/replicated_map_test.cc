// The map that comes with Coracle: what each command does, and its bytes.
#include "raft/replicated_map.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "runtime/run.h"

namespace coracle::raft {
namespace {

using Kind = MapCommand::Kind;

Task<> apply_all(ReplicatedMap& map, std::span<const Command> commands,
                 std::vector<SharedBytes>& results) {
  results = co_await map.apply(commands);
}

std::vector<SharedBytes> apply_batch(ReplicatedMap& map, const std::vector<SharedBytes>& data) {
  std::vector<Command> commands;
  for (const SharedBytes& bytes : data) commands.push_back({.data = bytes.view()});
  std::vector<SharedBytes> results;
  run(apply_all(map, commands, results));
  return results;
}

MapResult apply(ReplicatedMap& map, const MapCommand& command) {
  const std::vector<SharedBytes> results = apply_batch(map, {encode(command)});
  return decode_map_result(results.at(0)).value();
}

MapResult done(std::optional<std::string> found) {
  return {.done = true, .found = std::move(found)};
}

// ---- What it does ----

TEST(TheReplicatedMap, StartsEmpty) {
  ReplicatedMap map;
  EXPECT_EQ(apply(map, {.kind = Kind::get, .key = "x"}), done(std::nullopt));
  EXPECT_EQ(map.find("x"), std::nullopt);
  EXPECT_TRUE(map.all().empty()) << "who looks changes nothing";
}

TEST(TheReplicatedMap, TellsWhatStoodThereBefore) {
  ReplicatedMap map;
  EXPECT_EQ(apply(map, {.kind = Kind::put, .key = "x", .value = "1"}), done(std::nullopt));
  EXPECT_EQ(apply(map, {.kind = Kind::put, .key = "x", .value = ""}), done("1"));
  EXPECT_EQ(apply(map, {.kind = Kind::get, .key = "x"}), done("")) << "an empty value is one";
  EXPECT_EQ(apply(map, {.kind = Kind::append, .key = "x", .value = "ab"}), done(""));
  EXPECT_EQ(apply(map, {.kind = Kind::append, .key = "x", .value = "cd"}), done("ab"));
  EXPECT_EQ(map.find("x"), "abcd");
  EXPECT_EQ(apply(map, {.kind = Kind::append, .key = "", .value = "y"}), done(std::nullopt));
  EXPECT_EQ(map.find(""), "y") << "an empty key is one";
  EXPECT_EQ(apply(map, {.kind = Kind::remove, .key = "x"}), done("abcd"));
  EXPECT_EQ(apply(map, {.kind = Kind::remove, .key = "x"}), done(std::nullopt));
  EXPECT_EQ(map.all().size(), 1U);
}

TEST(TheReplicatedMap, ComparesBeforeItSets) {
  ReplicatedMap map;
  const auto compare_and_set = [&](std::optional<std::string> expected, std::string value) {
    return apply(map, {.kind = Kind::compare_and_set,
                       .key = "x",
                       .value = std::move(value),
                       .expected = std::move(expected)});
  };
  EXPECT_EQ(compare_and_set("", "1"), (MapResult{.done = false, .found = std::nullopt}));
  EXPECT_EQ(map.find("x"), std::nullopt);
  EXPECT_EQ(compare_and_set(std::nullopt, "1"), done(std::nullopt));
  EXPECT_EQ(compare_and_set(std::nullopt, "2"), (MapResult{.done = false, .found = "1"}));
  EXPECT_EQ(compare_and_set("2", "3"), (MapResult{.done = false, .found = "1"}));
  EXPECT_EQ(map.find("x"), "1");
  EXPECT_EQ(compare_and_set("1", "2"), done("1"));
  EXPECT_EQ(map.find("x"), "2");
}

TEST(TheReplicatedMap, AppliesABatchInItsOrderAndAnswersEach) {
  ReplicatedMap map;
  const std::vector<SharedBytes> results =
      apply_batch(map, {encode(MapCommand{.kind = Kind::put, .key = "x", .value = "1"}),
                        SharedBytes("no command"), SharedBytes(),
                        encode(MapCommand{.kind = Kind::append, .key = "x", .value = "2"})});
  ASSERT_EQ(results.size(), 4U);
  EXPECT_EQ(decode_map_result(results[0]), done(std::nullopt));
  EXPECT_TRUE(results[1].empty());
  EXPECT_TRUE(results[2].empty());
  EXPECT_EQ(decode_map_result(results[3]), done("1"));
  EXPECT_EQ(map.find("x"), "12");
  EXPECT_EQ(map.all().size(), 1U) << "what is no command changes nothing";
}

// ---- Bytes ----

std::string any_text() { return *rc::gen::arbitrary<std::string>(); }
std::optional<std::string> any_optional_text() {
  if (*rc::gen::arbitrary<bool>()) return std::nullopt;
  return any_text();
}
MapCommand any_command() {
  return {.kind = static_cast<Kind>(*rc::gen::inRange<int>(0, 5)),
          .key = any_text(),
          .value = any_text(),
          .expected = any_optional_text()};
}
std::vector<std::byte> bytes_of(const SharedBytes& bytes) {
  return {bytes.view().begin(), bytes.view().end()};
}
SharedBytes any_bytes() {
  std::vector<std::byte> bytes;
  for (const auto number : *rc::gen::arbitrary<std::vector<std::uint8_t>>()) {
    bytes.push_back(static_cast<std::byte>(number));
  }
  return SharedBytes(bytes);
}

// Whatever is read is what would be written as these very bytes.
void expect_read_right(const SharedBytes& bytes) {
  const auto command = decode_map_command(bytes);
  if (command) RC_ASSERT(encode(*command) == bytes);
  const auto result = decode_map_result(bytes);
  if (result) RC_ASSERT(encode(*result) == bytes);
}

RC_GTEST_PROP(ReplicatedMapBytes, ComeBackAsTheyWere, ()) {
  const MapCommand command = any_command();
  RC_ASSERT(decode_map_command(encode(command)) == command);
  const MapResult result{.done = *rc::gen::arbitrary<bool>(), .found = any_optional_text()};
  RC_ASSERT(decode_map_result(encode(result)) == result);
}

RC_GTEST_PROP(ReplicatedMapBytes, ArbitraryOnesAreReadOrNot, ()) { expect_read_right(any_bytes()); }

RC_GTEST_PROP(ReplicatedMapBytes, AChangedByteDoesNoHarm, ()) {
  std::vector<std::byte> bytes = bytes_of(encode(any_command()));
  const auto place = *rc::gen::inRange<std::size_t>(0, bytes.size());
  bytes[place] = static_cast<std::byte>(*rc::gen::inRange<int>(0, 256));
  expect_read_right(SharedBytes(bytes));
}

RC_GTEST_PROP(ReplicatedMapBytes, CutAnywhereOrWithMoreBehindAreNoCommand, ()) {
  std::vector<std::byte> bytes = bytes_of(encode(any_command()));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    RC_ASSERT(!decode_map_command(std::span(bytes).first(size)));
  }
  bytes.push_back(std::byte{0});
  RC_ASSERT(!decode_map_command(bytes));
}

// A length of four billion costs nothing but the answer.
TEST(ReplicatedMapBytesByHand, HugeLengthsAndUnknownKindsAreNoCommand) {
  std::vector<std::byte> bytes(10, std::byte{0xFF});
  bytes[0] = std::byte{1};
  EXPECT_FALSE(decode_map_command(bytes));
  bytes = bytes_of(encode(MapCommand{.kind = Kind::remove, .key = "x"}));
  EXPECT_TRUE(decode_map_command(bytes));
  bytes[0] = std::byte{5};
  EXPECT_FALSE(decode_map_command(bytes));
  EXPECT_FALSE(decode_map_result({}));
}

}  // namespace
}  // namespace coracle::raft

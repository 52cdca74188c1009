// Histories: how they are recorded, and written and read as JSON lines.
#include "raft/sim/history.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <string>
#include <vector>

#include "runtime/error.h"
#include "tests/raft/sim/operations.h"

namespace coracle::raft::sim {
namespace {

using namespace std::chrono_literals;

constexpr OperationKind kPut = OperationKind::put;

TEST(History, RecordsWhatHappened) {
  History history;
  const std::size_t first =
      history.invoke({.client = 1, .kind = kPut, .key = "x", .value = "1"}, at_ms(1));
  const std::size_t second = history.invoke({.client = 2, .key = "x"}, at_ms(2));
  const std::size_t third = history.invoke({.client = 3, .key = "x"}, at_ms(3));
  history.complete(second, {.found = MapValue("1")}, at_ms(4));
  history.fail(first, at_ms(5));
  EXPECT_EQ(third, 2U);
  EXPECT_EQ(history.operations(),
            (std::vector<ClientOperation>{failed(put(1, "1", 1, 5)), get(2, "1", 2, 4),
                                          unknown(get(3, kNothing, 3, 0))}));
}

TEST(History, KeepsTheOrderOfEventsWhereTheClockDoesNot) {
  History history;
  const std::size_t first = history.invoke({.kind = kPut, .key = "x"}, at_ms(5));
  history.complete(first, {}, at_ms(5));
  const std::size_t second = history.invoke({.kind = kPut, .key = "x"}, at_ms(4));
  history.fail(second, at_ms(6));
  EXPECT_EQ(history.operations()[0].invoked, at_ms(5));
  EXPECT_EQ(history.operations()[0].completed, at_ms(5) + 1ns);
  EXPECT_EQ(history.operations()[1].invoked, at_ms(5) + 2ns);
  EXPECT_EQ(history.operations()[1].completed, at_ms(6));
}

TEST(HistoryDeathTest, RefusesWhatCannotHaveHappened) {
  History history;
  const std::size_t get_number = history.invoke({.key = "x"}, at_ms(1));
  EXPECT_DEATH(history.complete(get_number, {}, at_ms(2)), "a get that is ok says what it found");
  EXPECT_DEATH(history.complete(7, {}, at_ms(2)), "only what was invoked can end");
  history.fail(get_number, at_ms(2));
  EXPECT_DEATH(history.fail(get_number, at_ms(3)), "an operation ends once");
}

TEST(HistoryJson, IsOneObjectPerLine) {
  History history;
  const std::size_t first = history.invoke(
      {.client = 3, .kind = OperationKind::compare_and_set, .key = "x", .value = "1"}, at_ms(1));
  history.complete(first, {.found = MapValue(), .swapped = true}, at_ms(2));
  history.invoke({.client = 4, .kind = OperationKind::remove, .key = "\xff\x01"}, at_ms(3));
  EXPECT_EQ(history.to_json_lines(),
            R"({"client":3,"op":"cas","key":"x","value":"1","expected":null,"invoked":1000000,)"
            R"("completed":2000000,"outcome":"ok","found":null,"swapped":true})"
            "\n"
            R"({"client":4,"op":"delete","key":{"hex":"ff01"},"invoked":3000000,)"
            R"("completed":null,"outcome":"unknown"})"
            "\n");
}

std::string any_text() {
  return *rc::gen::weightedOneOf<std::string>(
      {{3, rc::gen::element<std::string>("", "x", "\"\\\n", "{\"hex\":\"00\"}", "\u00e9", "null")},
       {2, rc::gen::arbitrary<std::string>()},
       {1, rc::gen::container<std::string>(rc::gen::arbitrary<char>())}});
}

MapValue any_value() { return *rc::gen::arbitrary<bool>() ? MapValue(any_text()) : kNothing; }

ClientOperation any_operation() {
  const auto from = *rc::gen::inRange<std::int64_t>(-1'000'000, 1'000'000);
  const auto to = from + *rc::gen::inRange<std::int64_t>(0, 1'000'000);
  const auto client = *rc::gen::arbitrary<std::uint64_t>();
  ClientOperation operation;
  switch (*rc::gen::inRange(0, 5)) {
    case 0: operation = put(client, any_text(), from, to); break;
    case 1: operation = append(client, any_text(), from, to); break;
    case 2: operation = remove(client, from, to); break;
    case 3: operation = get(client, any_value(), from, to); break;
    default: {
      const bool swapped = *rc::gen::arbitrary<bool>();
      operation = cas(client, any_value(), any_text(), swapped, from, to);
    }
  }
  operation.key = any_text();
  if (*rc::gen::arbitrary<bool>()) operation = having_found(operation, any_value());
  if (*rc::gen::inRange(0, 3) == 0) return failed(operation);
  if (*rc::gen::inRange(0, 3) == 0) return unknown(operation);
  return operation;
}

TEST(HistoryJson, ComesBackAsItWas) {
  EXPECT_TRUE(rc::check([] {
    std::vector<ClientOperation> operations(*rc::gen::inRange<std::size_t>(0, 5));
    std::string text;
    for (ClientOperation& operation : operations) {
      operation = any_operation();
      text += to_json(operation) + "\n";
    }
    RC_ASSERT(parse_json_lines(text) == operations);
  }));
}

std::string complaint_about(const std::string& text) {
  try {
    (void)parse_json_lines(text);
  } catch (const Error& error) {
    EXPECT_TRUE(error.code() == std::errc::invalid_argument);
    EXPECT_EQ(error.operation(), "read history");
    return error.subject();
  }
  return "none";
}

TEST(HistoryJson, NamesTheLineThatIsNone) {
  const std::string good = to_json(put(1, "1", 2, 3)) + "\n";
  EXPECT_EQ(complaint_about(""), "none");
  EXPECT_EQ(complaint_about(good + good.substr(0, good.size() - 1)), "none");
  EXPECT_EQ(complaint_about(good + good + "{\"client\":"),
            "line 3: it is no JSON, as byte 11 shows");
  EXPECT_EQ(complaint_about(good + "\n" + good), "line 2: it is no JSON, as byte 1 shows");
  EXPECT_EQ(complaint_about("[1]\n"), "line 1: it is no JSON object");
  EXPECT_EQ(complaint_about("{\"client\":1e999}"), "line 1: a number in it is out of range");
}

// What is said of a good put, or get, in which `what` was replaced by `with`.
std::string complaint(const ClientOperation& operation, const std::string& what,
                      const std::string& with) {
  std::string line = to_json(operation);
  const std::size_t at = line.find(what);
  EXPECT_NE(at, std::string::npos) << line;
  return complaint_about(line.replace(at, what.size(), with));
}

TEST(HistoryJson, NamesWhatIsWrongWithALine) {
  const ClientOperation any_put = put(1, "7", 2, 3);
  EXPECT_EQ(complaint(any_put, R"("client":1,)", ""), R"(line 1: the field "client" is missing)");
  EXPECT_EQ(complaint(any_put, R"("client":1)", R"("client":-1)"),
            R"(line 1: the field "client" is no whole number from 0 on)");
  EXPECT_EQ(complaint(any_put, R"("put")", R"("pat")"),
            R"(line 1: the field "op" is none that is known: "pat")");
  EXPECT_EQ(complaint(any_put, R"("7")", "7"), R"(line 1: the field "value" is no text)");
  EXPECT_EQ(complaint(any_put, R"("7")", R"({"hex":7})"),
            R"(line 1: the field "value" is no text)");
  EXPECT_EQ(complaint(any_put, R"("7")", R"({"hex":"7"})"),
            R"(line 1: the field "value" is an odd number of hexadecimal digits)");
  EXPECT_EQ(complaint(any_put, R"("7")", R"({"hex":"7g"})"),
            R"(line 1: the field "value" is not of hexadecimal digits)");
  EXPECT_EQ(complaint(any_put, "2000000", "2.5"),
            R"(line 1: the field "invoked" is no whole number)");
  EXPECT_EQ(complaint(any_put, "3000000", "9223372036854775807"),
            R"(line 1: the field "completed" is too late)");
  EXPECT_EQ(complaint(any_put, "3000000", "1"), "line 1: it completed before it was invoked");
  EXPECT_EQ(complaint(any_put, "3000000", "null"),
            "line 1: its outcome is known, but not since when");
  EXPECT_EQ(complaint(any_put, R"("ok")", R"("unknown")"),
            "line 1: it completed, but its outcome is unknown");
  EXPECT_EQ(complaint(any_put, R"("ok")", R"("ok","swapped":true)"),
            "line 1: it says whether it swapped, but is no cas");
  EXPECT_EQ(complaint(any_put, R"("ok")", R"("ok","fuond":null)"),
            R"(line 1: the field "fuond" does not belong here)");
  EXPECT_EQ(complaint(get(1, "7", 2, 3), R"("ok","found":"7")", R"("ok")"),
            "line 1: a get that is ok says what it found");
  EXPECT_EQ(complaint(get(1, "7", 2, 3), R"("ok")", R"("failed")"),
            "line 1: it found something, but is not ok");
  EXPECT_EQ(complaint(cas(1, "7", "8", true, 2, 3), "true", "1"),
            R"(line 1: the field "swapped" is neither true nor false)");
}

TEST(PrintOperation, IsForPeople) {
  EXPECT_EQ(print_operation(cas(1, kNothing, "a\"b\n", false, 0, 1)),
            R"(cas "x" from nothing to "a\"b\x0a": ok, not swapped)");
  EXPECT_EQ(print_operation(unknown(append(1, std::string(70, 'z'), 0, 1))),
            "append \"x\" += \"" + std::string(60, 'z') + "\"... (70 bytes): unknown");
  EXPECT_EQ(print_operation(failed(remove(1, 0, 1))), R"(delete "x": failed)");
}

}  // namespace
}  // namespace coracle::raft::sim

// What clients of a replicated map of keys to values did, as they saw it: what each asked for,
// when, and what it was told. Written while a test runs, in virtual time or against real processes;
// read by check_linearizability(), and by other checkers as JSON lines.
//
// One JSON object per line and operation, in the order of invocation. Times are nanoseconds on the
// clock of whoever wrote it. The fields, of which no other may be there:
//
//   "client"     number: who asked; a client may have asked for several things at a time
//   "op"         "get", "put", "append", "cas" (compare and set) or "delete"
//   "key"        text
//   "value"      text: what put stores, append adds at the end, cas stores; absent for get, delete
//   "expected"   cas only: the text that has to stand there, or null if the key has to be absent
//   "invoked"    number: when it was asked for
//   "completed"  number: when the answer came; null if the outcome is unknown
//   "outcome"    "ok", "failed" (it never took effect and never will) or "unknown" (it may take
//                effect at any time after its invocation, or never)
//   "found"      what stood there before it took effect: text, or null for no such key. With every
//                get that is ok; with others that are ok if the service says it; else absent
//   "swapped"    with every cas that is ok, else absent: whether it found what it expected
//
// A text that is not UTF-8 stands as {"hex": "00ff"}. To append to a key that is absent creates it;
// to delete such a key does nothing. Both are ok.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/time.h"

namespace coracle::raft::sim {

enum class OperationKind : std::uint8_t { get, put, append, compare_and_set, remove };
enum class OperationOutcome : std::uint8_t { ok, failed, unknown };

// What stands under a key; nothing means that there is no such key.
using MapValue = std::optional<std::string>;

// The fields mean what those of JSON mean, which see above.
struct ClientOperation {
  std::uint64_t client = 0;
  OperationKind kind = OperationKind::get;
  std::string key{};
  std::string value{};
  MapValue expected{};

  TimePoint invoked{};
  TimePoint completed = kNever;  // kNever if the outcome is unknown
  OperationOutcome outcome = OperationOutcome::unknown;
  std::optional<MapValue> found{};  // nothing outside: not said; nothing inside: no such key
  std::optional<bool> swapped{};

  friend bool operator==(const ClientOperation&, const ClientOperation&) = default;
};

// What a client is told when its operation has taken effect.
struct OperationAnswer {
  std::optional<MapValue> found{};
  std::optional<bool> swapped{};
};

// Returns    `put "x" = "1": ok`, for people: what was asked for, and what was answered.
[[nodiscard]] std::string print_operation(const ClientOperation& operation);

// Returns    the value in quotes, cut if it is long; `nothing` for no such key.
[[nodiscard]] std::string print_value(const MapValue& value);

// Returns    what contradicts the meaning of the fields, e.g. an answer without an outcome; empty
// if
//            nothing does.
[[nodiscard]] std::string misfit(const ClientOperation& operation);

// Returns    one line without its end, as said above.
//   Requires   no misfit.
[[nodiscard]] std::string to_json(const ClientOperation& operation);

// A history that grows. Invocations are told before the request leaves, completions after the
// answer has arrived. What is told later happened later: where the clock did not move in between,
// or is not monotonic, the later event is dated a nanosecond after the earlier one, so that no
// order is lost. Belongs to one thread.
class History {
 public:
  // Somebody asks. Until more is told of it, its outcome is unknown, and may remain so.
  //   Returns    the operation's number: 0, 1, 2, ...
  //   Requires   `asked` to say nothing of times, outcome and answer.
  std::size_t invoke(ClientOperation asked, TimePoint at);

  // An answer: it took effect.
  //   Requires   an operation of which nothing was told since its invocation, and an answer that
  //              fits its kind.
  void complete(std::size_t operation, OperationAnswer answer, TimePoint at);

  // Certainty that it did not take effect and never will. A lost connection is not that.
  //   Requires   an operation of which nothing was told since its invocation.
  void fail(std::size_t operation, TimePoint at);

  // Returns    what was told so far, in the order of invocation.
  [[nodiscard]] const std::vector<ClientOperation>& operations() const { return operations_; }

  // Returns    all operations, a line each.
  [[nodiscard]] std::string to_json_lines() const;

 private:
  [[nodiscard]] TimePoint stamp(TimePoint at);
  ClientOperation& open_operation(std::size_t operation);

  std::vector<ClientOperation> operations_;
  TimePoint latest_ = TimePoint::min();
};

// Reads what to_json_lines() or somebody else wrote; several histories may follow each other.
//   Returns    the operations in the order of the lines.
//   Throws     Error naming the first line that is none, and what is wrong with it.
[[nodiscard]] std::vector<ClientOperation> parse_json_lines(std::string_view text);

}  // namespace coracle::raft::sim

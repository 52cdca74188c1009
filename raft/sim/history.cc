#include "raft/sim/history.h"

#include <algorithm>
#include <string>
#include <utility>

#include <spdlog/fmt/fmt.h>

#include "runtime/check.h"

namespace coracle::raft::sim {
namespace {

using Kind = OperationKind;

// Long values are cut, and bytes that no terminal shows are written in hexadecimal.
std::string quoted(std::string_view text) {
  constexpr std::size_t kShown = 60;
  std::string result = "\"";
  for (const char c : text.substr(0, kShown)) {
    if (c == '"' || c == '\\') {
      result.append("\\").push_back(c);
    } else if (c < ' ' || c > '~') {
      result += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      result.push_back(c);
    }
  }
  result += "\"";
  if (text.size() > kShown) result += fmt::format("... ({} bytes)", text.size());
  return result;
}

std::string request_text(const ClientOperation& operation) {
  const std::string key = quoted(operation.key);
  const std::string value = quoted(operation.value);
  switch (operation.kind) {
    case Kind::get: return "get " + key;
    case Kind::put: return "put " + key + " = " + value;
    case Kind::append: return "append " + key + " += " + value;
    case Kind::compare_and_set:
      return "cas " + key + " from " + print_value(operation.expected) + " to " + value;
    case Kind::remove: return "delete " + key;
  }
  return "";
}

bool stores_a_value(Kind kind) {
  return kind == Kind::put || kind == Kind::append || kind == Kind::compare_and_set;
}

std::string answer_misfit(const ClientOperation& operation) {
  const bool ok = operation.outcome == OperationOutcome::ok;
  const bool compares = operation.kind == Kind::compare_and_set;
  if (!ok && operation.found) return "it found something, but is not ok";
  if (!ok && operation.swapped) return "it says whether it swapped, but is not ok";
  if (!compares && operation.swapped) return "it says whether it swapped, but is no cas";
  if (ok && compares && !operation.swapped) return "a cas that is ok says whether it swapped";
  if (ok && operation.kind == Kind::get && !operation.found) {
    return "a get that is ok says what it found";
  }
  return "";
}

}  // namespace

std::string print_value(const MapValue& value) { return value ? quoted(*value) : "nothing"; }

std::string print_operation(const ClientOperation& operation) {
  std::string text = request_text(operation);
  switch (operation.outcome) {
    case OperationOutcome::failed: return text + ": failed";
    case OperationOutcome::unknown: return text + ": unknown";
    case OperationOutcome::ok: break;
  }
  text += ": ok";
  if (operation.swapped) text += *operation.swapped ? ", swapped" : ", not swapped";
  if (operation.found) text += ", found " + print_value(*operation.found);
  return text;
}

std::string misfit(const ClientOperation& operation) {
  const bool known = operation.outcome != OperationOutcome::unknown;
  if (known && operation.completed == kNever) return "its outcome is known, but not since when";
  if (!known && operation.completed != kNever) return "it completed, but its outcome is unknown";
  if (operation.completed < operation.invoked) return "it completed before it was invoked";
  if (!stores_a_value(operation.kind) && !operation.value.empty()) {
    return "it has a value, but stores none";
  }
  if (operation.kind != Kind::compare_and_set && operation.expected) {
    return "it expects something, but is no cas";
  }
  return answer_misfit(operation);
}

std::size_t History::invoke(ClientOperation asked, TimePoint at) {
  CORACLE_CHECK(asked.outcome == OperationOutcome::unknown, "nothing is known of it yet");
  asked.invoked = stamp(at);
  operations_.push_back(std::move(asked));
  const std::string wrong = misfit(operations_.back());
  CORACLE_CHECK(wrong.empty(), wrong);
  return operations_.size() - 1;
}

void History::complete(std::size_t operation, OperationAnswer answer, TimePoint at) {
  ClientOperation& answered = open_operation(operation);
  answered.outcome = OperationOutcome::ok;
  answered.completed = stamp(at);
  answered.found = std::move(answer.found);
  answered.swapped = answer.swapped;
  const std::string wrong = misfit(answered);
  CORACLE_CHECK(wrong.empty(), wrong);
}

void History::fail(std::size_t operation, TimePoint at) {
  ClientOperation& failed = open_operation(operation);
  failed.outcome = OperationOutcome::failed;
  failed.completed = stamp(at);
}

TimePoint History::stamp(TimePoint at) {
  if (at <= latest_) at = latest_ + Duration(1);
  latest_ = at;
  return at;
}

ClientOperation& History::open_operation(std::size_t operation) {
  CORACLE_CHECK(operation < operations_.size(), "only what was invoked can end");
  ClientOperation& open = operations_[operation];
  CORACLE_CHECK(open.outcome == OperationOutcome::unknown, "an operation ends once");
  return open;
}

std::string History::to_json_lines() const {
  std::string text;
  for (const ClientOperation& operation : operations_) text.append(to_json(operation)).append("\n");
  return text;
}

}  // namespace coracle::raft::sim

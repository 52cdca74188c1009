#include "raft/sim/map_verdict.h"

#include <map>
#include <string_view>
#include <vector>

#include "raft/sim/linearizability.h"

namespace coracle::raft::sim {
namespace {

// What was done to one key.
struct OfKey {
  std::vector<const ClientOperation*> appends;
  std::vector<const ClientOperation*> last_reads;  // in the end
  bool is_only_appended = true;
};

std::map<std::string_view, OfKey> by_key(std::span<const ClientOperation> history,
                                         std::uint64_t first_reader) {
  std::map<std::string_view, OfKey> keys;
  for (const ClientOperation& operation : history) {
    OfKey& of_key = keys[operation.key];
    switch (operation.kind) {
      case OperationKind::append: of_key.appends.push_back(&operation); break;
      case OperationKind::get:
        if (operation.client < first_reader || operation.outcome != OperationOutcome::ok) break;
        of_key.last_reads.push_back(&operation);
        break;
      default: of_key.is_only_appended = false;
    }
  }
  return keys;
}

std::size_t count_in(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos;
       at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

// Returns    what is wrong with an append of which `text` shows what became.
std::string judge_append(const ClientOperation& append, const ClientOperation& read,
                         std::string_view text) {
  const std::size_t times = count_in(text, ";" + append.value);
  const std::string what = print_operation(append);
  const std::string where = ": client " + std::to_string(read.client) + " read it in the end";
  if (times > 1) return what + ", and it is there " + std::to_string(times) + " times" + where;
  const bool is_acknowledged =
      append.outcome == OperationOutcome::ok && append.completed < read.invoked;
  if (times == 0 && is_acknowledged) {
    return what + ", and it is lost: client " + std::to_string(read.client) +
           " did not find it in the end";
  }
  const bool has_failed = append.outcome == OperationOutcome::failed;
  return times == 1 && has_failed ? what + ", and it is there all the same" + where : "";
}

std::string judge_key(std::string_view key, const OfKey& of_key) {
  if (of_key.appends.empty() || !of_key.is_only_appended) return {};
  if (of_key.last_reads.empty()) return "nobody has read " + std::string(key) + " in the end";
  for (const ClientOperation* read : of_key.last_reads) {
    const std::string text = ";" + read->found->value_or("");
    for (const ClientOperation* append : of_key.appends) {
      if (std::string wrong = judge_append(*append, *read, text); !wrong.empty()) return wrong;
    }
  }
  return {};
}

}  // namespace

// What is lost or doubled is looked for first: that says more than that there is no order.
std::string judge_map_history(std::span<const ClientOperation> history,
                              std::uint64_t first_reader) {
  for (const auto& [key, of_key] : by_key(history, first_reader)) {
    if (std::string wrong = judge_key(key, of_key); !wrong.empty()) return wrong;
  }
  const LinearizabilityReport report = check_linearizability(history);
  switch (report.verdict) {
    case Linearizability::linearizable: return {};
    case Linearizability::undecided: return "whether it is linearizable was not decided";
    case Linearizability::not_linearizable: break;
  }
  return "no order of the operations on " + report.key + " explains:\n" + report.excerpt;
}

}  // namespace coracle::raft::sim

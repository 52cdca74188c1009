// Operations of histories, in few words: who, on which value, from when to when (in milliseconds).
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

#include "raft/sim/history.h"

namespace coracle::raft::sim {

inline constexpr MapValue kNothing = std::nullopt;

inline TimePoint at_ms(std::int64_t ms) { return TimePoint(std::chrono::milliseconds(ms)); }

inline ClientOperation ok(ClientOperation operation, std::int64_t from, std::int64_t to) {
  operation.invoked = at_ms(from);
  operation.completed = at_ms(to);
  operation.outcome = OperationOutcome::ok;
  return operation;
}

inline ClientOperation put(std::uint64_t client, std::string value, std::int64_t from,
                           std::int64_t to) {
  return ok({.client = client, .kind = OperationKind::put, .key = "x", .value = std::move(value)},
            from, to);
}

inline ClientOperation append(std::uint64_t client, std::string value, std::int64_t from,
                              std::int64_t to) {
  ClientOperation operation = put(client, std::move(value), from, to);
  operation.kind = OperationKind::append;
  return operation;
}

inline ClientOperation remove(std::uint64_t client, std::int64_t from, std::int64_t to) {
  return ok({.client = client, .kind = OperationKind::remove, .key = "x"}, from, to);
}

inline ClientOperation get(std::uint64_t client, MapValue found, std::int64_t from,
                           std::int64_t to) {
  ClientOperation operation = ok({.client = client, .key = "x"}, from, to);
  operation.found.emplace(std::move(found));
  return operation;
}

inline ClientOperation cas(std::uint64_t client, MapValue expected, std::string value, bool swapped,
                           std::int64_t from, std::int64_t to) {
  ClientOperation operation = put(client, std::move(value), from, to);
  operation.kind = OperationKind::compare_and_set;
  operation.expected = std::move(expected);
  operation.swapped = swapped;
  return operation;
}

// The same, of which more or less is known.
inline ClientOperation having_found(ClientOperation operation, MapValue found) {
  operation.found.emplace(std::move(found));
  return operation;
}

inline ClientOperation failed(ClientOperation operation) {
  operation.outcome = OperationOutcome::failed;
  operation.found.reset();
  operation.swapped.reset();
  return operation;
}

inline ClientOperation unknown(ClientOperation operation) {
  operation.outcome = OperationOutcome::unknown;
  operation.completed = kNever;
  operation.found.reset();
  operation.swapped.reset();
  return operation;
}

inline ClientOperation on_key(std::string key, ClientOperation operation) {
  operation.key = std::move(key);
  return operation;
}

}  // namespace coracle::raft::sim

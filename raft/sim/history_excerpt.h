// Shows where a history stops making sense. Mechanism of linearizability.h.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "raft/sim/history.h"
#include "raft/sim/linearizability.h"

namespace coracle::raft::sim {

// An operation in an order that explains a part of a history.
struct OrderedOperation {
  const ClientOperation* operation = nullptr;
  MapValue leaves;
};

// Returns    some lines for people: what the report says of its operation, what was done to its key
//            (which are the operations `of_key`) about that time or had to do with the value that
//            it found, and the end of an order that explains what came before.
[[nodiscard]] std::string write_excerpt(std::span<const ClientOperation> history,
                                        std::span<const std::size_t> of_key,
                                        const LinearizabilityReport& report,
                                        std::span<const OrderedOperation> order);

}  // namespace coracle::raft::sim

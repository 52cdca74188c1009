#include "raft/proposals.h"

#include <utility>

#include "runtime/check.h"

namespace coracle::raft {

Proposals::~Proposals() {
  for (Slot& slot : slots_) {
    if (slot.proposal != nullptr) slot.proposal->forget_ = nullptr;
  }
}

void Proposals::add(LogIndex index, std::size_t bytes, Proposal& proposal) {
  CORACLE_CHECK(slots_.empty() || slots_.back().index < index, "a leader only appends");
  slots_.push_back({.index = index, .bytes = bytes, .proposal = &proposal});
  proposal.forget_ = &slots_.back().proposal;
  bytes_ += bytes;
}

Proposal* Proposals::take(LogIndex index) {
  if (slots_.empty() || slots_.front().index > index) return nullptr;
  CORACLE_CHECK(slots_.front().index == index, "entries are applied in their order");
  const Slot slot = slots_.front();
  slots_.pop_front();
  bytes_ -= slot.bytes;
  if (slot.proposal != nullptr) slot.proposal->forget_ = nullptr;
  return slot.proposal;
}

void Proposals::complete(LogIndex index, const SharedBytes& result) {
  if (Proposal* proposal = take(index)) proposal->result.complete(result);
}

void Proposals::fail(LogIndex index, const std::exception_ptr& why) {
  if (Proposal* proposal = take(index)) proposal->result.fail(why);
}

void Proposals::fail_all(const std::exception_ptr& why) {
  while (!slots_.empty()) fail(slots_.front().index, why);
}

}  // namespace coracle::raft

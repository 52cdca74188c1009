#include "runtime/timer_heap.h"

#include <algorithm>

#include "runtime/check.h"

namespace coracle {
namespace {

constexpr std::size_t kArity = 4;

}  // namespace

void TimerHeap::arm(TimerNode& node, TimePoint deadline) { arm(node, deadline, sequence_++); }

void TimerHeap::arm(TimerNode& node, TimePoint deadline, std::uint64_t order) {
  CORACLE_CHECK(!node.armed(), "a timer is armed once at a time");
  node.deadline_ = deadline;
  node.sequence_ = order;
  entries_.push_back({});
  sift_up(entries_.size() - 1, {deadline, &node});
}

void TimerHeap::disarm(TimerNode& node) {
  if (!node.armed()) return;
  const std::size_t hole = node.index_;
  node.index_ = TimerNode::kUnarmed;
  const Entry last = entries_.back();
  entries_.pop_back();
  if (hole == entries_.size()) return;
  if (hole > 0 && before(last, entries_[(hole - 1) / kArity])) {
    sift_up(hole, last);
  } else {
    sift_down(hole, last);
  }
}

std::size_t TimerHeap::expire(TimePoint now) {
  std::size_t count = 0;
  const std::uint64_t armed_later = sequence_;
  while (!entries_.empty() && entries_.front().deadline <= now) {
    TimerNode& node = *entries_.front().node;
    if (node.sequence_ >= armed_later) break;
    disarm(node);
    if (!entries_.empty()) __builtin_prefetch(entries_.front().node);
    ++count;
    node.expired();
  }
  return count;
}

void TimerHeap::expire_first() {
  CORACLE_CHECK(!entries_.empty(), "something expires");
  TimerNode& node = *entries_.front().node;
  disarm(node);
  node.expired();
}

void TimerHeap::clear() {
  for (const Entry& entry : entries_) entry.node->index_ = TimerNode::kUnarmed;
  entries_.clear();
}

bool TimerHeap::before(const Entry& left, const Entry& right) {
  if (left.deadline != right.deadline) return left.deadline < right.deadline;
  return left.node->sequence_ < right.node->sequence_;
}

void TimerHeap::place(std::size_t index, Entry entry) {
  entries_[index] = entry;
  entry.node->index_ = index;
}

void TimerHeap::sift_up(std::size_t index, Entry entry) {
  while (index > 0) {
    const std::size_t parent = (index - 1) / kArity;
    if (!before(entry, entries_[parent])) break;
    place(index, entries_[parent]);
    index = parent;
  }
  place(index, entry);
}

void TimerHeap::sift_down(std::size_t index, Entry entry) {
  for (;;) {
    const std::size_t first = index * kArity + 1;
    if (first >= entries_.size()) break;
    const std::size_t end = std::min(first + kArity, entries_.size());
    std::size_t least = first;
    for (std::size_t child = first + 1; child < end; ++child) {
      if (before(entries_[child], entries_[least])) least = child;
    }
    if (!before(entries_[least], entry)) break;
    place(index, entries_[least]);
    index = least;
  }
  place(index, entry);
}

}  // namespace coracle

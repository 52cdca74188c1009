#include "raft/entry_index.h"

#include <algorithm>
#include <iterator>

#include "runtime/check.h"

namespace coracle::raft {

// Behind a truncation stands its record, so the next entry does not stand right behind the last.
void EntryIndex::append(EntryPlace place, std::size_t bytes) {
  const bool goes_on =
      !rows_.empty() && place == next_ && place.offset - rows_.back().place.offset < kRowBytes;
  ++last_index_;
  if (!goes_on) rows_.push_back({.first = last_index_, .place = place});
  next_ = {.segment = place.segment, .offset = place.offset + static_cast<std::uint32_t>(bytes)};
}

void EntryIndex::truncate_behind(LogIndex last) {
  CORACLE_CHECK(last <= last_index_, "only entries we hold can stay");
  last_index_ = last;
  while (!rows_.empty() && rows_.back().first > last) rows_.pop_back();
}

EntryIndex::Way EntryIndex::way(LogIndex first, LogIndex last, std::size_t bytes_max) const {
  CORACLE_CHECK(first >= 1 && first <= last && last <= last_index_, "these entries are there");
  const auto begin = std::prev(std::ranges::upper_bound(rows_, first, {}, &EntryRow::first));
  auto end = std::next(begin);
  while (end != rows_.end() && end->first <= last && end->place.segment == begin->place.segment &&
         end->place.offset - begin->place.offset < bytes_max) {
    ++end;
  }
  if (end != rows_.end()) last = std::min(last, end->first - 1);
  return {.rows = {begin, end}, .last = last};
}

}  // namespace coracle::raft

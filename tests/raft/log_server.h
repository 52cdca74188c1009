// Whose logs the tests of DiskLog write.
#pragma once

#include <vector>

#include "raft/disk_log.h"

namespace coracle::raft {

inline constexpr Identity kIdentity{
    .cluster = 7, .self = 3, .incarnation = {.directory = 99, .start = 1}};
// Of a server that knows more terms and changes than any of these logs has.
inline constexpr HardStateRecord kServer{
    .identity = kIdentity, .hard_state = {.term = 1'000'000}, .log = {.made = true}};
// Of one that has no log yet.
inline constexpr HardStateRecord kNewServer{.identity = kIdentity,
                                            .hard_state = {.term = 1'000'000}};
inline constexpr DiskLogOptions kSmall{.segment_bytes = 4096 + 2000};

// One change: the entry whose index is its number.
inline std::vector<Change> appended(LogIndex index, const Entry& entry) {
  return {{.number = index, .what = AppendedEntry{.index = index, .entry = entry}}};
}

}  // namespace coracle::raft

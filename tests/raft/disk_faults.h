// The system calls that storage makes, counted and made to fail: this program has its own pwrite,
// fdatasync, fsync and rename, which do what those of the system do unless a test says otherwise.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace coracle::raft {

// What happens at the nth of these calls, counted from 1 since the plan was made.
struct DiskFault {
  enum class Kind {
    none,
    die_before,  // the process ends without having made it
    die_within,  // a write reaches the file in part, then the process ends; else like die_before
    fail,        // it reports EIO, and does nothing
    hold,        // it waits until another plan is made, and then does what it should
  };
  Kind kind = Kind::none;
  int nth = 0;
};

// The exit status of a process that a fault ended.
inline constexpr int kDiedOfFault = 77;

// Starts counting anew.
void plan_fault(DiskFault fault);

// Returns the calls since then: "write 4096 @8192", "sync", "sync directory", "rename".
std::vector<std::string> calls_made();

}  // namespace coracle::raft

#include "tests/raft/disk_faults.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>
#include <cerrno>
#include <condition_variable>
#include <mutex>

namespace coracle::raft {
namespace {

std::mutex mutex;  // calls come from the threads of the pool
std::condition_variable planned_anew;
int plans = 0;
DiskFault planned;
std::vector<std::string> made;

// Notes a call, and returns the fault that is planned for it, except that a hold ends here.
DiskFault::Kind note(std::string call) {
  std::unique_lock lock(mutex);
  made.push_back(std::move(call));
  if (static_cast<int>(made.size()) != planned.nth) return DiskFault::Kind::none;
  if (planned.kind != DiskFault::Kind::hold) return planned.kind;
  planned_anew.wait(lock, [plan = plans] { return plans != plan; });
  return DiskFault::Kind::none;
}

// Does what a fault asks for, except for what only a write can do.
//   Returns    whether the call is to report EIO.
bool fails(DiskFault::Kind kind) {
  if (kind == DiskFault::Kind::die_before || kind == DiskFault::Kind::die_within) {
    ::_exit(kDiedOfFault);
  }
  if (kind == DiskFault::Kind::fail) errno = EIO;
  return kind == DiskFault::Kind::fail;
}

}  // namespace

void plan_fault(DiskFault fault) {
  const std::lock_guard lock(mutex);
  planned = fault;
  made.clear();
  ++plans;
  planned_anew.notify_all();
}

std::vector<std::string> calls_made() {
  const std::lock_guard lock(mutex);
  return made;
}

}  // namespace coracle::raft

using coracle::raft::DiskFault;
using coracle::raft::fails;
using coracle::raft::note;

extern "C" {

ssize_t pwrite(int descriptor, const void* bytes, std::size_t size, off_t offset) {
  const DiskFault::Kind fault =
      note("write " + std::to_string(size) + " @" + std::to_string(offset));
  if (fault == DiskFault::Kind::die_within) {
    (void)::syscall(SYS_pwrite64, descriptor, bytes, size / 2 + 16, offset);
  }
  if (fails(fault)) return -1;
  return ::syscall(SYS_pwrite64, descriptor, bytes, size, offset);
}

int fdatasync(int descriptor) {
  if (fails(note("sync"))) return -1;
  return static_cast<int>(::syscall(SYS_fdatasync, descriptor));
}

int fsync(int descriptor) {
  if (fails(note("sync directory"))) return -1;
  return static_cast<int>(::syscall(SYS_fsync, descriptor));
}

int rename(const char* from, const char* to) noexcept {
  if (fails(note("rename"))) return -1;
  return static_cast<int>(::syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to));
}

}  // extern "C"

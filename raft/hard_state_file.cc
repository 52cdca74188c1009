#include "raft/hard_state_file.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "raft/log_segment.h"
#include "runtime/check.h"
#include "runtime/error.h"
#include "runtime/random.h"

namespace coracle::raft {
namespace {

std::string file_in(const std::string& directory) { return directory + "/hard_state"; }

std::string parent_of(const std::string& directory) {
  const std::size_t end = directory.find_last_not_of('/');
  const std::size_t slash = directory.find_last_of('/', end);
  if (end == std::string::npos) return "/";
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : directory.substr(0, slash);
}

// A new server's directory must not vanish with what it promises: the names of all directories on
// the way are made durable, also of those that an earlier start made before it crashed. (D1)
Task<> sync_names_above(std::string path) {
  for (std::string above = parent_of(path);; above = parent_of(above)) {
    try {
      co_await sync_directory(above);
    } catch (const Error& error) {
      // What we may not even read, we have not made.
      if (error.code() != std::errc::permission_denied) throw;
    }
    if (above == "/" || above == ".") co_return;
  }
}

// The log is made later than the file: so there is none without it, whenever a start crashed. (D8)
Task<bool> has_segments(std::string directory) {
  const bool exists = co_await file_exists(directory);
  if (!exists) co_return false;
  const std::vector<std::string> names = co_await list_directory(directory);
  co_return std::ranges::any_of(
      names, [](const std::string& name) { return segment_number(name).has_value(); });
}

[[noreturn]] void refuse(const std::string& directory, const std::string& why) {
  throw Error(EPERM, "start on", directory + " (" + why + ")");
}

}  // namespace

Task<HardStateFile> HardStateFile::open(std::string_view directory, ClusterId cluster,
                                        ServerId self) {
  CORACLE_CHECK(self != kNobody, "0 is no server's id");
  return open_path(std::string(directory), cluster, self);
}

Task<HardStateFile> HardStateFile::open_path(std::string path, ClusterId cluster, ServerId self) {
  co_await make_directory(path);
  DirectoryLock lock = co_await DirectoryLock::acquire(path);
  const bool exists = co_await file_exists(file_in(path));
  if (exists) co_return co_await recover(std::move(lock), path, cluster, self);
  const bool has_log = co_await has_segments(path + "/log");
  if (has_log) {
    refuse(path,
           "hard_state is gone, and the log is there. Without it this server could vote twice in a "
           "term: remove it from the cluster, and add it again under a new id");
  }
  co_await sync_names_above(path);
  const Identity identity{
      .cluster = cluster, .self = self, .incarnation = {.directory = random().next(), .start = 0}};
  co_return co_await make(std::move(lock), path, identity);
}

// Under another name until it is whole and synced: at each moment there is no file or a whole one.
Task<HardStateFile> HardStateFile::make(DirectoryLock lock, std::string path, Identity identity) {
  const HardStateRecord record{.identity = identity};
  const std::string unfinished = file_in(path) + ".new";
  File file = co_await File::open(unfinished, OpenMode::replace);
  HardStateFile storage(path, std::move(lock), std::move(file), record);
  co_await storage.write_and_sync(first_write(record));
  co_await rename_file(unfinished, file_in(path));
  co_await sync_directory(path);
  storage.file_ = co_await File::open(file_in(path), OpenMode::update);  // so that errors name it
  co_return storage;
}

// What is read may stand in the page cache only, or in one of two copies: it is made durable in
// both before anything is written over the record before it, and before anyone is told of it.
Task<HardStateFile> HardStateFile::recover(DirectoryLock lock, std::string path, ClusterId cluster,
                                           ServerId self) {
  File file = co_await File::open(file_in(path), OpenMode::update);
  std::vector<std::byte> bytes(kHardStateFileBytes + 1);  // one more, to see what is longer
  const std::size_t size = co_await file.read_at(bytes, 0);
  bytes.resize(size);
  const ReadHardState found = read_hard_state(bytes, cluster, self);
  if (!found.refusal.empty()) refuse(path, found.refusal);

  HardStateFile storage(path, std::move(lock), std::move(file), found.record);
  storage.damages_ = found.damages;
  const std::array<SlotWrite, 2> both = rewrites(found);
  co_await storage.write_and_sync(both[0]);
  co_await storage.write_and_sync(both[1]);

  co_await sync_directory(path);  // the file's name may be as fresh as its content
  co_return storage;
}

Task<> HardStateFile::start(LogMark log) {
  HardStateRecord record = newest_;
  ++record.identity.incarnation.start;
  record.log = log;
  return replace_by(record);
}

Task<> HardStateFile::save(HardState hard_state, ChangeNumber change, ChangeNumber log_change) {
  CORACLE_CHECK(change > newest_.change, "changes are saved in their order");
  CORACLE_CHECK(log_change >= newest_.log.change, "what was durable stays so");
  HardStateRecord record = newest_;
  record.hard_state = hard_state;
  record.change = change;
  record.log.change = log_change;
  return replace_by(record);
}

Task<> HardStateFile::replace_by(HardStateRecord record) {
  if (failed_) throw Error(EIO, "write", file_.path() + " (a write before was not completed)");
  ++record.saved;
  co_await write_and_sync(save_write(record));
  newest_ = record;
}

// A failure leaves it unknown what is on the disk.
Task<> HardStateFile::write_and_sync(SlotWrite slots) {
  failed_ = true;
  co_await file_.write_durably_at(slots.bytes, slots.offset);
  failed_ = false;
}

}  // namespace coracle::raft

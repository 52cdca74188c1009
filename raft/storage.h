// What a server keeps on its disk: one directory, held by one process. (V2, D1 to D10)
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "raft/hard_state.h"
#include "raft/state.h"
#include "raft/types.h"
#include "runtime/directory_lock.h"
#include "runtime/file.h"
#include "runtime/task.h"

namespace coracle::raft {

// The lock of the directory and its file `hard_state` (hard_state.h). Belongs to one loop.
class Storage {
 public:
  // Takes the directory into use, and makes it if there is none. What it held has been written
  // again and synced when this returns, and so has the count of this start: from then on messages
  // may tell of it (D10).
  //   Throws     Error when the disk fails, another process holds the directory, or the server
  //              must not start on what it holds: it is damaged beyond its copies (which file, and
  //              where), or it belongs to another cluster or server.
  //   Canceled   throws once what had begun has ended. The directory may be opened again.
  //   Requires   a current loop; self != kNobody.
  [[nodiscard]] static Task<Storage> open(std::string_view directory, ClusterId cluster,
                                          ServerId self);

  // Who this server is in this life.
  [[nodiscard]] const Identity& identity() const { return newest_.identity; }

  // What it had promised in its lives before.
  [[nodiscard]] const HardState& hard_state() const { return newest_.hard_state; }
  [[nodiscard]] ChangeNumber change() const { return newest_.change; }

  // What was damaged and could be cured, one sentence each.
  [[nodiscard]] const std::vector<std::string>& damages() const { return damages_; }

  // Stores term and vote as one record, with the number of the last change in it.
  //   Returns    when it would be found again after any crash.
  //   Throws     Error when the disk fails. Nothing is known of what is on it then, and a second
  //              try might report success for bytes that are lost: every later save fails, too.
  //              (D3, B56)
  //   Canceled   throws, and leaves it open which of the two would be found, the record before or
  //              this one: like after a failure, every later save fails.
  //   Requires   no other save in progress; change > change().
  [[nodiscard]] Task<> save(HardState hard_state, ChangeNumber change);

 private:
  Storage(DirectoryLock lock, File file, HardStateRecord newest)
      : lock_(std::move(lock)), file_(std::move(file)), newest_(newest) {}

  static Task<Storage> open_path(std::string path, ClusterId cluster, ServerId self);
  static Task<Storage> make(DirectoryLock lock, std::string path, Identity identity);
  static Task<Storage> recover(DirectoryLock lock, std::string path, ClusterId cluster,
                               ServerId self);
  [[nodiscard]] Task<> write_and_sync(SlotWrite slots);

  DirectoryLock lock_;
  File file_;
  HardStateRecord newest_;
  std::vector<std::string> damages_;
  bool failed_ = false;
};

}  // namespace coracle::raft

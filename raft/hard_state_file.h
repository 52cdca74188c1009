// Term and vote on a disk, and who the server is. (V2, D1 to D10)
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "raft/hard_state.h"
#include "raft/types.h"
#include "runtime/directory_lock.h"
#include "runtime/file.h"
#include "runtime/task.h"

namespace coracle::raft {

// The lock of the directory and its file `hard_state` (hard_state.h). Belongs to one loop.
class HardStateFile {
 public:
  // Takes the directory into use, and makes it if there is none. What it held has been written
  // again and synced when this returns (D10).
  //   Throws     Error when the disk fails, another process holds the directory, or the server
  //              must not start on what it holds: it is damaged beyond its copies (which file, and
  //              where), belongs to another cluster or server, or has a log and no hard_state.
  //   Canceled   throws once what had begun has ended. The directory may be opened again.
  //   Requires   a current loop; self != kNobody.
  [[nodiscard]] static Task<HardStateFile> open(std::string_view directory, ClusterId cluster,
                                                ServerId self);

  // Begins a life: counts this start.
  //   Returns    when it would be found again after any crash.
  //   Throws, Canceled   like save().
  //   Requires   that it is called once, before the first save.
  [[nodiscard]] Task<> start(LogMark log);

  // Returns    all that would be found again after a crash now.
  [[nodiscard]] const HardStateRecord& record() const { return newest_; }
  [[nodiscard]] const std::string& directory() const { return directory_; }
  // Returns    who this server is: in this life, once it has been started.
  [[nodiscard]] const Identity& identity() const { return newest_.identity; }

  // What it had promised in its lives before.
  [[nodiscard]] const HardState& hard_state() const { return newest_.hard_state; }
  [[nodiscard]] ChangeNumber change() const { return newest_.change; }

  // What was damaged and could be cured, one sentence each.
  [[nodiscard]] const std::vector<std::string>& damages() const { return damages_; }

  // Stores term and vote as one record, with the number of the last change in it, and how far the
  // log is durable.
  //   Returns    when it would be found again after any crash.
  //   Throws     Error when the disk fails. Nothing is known of what is on it then, and a second
  //              try might report success for bytes that are lost: every later save fails, too.
  //              (D3, B56)
  //   Canceled   throws, and leaves it open which of the two would be found, the record before or
  //              this one: like after a failure, every later save fails.
  //   Requires   no other save in progress; change > change(); no log change that was not durable.
  [[nodiscard]] Task<> save(HardState hard_state, ChangeNumber change, ChangeNumber log_change);

 private:
  HardStateFile(std::string directory, DirectoryLock lock, File file, HardStateRecord newest)
      : directory_(std::move(directory)),
        lock_(std::move(lock)),
        file_(std::move(file)),
        newest_(newest) {}

  static Task<HardStateFile> open_path(std::string path, ClusterId cluster, ServerId self);
  static Task<HardStateFile> make(DirectoryLock lock, std::string path, Identity identity);
  static Task<HardStateFile> recover(DirectoryLock lock, std::string path, ClusterId cluster,
                                     ServerId self);
  [[nodiscard]] Task<> replace_by(HardStateRecord record);
  [[nodiscard]] Task<> write_and_sync(SlotWrite slots);

  std::string directory_;
  DirectoryLock lock_;
  File file_;
  HardStateRecord newest_;
  std::vector<std::string> damages_;
  bool failed_ = false;
};

}  // namespace coracle::raft

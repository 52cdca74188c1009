// The replicated log on a disk: segments in one directory, appended to in batches. (D1 to D5, D10)
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "raft/entry_index.h"
#include "raft/hard_state.h"
#include "raft/log_scan.h"
#include "raft/messages.h"
#include "raft/segment_files.h"
#include "raft/storage.h"
#include "raft/term_runs.h"
#include "raft/types.h"
#include "runtime/file.h"
#include "runtime/task.h"

namespace coracle::raft {

struct DiskLogOptions {
  // Reserved for each segment before it is used. A batch that is larger gets a segment of its size.
  std::size_t segment_bytes = std::size_t{16} << 20;
};

// Belongs to one loop, and to the process that holds the lock of the server's directory.
class DiskLog {
 public:
  // Takes the folder `log` of a server's directory into use, and makes it if there is none. What it
  // held has been written again and synced when this returns: from then on messages may tell of it
  // (D10). What a crash had cut off is gone then.
  //   Throws     Error when the disk fails, or the server must not start on what it holds:
  //              `start on data/log (byte 4711 of 000000000000002.log is damaged: the record at
  //              byte 4800 was written after it was durable)`; nothing has been changed then.
  //   Canceled   throws once what had begun has ended. It may be opened again.
  //   Requires   a current loop; what hard_state says of this directory.
  [[nodiscard]] static Task<DiskLog> open(std::string_view server_directory,
                                          const HardStateRecord& server,
                                          DiskLogOptions options = {});

  // Returns    the terms of all its entries, with those that are being written.
  [[nodiscard]] const TermRuns& terms() const { return terms_; }
  // Returns    how many entries are durable.
  [[nodiscard]] LogIndex last_index() const { return entries_.last_index(); }
  // Returns    the latest time that was stamped on an entry before it was opened.
  [[nodiscard]] std::int64_t found_log_time() const { return found_log_time_; }
  // Returns    the last change that is durable; 0 for none.
  [[nodiscard]] ChangeNumber change() const { return change_; }
  // What a crash had cut off, one sentence each.
  [[nodiscard]] const std::vector<std::string>& damages() const { return damages_; }

  // Writes a batch: one write, one datasync, and sometimes a new segment before.
  //   Returns    when it would be found again after any crash.
  //   Throws     Error when the disk fails. Nothing is known of what is on it then: every later
  //              call fails, too. (D3, B56)
  //   Canceled   throws, and every later call fails: like after a failure.
  //   Borrows    `changes` until it returns.
  //   Requires   no other append in progress; the hard state that is durable; changes of the log
  //   that follow what is there: numbers that rise,
  //              each entry right behind the last one, truncations to what is there.
  [[nodiscard]] Task<> append(std::span<const Change> changes, HardStateRecord hard_state);

  // Reads entries back. Several reads may be in progress, and an append too.
  //   Returns    those from `first` to `last`, or the first few of them: at least one, and as many
  //              as fit into about `bytes_max` bytes of the file.
  //   Throws     Error when the disk fails, or has lost what was there: `read
  //              data/log/000000000000002.log (byte 4711 is no record of entry 17)`. Never less
  //              than was asked for instead. (B33)
  //   Canceled   throws.
  //   Requires   1 <= first <= last <= last_index().
  [[nodiscard]] Task<std::vector<Entry>> read(LogIndex first, LogIndex last, std::size_t bytes_max);

 private:
  DiskLog(SegmentFiles files, const HardStateRecord& server, DiskLogOptions options);

  static Task<DiskLog> open_path(std::string above, HardStateRecord server, DiskLogOptions options);
  [[nodiscard]] Task<> recover();
  [[nodiscard]] Task<> recover_current(const LogScan& found, std::vector<std::byte> current);
  [[nodiscard]] Task<> begin_segment(std::size_t bytes);
  [[nodiscard]] Task<> make_room(std::size_t bytes);
  void encode(std::span<const Change> changes, const HardStateRecord& hard_state);
  void take(const AppendedEntry& appended, LogRecord& record);
  void take(const Truncation& truncation, LogRecord& record);
  void note(const Change& change, std::size_t offset, std::size_t bytes);

  SegmentFiles files_;
  HardStateRecord server_;
  DiskLogOptions options_;
  std::vector<SegmentHeader> headers_;
  std::size_t current_ = 0;     // the segment that is appended to: how many come before it
  std::shared_ptr<File> file_;  // its file
  std::size_t end_ = kSegmentHeaderBytes;  // where its records end
  TermRuns terms_;
  EntryIndex entries_;
  std::int64_t found_log_time_ = 0;
  ChangeNumber change_ = 0;
  std::vector<std::string> damages_;
  std::vector<std::byte> buffer_;  // of the batch that is written
  bool failed_ = false;
};

}  // namespace coracle::raft

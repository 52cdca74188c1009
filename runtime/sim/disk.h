// The disk of a simulated host, and what can go wrong with it.
//
//   sim::Disk& disk = host.disk();
//   disk.fail({.action = FileAction::datasync});       // the next datasync: EIO
//   disk.fail({.error = ENOSPC, .nth = 7});            // the seventh operation from now
//   disk.observe([&](std::uint64_t nth, const FileCall&) { if (nth == 12) host.crash_machine(); });
//   disk.flip_bit("/data/hard_state", 40, 3);
//
// Programs use it through runtime/file.h, with the results and errno values of Linux on ext4.
// Relative paths begin at the root; / and /tmp exist, and temporary directories are made in /tmp.
//
// What is durable:
// - Programs read what was written last, whether it was synced or not, until the power is lost.
// - A datasync that succeeds makes the bytes and the size of a file durable as they are at its end,
//   but not the file's name.
// - A sync of a directory makes the names in it durable: files and directories made, renamed and
//   removed in it until then. Not those in the directories below it.
// - A rename within one directory is one change. Of a file renamed from one directory to another
//   the old name is never gone unless the new one is durable, but both may be found; so both
//   directories need a sync. A directory moved to another directory is durable at once, with all
//   names that were changed before it: journals keep such moves whole.
//
// What a loss of power leaves:
// - Of each directory the names that are durable, with the first few of the later changes, in their
//   order. How many is drawn for each directory. What has no name any more is gone.
// - Of each file, as is drawn: nothing that was not synced; all of it; the first few of the writes
//   and size changes, the next write up to a sector; or in each sector of 512 bytes what one of the
//   writes had left there, so writes are torn and come out of their order. A file may be longer
//   with zeros where a write is missing, or shorter though what was behind had been written. Cuts
//   stay in order: what was cut off by one that survived does not come back.
// - Caches are empty: what is read is what is durable.
//
// A datasync that fails leaves in each sector what one of the writes had left there, by chance, and
// one of the sizes since the last cut. What it did not leave stays readable, but no later datasync
// makes it durable, unless its sector is written again: Linux forgets what it could not write
// (found with PostgreSQL in 2018). A sync of a directory that fails changes nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/file_request.h"
#include "runtime/random.h"
#include "runtime/sim/disk_faults.h"
#include "runtime/time.h"

namespace coracle::sim {

class DiskFiles;

// Which of the two states of a disk.
enum class DiskView : std::uint8_t {
  cached,   // what programs see
  durable,  // what is certain to be there after a loss of power
};

// Where a bit was flipped.
struct FlippedBit {
  std::string path;
  std::uint64_t byte;
  unsigned bit;
};

// Something that the disk did to its users: for the trace. `path` is valid during the call.
struct DiskDecision {
  std::string_view what;  // "fail", "interrupt", "lose_power", "flip_bit"
  std::string_view how;   // the action that failed or was interrupted; what was kept
  std::string_view path;
  std::int64_t value = 0;  // the errno value; of a flipped bit, its number in the file
};

class Disk {
 public:
  // `random` decides all chances; it must outlive the disk.
  explicit Disk(Random& random);
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;
  ~Disk();

  // ---- Errors ----
  // Has one operation fail. Operations count when they take effect, which is when they end. A write
  // that fails may have written some of its first sectors; what a failed datasync leaves is said
  // above; anything else that fails has no effect. Several may be planned.
  //   Requires   nth > 0; an errno value.
  void fail(const DiskFault& fault) { faults_.fail(fault); }

  // Has each operation (of that kind) fail with this probability, in place of what was set for it
  // before; 0 ends it.
  void fail_by_chance(double probability, int error = EIO);
  void fail_by_chance(FileAction action, double probability, int error = EIO);

  // The disk has room for `bytes` bytes in its files, in sectors of 512; holes need none. What does
  // not fit fails with ENOSPC; a write may have written sectors that did fit.
  void set_capacity(std::optional<std::uint64_t> bytes);

  // Flips a bit of a file, in what is cached, and on the disk where it lies there.
  //   Requires   a file that is longer than `byte`; bit < 8.
  void flip_bit(std::string_view path, std::uint64_t byte, unsigned bit);

  // The same for a bit that is drawn, of all files at or below `path`.
  //   Returns    which; nothing if there is not a byte.
  std::optional<FlippedBit> flip_drawn_bit(std::string_view path = "/");

  // ---- Time ----
  // How long the operations take that begin from now on.
  void set_delays(const DiskDelays& delays) { faults_.delays = delays; }
  [[nodiscard]] const DiskDelays& delays() const { return faults_.delays; }

  // Lets each that begins from now on take `extra` longer. Does not add up.
  void slow_down(Duration extra);

  // The disk hangs: no operation ends, neither those that are under way nor those that begin,
  // before release(); then all whose time has come end at once. A fault that is met by an operation
  // which begins meanwhile.
  void hold() { held_ = true; }
  void release();
  [[nodiscard]] bool held() const { return held_; }

  // No faults from now on: nothing planned, nothing by chance, default delays, no hang, no limit of
  // the capacity. What is lost or damaged already stays so.
  void heal();

  // ---- Seeing ----
  // Has `observer` called when an operation begins, with how many have begun since this call, this
  // one included. It may crash the host. An empty function ends it.
  void observe(std::function<void(std::uint64_t nth, const FileCall& call)> observer);

  // Has `observer` told of each fault met and each loss. An empty function ends it.
  void observe_decisions(std::function<void(const DiskDecision&)> observer);

  // Returns    whether any planned fault has been met: an error, a lack of space, a hang.
  [[nodiscard]] bool met_fault() const { return faults_.met(); }

  // Returns    how many operations have begun.
  [[nodiscard]] std::uint64_t operations() const { return begun_; }

  // ---- From outside, without time and faults ----
  // Returns    what a file holds; nothing if there is none of that name.
  [[nodiscard]] std::optional<std::string> read_file(std::string_view path,
                                                     DiskView view = DiskView::cached) const;
  // Returns    whether there is a file or directory.
  [[nodiscard]] bool exists(std::string_view path, DiskView view = DiskView::cached) const;
  // Returns    the names in a directory, in order; none if there is no such directory.
  [[nodiscard]] std::vector<std::string> list(std::string_view path,
                                              DiskView view = DiskView::cached) const;
  // Makes a file of that content, or replaces what it holds, and the directories above that are
  // missing. Durable at once, with all names in the directories on the way.
  //   Requires   that it is no directory, nor below a file.
  void write_file(std::string_view path, std::string_view content);
  // Returns    how many descriptors programs have open.
  [[nodiscard]] std::size_t open_descriptors() const;

  // ---- For the host and its back end ----
  // What begin() returns while the disk hangs.
  static constexpr Duration kHeld = Duration::max();

  // An operation begins: counts it, tells the observer, and decides how long it takes.
  //   Returns    that; kHeld: it ends some time after release().
  [[nodiscard]] Duration begin(const FileCall& call);

  // Its end: has it take effect for the process `pid`, or fail.
  //   Requires   !held(): what would end then waits for release().
  [[nodiscard]] FileResult perform(const FileCall& call, int pid);

  // In place of perform(): its process dies while it is under way. Nothing, part (of a write the
  // first sectors) or all of it takes effect. Nothing stays open. Buffers that it would fill are
  // left alone.
  void interrupt(const FileCall& call, int pid);

  // Closes what perform() opened, and gives back its lock.
  //   Requires   a descriptor that is open.
  void close(int descriptor);

  // A process has ended: closes what it has open.
  void end_process(int pid);

  // The power goes: see above. No process runs any more; what they had open is closed.
  void lose_power();

  // Has `observer` called by each release(): operations that wait may end now.
  void at_release(std::function<void()> observer) { at_release_ = std::move(observer); }

 private:
  void tell(const DiskDecision& decision) const;

  Random& random_;
  DiskFaultPlan faults_;
  std::unique_ptr<DiskFiles> files_;
  bool held_ = false;
  std::uint64_t begun_ = 0;
  std::uint64_t observed_ = 0;
  std::function<void(std::uint64_t, const FileCall&)> observer_;
  std::function<void(const DiskDecision&)> decisions_;
  std::function<void()> at_release_;
};

}  // namespace coracle::sim

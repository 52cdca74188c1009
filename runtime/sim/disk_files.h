// What a kernel does with the files of a disk: each FileCall, with the results of Linux on ext4.
// Knows nothing of time and faults. Mechanism of Disk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/file_request.h"
#include "runtime/random.h"
#include "runtime/sim/disk_tree.h"

namespace coracle::sim {

class DiskFiles {
 public:
  explicit DiskFiles(Random& random) : random_(random) {}

  FileResult perform(const FileCall& call, int pid);
  // What an operation leaves that fails for a reason of the disk's own.
  void fail(const FileCall& call, int pid);
  // What an operation leaves whose process dies while it is under way.
  //   Returns    how much that was drawn to be: "nothing", "part", "all".
  std::string_view interrupt(const FileCall& call, int pid);

  void close(int descriptor);
  void end_process(int pid);
  [[nodiscard]] std::size_t open_descriptors() const { return descriptors_.size(); }

  // Calls `kept` with each file that had unsynced changes, and what was kept of them.
  void lose_power(const std::function<void(const std::string& path, std::string_view kept)>& kept);

  void set_capacity(std::optional<std::uint64_t> bytes) { capacity_ = bytes; }

  [[nodiscard]] Tree& tree() { return tree_; }
  [[nodiscard]] const Tree& tree() const { return tree_; }

 private:
  struct Descriptor {
    NodeRef node = nullptr;
    int pid = 0;
    bool writable = false;
    bool locks = false;  // its node
  };

  // ---- By path: disk_files.cc ----
  FileResult open(const std::string& path, OpenMode mode, int pid);
  FileResult lock(const std::string& path, int pid);
  FileResult rename(const std::string& from, const std::string& to);
  FileResult remove(const std::string& path);
  FileResult remove_tree(const std::string& path, std::uint64_t left);
  FileResult make_directory(const std::string& path);
  FileResult make_temporary_directory(const std::string& prefix, std::string& path);
  FileResult list_directory(const std::string& path, std::vector<std::string>& names) const;
  FileResult sync_directory(const std::string& path);
  [[nodiscard]] FileResult exists(const std::string& path) const;

  // ---- By descriptor: disk_descriptors.cc ----
  // Returns    the open descriptor of that process; nullptr if it has none of this number.
  Descriptor* find(int descriptor, int pid);
  FileResult read(const FileCall& call, int pid);
  FileResult write(const FileCall& call, int pid);
  // Writes the first few sectors, as many as is drawn and there is room for.
  void write_part(const FileCall& call, int pid);
  FileResult size(int descriptor, int pid);
  FileResult truncate(int descriptor, std::uint64_t bytes, int pid);
  FileResult allocate(const FileCall& call, int pid);
  FileResult datasync(int descriptor, int pid);
  // Returns    how many more sectors there is room for.
  [[nodiscard]] std::uint64_t free_sectors() const;

  Random& random_;
  Tree tree_;
  std::map<int, Descriptor> descriptors_;
  int last_descriptor_ = 2;  // 0, 1 and 2 are no files
  std::optional<std::uint64_t> capacity_;
};

}  // namespace coracle::sim

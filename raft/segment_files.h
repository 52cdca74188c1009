// The folder of a log's segments, and those of its files that are open.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "raft/log_segment.h"
#include "runtime/file.h"
#include "runtime/task.h"

namespace coracle::raft {

// What a folder holds.
struct SegmentNames {
  std::vector<std::string> segments;    // in the order of their numbers
  std::vector<std::string> unfinished;  // what an interrupted start or append has left
};

// Belongs to one loop. Its operations throw, and are canceled, as those of files (file.h).
class SegmentFiles {
 public:
  explicit SegmentFiles(std::string directory) : directory_(std::move(directory)) {}

  [[nodiscard]] const std::string& directory() const { return directory_; }
  [[nodiscard]] std::string path_of(std::uint64_t number) const;

  [[nodiscard]] Task<SegmentNames> list() const;

  // Makes a segment without records, and reserves its space.
  //   Returns    the file, once it would be found whole after any crash.
  [[nodiscard]] Task<std::shared_ptr<File>> make(SegmentHeader header) const;

  // Opens a segment to write to it.
  [[nodiscard]] Task<std::shared_ptr<File>> update(std::uint64_t number) const;

  // Gives a segment to read from. The few that were asked for last stay open.
  [[nodiscard]] Task<std::shared_ptr<File>> read(std::uint64_t number);
  // Takes an open file, as if it had been asked for.
  void keep(std::uint64_t number, std::shared_ptr<File> file);

  static constexpr std::size_t kOpenMax = 4;

 private:
  struct Open {
    std::uint64_t number;
    std::shared_ptr<File> file;
  };

  std::string directory_;
  std::vector<Open> open_;  // the one that was asked for last comes last
};

}  // namespace coracle::raft

// The names in a directory: as programs see them, as they are durable, and what changed in between.
// Mechanism of Disk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "runtime/sim/disk_content.h"

namespace coracle::sim {

struct Node;
using NodeRef = std::shared_ptr<Node>;
using Names = std::map<std::string, NodeRef, std::less<>>;

// One change of names that is durable whole or not at all.
struct NameChange {
  std::uint64_t number = 0;  // later changes of this disk have larger ones
  std::vector<std::pair<std::string, NodeRef>> names;  // null: removed
  // A directory whose change of this number must be durable first, if there is one: that into which
  // the file was moved that this change removes.
  std::weak_ptr<Node> after = {};
};

class DirectoryNames {
 public:
  [[nodiscard]] const Names& cached() const { return cached_; }
  [[nodiscard]] const Names& durable() const { return durable_; }
  // Those that are not durable, the oldest first.
  [[nodiscard]] const std::deque<NameChange>& unsynced() const { return unsynced_; }

  void change(NameChange change);
  // Makes the oldest change durable that is not.
  void sync_oldest();
  // The cache is lost.
  void lose_unsynced();

 private:
  Names cached_;
  Names durable_;
  std::deque<NameChange> unsynced_;
};

// A file or a directory, whatever its names.
struct Node {
  Node(std::uint64_t number_, bool directory_) : number(number_), directory(directory_) {}

  const std::uint64_t number;  // no other node of this disk has it
  const bool directory;
  FileContent content;   // of a file
  DirectoryNames names;  // of a directory
  bool locked = false;
};

}  // namespace coracle::sim

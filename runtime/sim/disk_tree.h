// The names of a disk, from its root. Mechanism of Disk, which says what the rules are.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/random.h"
#include "runtime/sim/disk.h"
#include "runtime/sim/disk_directory.h"

namespace coracle::sim {

// Where a path leads.
struct Place {
  int error = 0;                  // why it cannot be followed: ENOENT, ENOTDIR, ENAMETOOLONG
  std::vector<NodeRef> way = {};  // from the root to the directory that has or would have the name
  std::string name = {};          // the last part; empty for the root, "." and ".."
  bool slash = false;             // stands behind the name
  NodeRef node = nullptr;         // what it leads to; null if there is nothing of that name

  [[nodiscard]] Node& directory() const { return *way.back(); }
};

class Tree {
 public:
  // The root and /tmp.
  Tree();

  [[nodiscard]] Place find(std::string_view path, DiskView view = DiskView::cached) const;

  // Makes a file or directory where there is none.
  //   Requires   a place without an error, with a name, that has no node.
  NodeRef make(const Place& place, bool directory);
  // Takes a name away.
  void remove(Node& directory, const std::string& name);
  // Gives the node of `from` the name of `to`, in place of the one there.
  void move(const Place& from, const Place& to);

  // Makes the names in it durable.
  void sync(Node& directory);

  // The power goes: decides which names are left. Those who own what is not left let go of it.
  void lose_names(Random& random);

  // Calls `visit` once for each node that has a name, with one of its paths, a directory before
  // those in it, in the order of names.
  using Visit = std::function<void(const std::string& path, Node& node)>;
  void visit_below(const std::string& path, Node& node, const Visit& visit) const;
  void visit_all(const Visit& visit) const { visit_below("/", *root_, visit); }

 private:
  [[nodiscard]] std::vector<NodeRef> all_directories() const;
  void sync_up_to(Node& directory, std::uint64_t number);

  std::uint64_t nodes_ = 0;    // made so far
  std::uint64_t changes_ = 0;  // made so far
  NodeRef root_;
};

// Returns    the names in it.
[[nodiscard]] const Names& names_of(const Node& directory, DiskView view);

}  // namespace coracle::sim

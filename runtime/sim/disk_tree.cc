#include "runtime/sim/disk_tree.h"

#include <algorithm>
#include <cerrno>
#include <deque>
#include <limits>
#include <memory>
#include <set>
#include <utility>

#include "runtime/check.h"

namespace coracle::sim {
namespace {

// Linux counts the zero behind a path.
constexpr std::size_t kPathBytesMax = 4095;
constexpr std::size_t kNameBytesMax = 255;
constexpr std::uint64_t kAllChanges = std::numeric_limits<std::uint64_t>::max();

std::vector<std::string_view> parts_of(std::string_view path) {
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    const std::string_view part = path.substr(0, path.find('/'));
    if (!part.empty()) parts.push_back(part);
    path.remove_prefix(std::min(path.size(), part.size() + 1));
  }
  return parts;
}

NodeRef node_of(const Names& names, std::string_view name) {
  const auto found = names.find(name);
  return found == names.end() ? nullptr : found->second;
}

// Goes from the last directory of `way` to the one `part` names.
//   Returns    an errno value, 0 if it got there.
int step_into(std::vector<NodeRef>& way, std::string_view part, DiskView view) {
  if (part == ".") return 0;
  if (part == "..") {
    if (way.size() > 1) way.pop_back();
    return 0;
  }
  if (part.size() > kNameBytesMax) return ENAMETOOLONG;
  NodeRef node = node_of(names_of(*way.back(), view), part);
  if (node == nullptr) return ENOENT;
  if (!node->directory) return ENOTDIR;
  way.push_back(std::move(node));
  return 0;
}

}  // namespace

const Names& names_of(const Node& directory, DiskView view) {
  return view == DiskView::durable ? directory.names.durable() : directory.names.cached();
}

Tree::Tree() : root_(std::make_shared<Node>(++nodes_, /*directory=*/true)) {
  make(find("/tmp"), /*directory=*/true);
  sync(*root_);
}

Place Tree::find(std::string_view path, DiskView view) const {
  Place place{.way = {root_}};
  if (path.empty()) place.error = ENOENT;
  if (path.size() > kPathBytesMax) place.error = ENAMETOOLONG;
  if (place.error != 0) return place;
  const std::vector<std::string_view> parts = parts_of(path);
  const bool nameless = parts.empty() || parts.back() == "." || parts.back() == "..";
  const std::size_t steps = nameless ? parts.size() : parts.size() - 1;
  for (std::size_t i = 0; i < steps && place.error == 0; ++i) {
    place.error = step_into(place.way, parts[i], view);
  }
  if (place.error != 0) return place;
  if (nameless) {
    place.node = place.way.back();
    return place;
  }
  if (parts.back().size() > kNameBytesMax) place.error = ENAMETOOLONG;
  place.name = parts.back();
  place.slash = path.back() == '/';
  place.node = node_of(names_of(place.directory(), view), parts.back());
  return place;
}

NodeRef Tree::make(const Place& place, bool directory) {
  CORACLE_CHECK(place.error == 0 && place.node == nullptr && !place.name.empty(),
                "something is made where there is nothing");
  NodeRef node = std::make_shared<Node>(++nodes_, directory);
  place.directory().names.change({.number = ++changes_, .names = {{place.name, node}}});
  return node;
}

void Tree::remove(Node& directory, const std::string& name) {
  directory.names.change({.number = ++changes_, .names = {{name, nullptr}}});
}

void Tree::move(const Place& from, const Place& to) {
  const NodeRef node = from.node;
  ++changes_;
  if (&from.directory() == &to.directory()) {
    from.directory().names.change(
        {.number = changes_, .names = {{to.name, node}, {from.name, nullptr}}});
    return;
  }
  to.directory().names.change({.number = changes_, .names = {{to.name, node}}});
  from.directory().names.change(
      {.number = changes_, .names = {{from.name, nullptr}}, .after = to.way.back()});
  if (!node->directory) return;
  for (const NodeRef& directory : all_directories()) sync(*directory);
}

void Tree::sync(Node& directory) { sync_up_to(directory, kAllChanges); }

// Numbers fall with each step down, so this ends.
void Tree::sync_up_to(Node& directory, std::uint64_t number) {
  const std::deque<NameChange>& unsynced = directory.names.unsynced();
  while (!unsynced.empty() && unsynced.front().number <= number) {
    const NodeRef first = unsynced.front().after.lock();
    if (first != nullptr) sync_up_to(*first, unsynced.front().number);
    directory.names.sync_oldest();
  }
}

// Those too that only a change has that is not durable: it may survive, and a later one not.
std::vector<NodeRef> Tree::all_directories() const {
  std::vector<NodeRef> found;
  std::deque<NodeRef> ahead = {root_};
  std::set<std::uint64_t> numbers = {root_->number};
  const auto look_at = [&](const NodeRef& node) {
    if (node == nullptr || !node->directory) return;
    if (numbers.insert(node->number).second) ahead.push_back(node);
  };
  while (!ahead.empty()) {
    found.push_back(std::move(ahead.front()));
    ahead.pop_front();
    const DirectoryNames& in_it = found.back()->names;
    for (const auto& [name, node] : in_it.durable()) look_at(node);
    for (const NameChange& change : in_it.unsynced()) {
      for (const auto& [name, node] : change.names) look_at(node);
    }
  }
  return found;
}

void Tree::lose_names(Random& random) {
  const std::vector<NodeRef> directories = all_directories();
  for (const NodeRef& directory : directories) {
    const std::deque<NameChange>& unsynced = directory->names.unsynced();
    const std::uint64_t kept = random.below(unsynced.size() + 1);
    if (kept > 0) sync_up_to(*directory, unsynced[kept - 1].number);
  }
  for (const NodeRef& directory : directories) directory->names.lose_unsynced();
}

void Tree::visit_below(const std::string& path, Node& node, const Visit& visit) const {
  std::set<std::uint64_t> numbers;  // of files that have several names
  const std::function<void(const std::string&, Node&)> walk = [&](const std::string& at,
                                                                  Node& here) {
    if (!numbers.insert(here.number).second) return;
    visit(at, here);
    for (const auto& [name, below] : here.names.cached()) {
      walk(at.ends_with('/') ? at + name : at + "/" + name, *below);
    }
  };
  walk(path, node);
}

}  // namespace coracle::sim

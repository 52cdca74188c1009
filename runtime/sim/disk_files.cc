#include "runtime/sim/disk_files.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <limits>
#include <span>
#include <vector>

#include "runtime/check.h"

namespace coracle::sim {
namespace {

constexpr std::string_view kTemporaryNameCharacters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
constexpr int kTemporaryNameLength = 6;

FileResult failed(int error) { return {.error = error, .value = 0}; }
FileResult succeeded(std::int64_t value = 0) { return {.error = 0, .value = value}; }

// The process whose id a lock file holds; 0 if it holds none.
std::int64_t holder(const Node& node) {
  std::array<char, 24> text{};
  const std::size_t count = node.content.cached().read(std::as_writable_bytes(std::span(text)), 0);
  std::int64_t process = 0;
  std::from_chars(text.data(), text.data() + count, process);
  return process;
}

// Is `node` a directory through which `place` is reached?
bool passes_through(const Place& place, const NodeRef& node) {
  for (const NodeRef& directory : place.way) {
    if (directory == node) return true;
  }
  return false;
}

// Removes what is below a directory, at most `left` files and directories.
//   Returns    how many.
std::uint64_t remove_below(Tree& tree, Node& directory, std::uint64_t& left) {
  std::uint64_t removed = 0;
  const Names names = directory.names.cached();
  for (const auto& [name, node] : names) {
    if (node->directory) removed += remove_below(tree, *node, left);
    if (left == 0) break;
    tree.remove(directory, name);
    ++removed;
    --left;
  }
  return removed;
}

}  // namespace

FileResult DiskFiles::perform(const FileCall& call, int pid) {
  switch (call.action) {
    case FileAction::open: return open(*call.path, call.mode, pid);
    case FileAction::read: return read(call, pid);
    case FileAction::write: return write(call, pid);
    case FileAction::size: return size(call.descriptor, pid);
    case FileAction::truncate: return truncate(call.descriptor, call.offset, pid);
    case FileAction::allocate: return allocate(call, pid);
    case FileAction::datasync: return datasync(call.descriptor, pid);
    case FileAction::rename: return rename(*call.path, *call.to);
    case FileAction::remove: return remove(*call.path);
    case FileAction::remove_tree:
      return remove_tree(*call.path, std::numeric_limits<std::uint64_t>::max());
    case FileAction::make_directory: return make_directory(*call.path);
    case FileAction::make_temporary_directory:
      return make_temporary_directory(*call.path, *call.text);
    case FileAction::list_directory: return list_directory(*call.path, *call.names);
    case FileAction::sync_directory: return sync_directory(*call.path);
    case FileAction::exists: return exists(*call.path);
    case FileAction::lock: return lock(*call.path, pid);
  }
  return failed(ENOSYS);
}

void DiskFiles::fail(const FileCall& call, int pid) {
  if (call.action == FileAction::write) write_part(call, pid);
  if (call.action == FileAction::datasync) {
    Descriptor* open = find(call.descriptor, pid);
    if (open != nullptr) open->node->content.fail_sync(random_);
  }
}

std::string_view DiskFiles::interrupt(const FileCall& call, int pid) {
  const std::uint64_t fate = random_.below(3);
  if (fate == 0) return "nothing";
  if (fate == 1) {
    if (call.action == FileAction::write) {
      write_part(call, pid);
    } else if (call.action == FileAction::remove_tree) {
      const std::uint64_t removed = random_.below(4);
      static_cast<void>(remove_tree(*call.path, removed));
    } else {
      return "nothing";
    }
    return "part";
  }
  FileCall alone = call;  // that fills nothing of a process which is going
  std::vector<std::string> names;
  std::string text;
  alone.names = &names;
  alone.text = &text;
  if (call.action == FileAction::read) return "all";
  const FileResult result = perform(alone, pid);
  const bool opens = call.action == FileAction::open || call.action == FileAction::lock;
  if (opens && result.error == 0) close(static_cast<int>(result.value));
  return "all";
}

FileResult DiskFiles::open(const std::string& path, OpenMode mode, int pid) {
  const bool makes = mode != OpenMode::read && mode != OpenMode::update;
  const Place place = tree_.find(path);
  if (place.error != 0) return failed(place.error);
  if (makes && place.slash) return failed(EISDIR);
  NodeRef node = place.node;
  if (node != nullptr) {
    if (mode == OpenMode::create_new) return failed(EEXIST);
    if (node->directory && mode != OpenMode::read) return failed(EISDIR);
    if (!node->directory && place.slash) return failed(ENOTDIR);
    if (mode == OpenMode::replace) node->content.resize(0);
  } else {
    if (!makes) return failed(ENOENT);
    node = tree_.make(place, /*directory=*/false);
  }
  descriptors_.emplace(++last_descriptor_,
                       Descriptor{.node = node, .pid = pid, .writable = mode != OpenMode::read});
  return succeeded(last_descriptor_);
}

FileResult DiskFiles::lock(const std::string& path, int pid) {
  const FileResult opened = open(path, OpenMode::create, pid);
  if (opened.error != 0) return opened;
  Descriptor& descriptor = descriptors_.at(static_cast<int>(opened.value));
  Node& node = *descriptor.node;
  if (node.locked) {
    const FileResult refused{.error = EBUSY, .value = holder(node)};
    close(static_cast<int>(opened.value));
    return refused;
  }
  node.locked = true;
  descriptor.locks = true;
  // That the id is written is a courtesy: a full disk does not keep anyone from locking.
  node.content.resize(0);
  const std::string text = std::to_string(pid) + "\n";
  if (free_sectors() > 0) node.content.write(std::as_bytes(std::span(text)), 0);
  return opened;
}

// The checks are in the kernel's order.
FileResult DiskFiles::rename(const std::string& from, const std::string& to) {
  const Place source = tree_.find(from);
  if (source.error != 0) return failed(source.error);
  const Place target = tree_.find(to);
  if (target.error != 0) return failed(target.error);
  if (source.name.empty() || target.name.empty()) return failed(EBUSY);
  if (source.node == nullptr) return failed(ENOENT);
  const bool directory = source.node->directory;
  if (!directory && (source.slash || target.slash)) return failed(ENOTDIR);
  if (passes_through(target, source.node)) return failed(EINVAL);
  if (target.node != nullptr) {
    if (passes_through(source, target.node)) return failed(ENOTEMPTY);
    if (source.node == target.node) return succeeded();
    if (directory && !target.node->directory) return failed(ENOTDIR);
    if (!directory && target.node->directory) return failed(EISDIR);
    if (!target.node->names.cached().empty()) return failed(ENOTEMPTY);
  }
  tree_.move(source, target);
  return succeeded();
}

FileResult DiskFiles::remove(const std::string& path) {
  const Place place = tree_.find(path);
  if (place.error == ENOENT) return succeeded(0);
  if (place.error != 0) return failed(place.error);
  if (place.name.empty()) return failed(EISDIR);
  if (place.node == nullptr) return succeeded(0);
  if (place.node->directory) return failed(EISDIR);
  if (place.slash) return failed(ENOTDIR);
  tree_.remove(place.directory(), place.name);
  return succeeded(1);
}

FileResult DiskFiles::remove_tree(const std::string& path, std::uint64_t left) {
  const Place place = tree_.find(path);
  if (place.error == ENOENT) return succeeded(0);
  if (place.error != 0) return failed(place.error);
  if (place.name.empty()) return failed(place.way.size() == 1 ? EBUSY : EINVAL);  // the root, a dot
  if (place.node == nullptr) return succeeded(0);
  if (!place.node->directory && place.slash) return failed(ENOTDIR);
  std::uint64_t removed = 0;
  if (place.node->directory) removed = remove_below(tree_, *place.node, left);
  if (left == 0) return succeeded(static_cast<std::int64_t>(removed));
  tree_.remove(place.directory(), place.name);
  return succeeded(static_cast<std::int64_t>(removed + 1));
}

FileResult DiskFiles::make_directory(const std::string& path) {
  if (path.empty()) return failed(EINVAL);
  bool made = false;
  for (std::size_t end = 0; end != path.size();) {
    end = std::min(path.find('/', end + 1), path.size());
    const Place place = tree_.find(std::string_view(path).substr(0, end));
    if (place.error != 0) return failed(place.error);
    if (place.node != nullptr && !place.node->directory) return failed(ENOTDIR);
    if (place.node != nullptr) continue;
    tree_.make(place, /*directory=*/true);
    made = true;
  }
  return succeeded(made ? 1 : 0);
}

FileResult DiskFiles::make_temporary_directory(const std::string& prefix, std::string& path) {
  for (;;) {
    path = "/tmp/" + prefix;
    for (int i = 0; i < kTemporaryNameLength; ++i) {
      path += kTemporaryNameCharacters[random_.below(kTemporaryNameCharacters.size())];
    }
    const Place place = tree_.find(path);
    if (place.error != 0) return failed(place.error);
    if (place.node != nullptr) continue;
    tree_.make(place, /*directory=*/true);
    return succeeded();
  }
}

FileResult DiskFiles::list_directory(const std::string& path,
                                     std::vector<std::string>& names) const {
  const Place place = tree_.find(path);
  if (place.error != 0) return failed(place.error);
  if (place.node == nullptr) return failed(ENOENT);
  if (!place.node->directory) return failed(ENOTDIR);
  for (const auto& [name, node] : place.node->names.cached()) names.push_back(name);
  return succeeded();
}

FileResult DiskFiles::sync_directory(const std::string& path) {
  const Place place = tree_.find(path);
  if (place.error != 0) return failed(place.error);
  if (place.node == nullptr) return failed(ENOENT);
  if (!place.node->directory) return failed(ENOTDIR);
  tree_.sync(*place.node);
  return succeeded();
}

FileResult DiskFiles::exists(const std::string& path) const {
  const Place place = tree_.find(path);
  if (place.error != 0 && place.error != ENOENT && place.error != ENOTDIR) {
    return failed(place.error);
  }
  const bool found = place.error == 0 && place.node != nullptr;
  return succeeded(found && (place.node->directory || !place.slash) ? 1 : 0);
}

void DiskFiles::lose_power(
    const std::function<void(const std::string& path, std::string_view kept)>& kept) {
  descriptors_.clear();
  tree_.lose_names(random_);
  tree_.visit_all([&](const std::string& path, Node& node) {
    node.locked = false;
    const std::string_view what = node.content.lose_power(random_);
    if (!what.empty()) kept(path, what);
  });
}

}  // namespace coracle::sim

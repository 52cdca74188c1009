// The part of DiskFiles that works on open descriptors.
#include <algorithm>
#include <cerrno>
#include <iterator>
#include <limits>
#include <set>

#include "runtime/check.h"
#include "runtime/sim/disk_files.h"

namespace coracle::sim {
namespace {

constexpr std::uint64_t kOffsetMax = std::numeric_limits<std::int64_t>::max();
constexpr std::uint64_t kFileBytesMax = 0xFFF'FFFF'F000;  // ext4 with blocks of 4 KiB
constexpr std::int64_t kDirectoryBytes = 4096;

FileResult failed(int error) { return {.error = error, .value = 0}; }
FileResult succeeded(std::int64_t value = 0) { return {.error = 0, .value = value}; }

bool fits_in_a_file(std::uint64_t offset, std::uint64_t bytes) {
  return offset <= kFileBytesMax && bytes <= kFileBytesMax - offset;
}

}  // namespace

DiskFiles::Descriptor* DiskFiles::find(int descriptor, int pid) {
  const auto found = descriptors_.find(descriptor);
  if (found == descriptors_.end() || found->second.pid != pid) return nullptr;
  return &found->second;
}

FileResult DiskFiles::read(const FileCall& call, int pid) {
  if (call.into.empty()) return succeeded(0);  // nothing is asked of the kernel
  if (call.offset > kOffsetMax) return failed(EINVAL);
  const Descriptor* open = find(call.descriptor, pid);
  if (open == nullptr) return failed(EBADF);
  if (open->node->directory) return failed(EISDIR);
  const std::size_t count = open->node->content.cached().read(call.into, call.offset);
  return succeeded(static_cast<std::int64_t>(count));
}

FileResult DiskFiles::write(const FileCall& call, int pid) {
  if (call.from.empty()) return succeeded(0);
  if (call.offset > kOffsetMax) return failed(EINVAL);
  const Descriptor* open = find(call.descriptor, pid);
  if (open == nullptr || !open->writable) return failed(EBADF);
  if (!fits_in_a_file(call.offset, call.from.size())) return failed(EFBIG);
  FileContent& content = open->node->content;
  const std::uint64_t first = call.offset / kSectorBytes;
  const std::uint64_t end = first + sectors_touched(call.offset, call.from.size());
  if (content.room().missing(first, end) > free_sectors()) {
    write_part(call, pid);
    return failed(ENOSPC);
  }
  content.write(call.from, call.offset);
  return succeeded(static_cast<std::int64_t>(call.from.size()));
}

void DiskFiles::write_part(const FileCall& call, int pid) {
  const Descriptor* open = find(call.descriptor, pid);
  if (open == nullptr || !open->writable || call.from.empty()) return;
  if (!fits_in_a_file(call.offset, call.from.size())) return;
  FileContent& content = open->node->content;
  const std::uint64_t first = call.offset / kSectorBytes;
  const std::uint64_t end = first + sectors_touched(call.offset, call.from.size());
  const std::uint64_t fitting = content.room().fitting(first, end, free_sectors());
  const std::uint64_t sectors = random_.below(fitting + 1);
  if (sectors == 0) return;
  const std::uint64_t bytes = (first + sectors) * kSectorBytes - call.offset;
  content.write(
      call.from.first(static_cast<std::size_t>(std::min<std::uint64_t>(bytes, call.from.size()))),
      call.offset);
}

FileResult DiskFiles::size(int descriptor, int pid) {
  const Descriptor* open = find(descriptor, pid);
  if (open == nullptr) return failed(EBADF);
  if (open->node->directory) return succeeded(kDirectoryBytes);
  return succeeded(static_cast<std::int64_t>(open->node->content.cached().size()));
}

FileResult DiskFiles::truncate(int descriptor, std::uint64_t bytes, int pid) {
  if (bytes > kOffsetMax) return failed(EINVAL);
  const Descriptor* open = find(descriptor, pid);
  if (open == nullptr) return failed(EBADF);
  if (!open->writable) return failed(EINVAL);
  if (bytes > kFileBytesMax) return failed(EFBIG);
  open->node->content.resize(bytes);
  return succeeded();
}

FileResult DiskFiles::allocate(const FileCall& call, int pid) {
  const Descriptor* open = find(call.descriptor, pid);
  if (open == nullptr) return failed(EBADF);
  if (call.offset > kOffsetMax || call.length == 0 || call.length > kOffsetMax) {
    return failed(EINVAL);
  }
  if (!open->writable) return failed(EBADF);
  if (!fits_in_a_file(call.offset, call.length)) return failed(EFBIG);
  FileContent& content = open->node->content;
  const std::uint64_t first = call.offset / kSectorBytes;
  const std::uint64_t missing =
      content.room().missing(first, sectors_of(call.offset + call.length));
  if (missing > free_sectors()) return failed(ENOSPC);
  content.allocate(call.offset, call.length);
  return succeeded();
}

FileResult DiskFiles::datasync(int descriptor, int pid) {
  const Descriptor* open = find(descriptor, pid);
  if (open == nullptr) return failed(EBADF);
  if (open->node->directory) {
    tree_.sync(*open->node);
  } else {
    open->node->content.sync();
  }
  return succeeded();
}

void DiskFiles::close(int descriptor) {
  const auto found = descriptors_.find(descriptor);
  CORACLE_CHECK(found != descriptors_.end(), "what is closed is open");
  if (found->second.locks) found->second.node->locked = false;
  descriptors_.erase(found);
}

void DiskFiles::end_process(int pid) {
  for (auto at = descriptors_.begin(); at != descriptors_.end();) {
    const auto next = std::next(at);
    if (at->second.pid == pid) close(at->first);
    at = next;
  }
}

// Counted only where somebody asks for less than there is: what has a name, and what is open.
std::uint64_t DiskFiles::free_sectors() const {
  if (!capacity_) return std::numeric_limits<std::uint64_t>::max();
  std::uint64_t used = 0;
  std::set<std::uint64_t> counted;
  const auto count = [&](const Node& node) {
    if (counted.insert(node.number).second) used += node.content.room().count();
  };
  tree_.visit_all([&](const std::string&, Node& node) { count(node); });
  for (const auto& [number, descriptor] : descriptors_) count(*descriptor.node);
  const std::uint64_t all = *capacity_ / kSectorBytes;
  return used < all ? all - used : 0;
}

}  // namespace coracle::sim

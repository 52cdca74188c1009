#include "raft/segment_files.h"

#include <algorithm>
#include <string_view>

namespace coracle::raft {
namespace {

constexpr std::string_view kUnfinished = ".new";

bool is_unfinished(std::string_view name) {
  if (!name.ends_with(kUnfinished)) return false;
  name.remove_suffix(kUnfinished.size());
  return segment_number(name).has_value();
}

}  // namespace

std::string SegmentFiles::path_of(std::uint64_t number) const {
  return directory_ + "/" + segment_name(number);
}

Task<SegmentNames> SegmentFiles::list() const {
  SegmentNames found;
  const std::vector<std::string> names = co_await list_directory(directory_);
  for (const std::string& name : names) {
    if (segment_number(name)) found.segments.push_back(name);
    if (is_unfinished(name)) found.unfinished.push_back(name);
  }
  std::ranges::sort(found.segments, {},
                    [](const std::string& name) { return segment_number(name); });
  co_return found;
}

// Under another name until it is whole and synced: at each moment there is no file or a whole one.
Task<std::shared_ptr<File>> SegmentFiles::make(SegmentHeader header) const {
  const std::string path = path_of(header.number);
  const std::string unfinished = path + std::string(kUnfinished);
  {
    File file = co_await File::open(unfinished, OpenMode::replace);
    co_await file.allocate(0, header.size);
    const std::vector<std::byte> block = segment_header_block(header);
    co_await file.write_durably_at(block, 0);
  }
  co_await rename_file(unfinished, path);
  co_await sync_directory(directory_);
  co_return co_await update(header.number);
}

Task<std::shared_ptr<File>> SegmentFiles::update(std::uint64_t number) const {
  File file = co_await File::open(path_of(number), OpenMode::update);
  co_return std::make_shared<File>(std::move(file));
}

Task<std::shared_ptr<File>> SegmentFiles::read(std::uint64_t number) {
  const auto open = std::ranges::find(open_, number, &Open::number);
  if (open != open_.end()) {
    std::rotate(open, std::next(open), open_.end());
    co_return open_.back().file;
  }
  File file = co_await File::open(path_of(number), OpenMode::read);
  auto shared = std::make_shared<File>(std::move(file));
  keep(number, shared);
  co_return shared;
}

// Those who read from one that is dropped hold it until they have ended.
void SegmentFiles::keep(std::uint64_t number, std::shared_ptr<File> file) {
  std::erase_if(open_, [=](const Open& open) { return open.number == number; });
  if (open_.size() == kOpenMax) open_.erase(open_.begin());
  open_.push_back({.number = number, .file = std::move(file)});
}

}  // namespace coracle::raft

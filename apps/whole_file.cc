#include "apps/whole_file.h"

#include <span>

#include "runtime/file.h"

namespace coracle {
namespace {

Task<std::string> read_all(std::string path) {
  File file = co_await File::open(path, OpenMode::read);
  const std::uint64_t size = co_await file.size();
  std::string content(size, '\0');
  const std::size_t read = co_await file.read_at(std::as_writable_bytes(std::span(content)), 0);
  content.resize(read);
  co_return content;
}

Task<> write_all(std::string path, std::string_view content) {
  File file = co_await File::open(path, OpenMode::replace);
  if (content.empty()) co_return;
  co_await file.write_at(std::as_bytes(std::span(content)), 0);
}

}  // namespace

Task<std::string> read_whole_file(std::string_view path) { return read_all(std::string(path)); }

Task<> write_whole_file(std::string_view path, std::string_view content) {
  return write_all(std::string(path), content);
}

}  // namespace coracle

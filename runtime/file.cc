#include "runtime/file.h"

#include <utility>

#include "runtime/check.h"
#include "runtime/error.h"
#include "runtime/file_operation.h"

namespace coracle {
namespace {

std::string subject_of(const FileCall& call) {
  return call.to == nullptr ? *call.path : *call.path + " to " + *call.to;
}

// Does what `call` asks.
//   Returns    its value.
//   Throws     Error with the action and the path.
Task<std::int64_t> perform(FileCall call) {
  const FileOutcome outcome = co_await FileOperation(call);
  const FileResult& result = outcome.result;
  if (result.error != 0) throw Error(result.error, to_string(outcome.action), subject_of(call));
  co_return result.value;
}

Task<> rename_path(std::string from, std::string to) {
  co_await perform({.action = FileAction::rename, .path = &from, .to = &to});
}

// For the actions that a path is enough for.
Task<std::uint64_t> perform_on_path(FileAction action, std::string path) {
  co_return static_cast<std::uint64_t>(co_await perform({.action = action, .path = &path}));
}

Task<bool> ask_about_path(FileAction action, std::string path) {
  co_return co_await perform({.action = action, .path = &path}) != 0;
}

Task<> sync_path(std::string path) {
  co_await perform({.action = FileAction::sync_directory, .path = &path});
}

Task<std::string> make_temporary(std::string prefix) {
  std::string made;
  co_await perform(
      {.action = FileAction::make_temporary_directory, .path = &prefix, .text = &made});
  co_return made;
}

Task<std::vector<std::string>> list_path(std::string path) {
  std::vector<std::string> names;
  co_await perform({.action = FileAction::list_directory, .path = &path, .names = &names});
  co_return names;
}

}  // namespace

// Counts an operation, so that a file is not closed under it.
class File::Use {
 public:
  explicit Use(File& file) : file_(file) { ++file_.operations_; }
  Use(const Use&) = delete;
  Use& operator=(const Use&) = delete;
  ~Use() { --file_.operations_; }

 private:
  File& file_;
};

Task<File> File::open_path(std::string path, OpenMode mode) {
  const std::int64_t descriptor =
      co_await perform({.action = FileAction::open, .path = &path, .mode = mode});
  co_return File(static_cast<int>(descriptor), path);
}

Task<File> File::open(std::string_view path, OpenMode mode) {
  return open_path(std::string(path), mode);
}

File::File(File&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), path_(std::move(other.path_)) {
  CORACLE_CHECK(other.operations_ == 0, "a file is not moved while an operation is under way");
}

File& File::operator=(File&& other) noexcept {
  if (this == &other) return *this;
  CORACLE_CHECK(other.operations_ == 0, "a file is not moved while an operation is under way");
  close();
  descriptor_ = std::exchange(other.descriptor_, -1);
  path_ = std::move(other.path_);
  return *this;
}

File::~File() { close(); }

void File::close() noexcept {
  CORACLE_CHECK(operations_ == 0, "a file is not closed while an operation is under way");
  if (descriptor_ >= 0) close_file(descriptor_);
}

Task<std::size_t> File::read_at(std::span<std::byte> buffer, std::uint64_t offset) {
  const Use use(*this);
  co_return static_cast<std::size_t>(co_await perform({.action = FileAction::read,
                                                       .path = &path_,
                                                       .descriptor = descriptor_,
                                                       .into = buffer,
                                                       .offset = offset}));
}

Task<> File::write_at(std::span<const std::byte> bytes, std::uint64_t offset) {
  const Use use(*this);
  co_await perform({.action = FileAction::write,
                    .path = &path_,
                    .descriptor = descriptor_,
                    .from = bytes,
                    .offset = offset});
}

Task<> File::write_durably_at(std::span<const std::byte> bytes, std::uint64_t offset) {
  const Use use(*this);
  co_await perform({.action = FileAction::write,
                    .path = &path_,
                    .descriptor = descriptor_,
                    .from = bytes,
                    .offset = offset,
                    .then_datasync = true});
}

Task<std::uint64_t> File::size() {
  const Use use(*this);
  co_return static_cast<std::uint64_t>(
      co_await perform({.action = FileAction::size, .path = &path_, .descriptor = descriptor_}));
}

Task<> File::truncate(std::uint64_t bytes) {
  const Use use(*this);
  co_await perform(
      {.action = FileAction::truncate, .path = &path_, .descriptor = descriptor_, .offset = bytes});
}

Task<> File::allocate(std::uint64_t offset, std::uint64_t length) {
  const Use use(*this);
  co_await perform({.action = FileAction::allocate,
                    .path = &path_,
                    .descriptor = descriptor_,
                    .offset = offset,
                    .length = length});
}

Task<> File::datasync() {
  const Use use(*this);
  co_await perform({.action = FileAction::datasync, .path = &path_, .descriptor = descriptor_});
}

Task<> rename_file(std::string_view from, std::string_view to) {
  return rename_path(std::string(from), std::string(to));
}

Task<bool> remove_file(std::string_view path) {
  return ask_about_path(FileAction::remove, std::string(path));
}

Task<std::uint64_t> remove_tree(std::string_view path) {
  return perform_on_path(FileAction::remove_tree, std::string(path));
}

Task<bool> make_directory(std::string_view path) {
  return ask_about_path(FileAction::make_directory, std::string(path));
}

Task<std::string> make_temporary_directory(std::string_view prefix) {
  return make_temporary(std::string(prefix));
}

Task<std::vector<std::string>> list_directory(std::string_view path) {
  return list_path(std::string(path));
}

Task<> sync_directory(std::string_view path) { return sync_path(std::string(path)); }

Task<bool> file_exists(std::string_view path) {
  return ask_about_path(FileAction::exists, std::string(path));
}

}  // namespace coracle

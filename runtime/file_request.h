// The seam between file.h and the two disks: the real one (uv/perform_file.cc) and the simulated
// one. Plain data in, plain data out. Mechanism; users have file.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/request.h"

namespace coracle {

// How File::open() opens. All but `read` give a file that can be read and written.
enum class OpenMode : std::uint8_t {
  read,        // must exist; for reading only
  update,      // must exist
  create,      // is made, empty, if there is none
  create_new,  // must not exist
  replace,     // is made, or emptied if there is one
};

// What may be asked of a disk; in brackets what FileResult::value then is.
enum class FileAction : std::uint8_t {
  open,                      // path, mode                [descriptor]
  read,                      // descriptor, into, offset  [bytes read; fewer than asked: the end]
  write,                     // descriptor, from, offset  [bytes written: all]
  size,                      // descriptor                [bytes]
  truncate,                  // descriptor, offset: the new size
  allocate,                  // descriptor, offset, length
  datasync,                  // descriptor
  rename,                    // path, to
  remove,                    // path                      [1; 0 if there was none]
  remove_tree,               // path                      [how many files and directories]
  make_directory,            // path                      [1; 0 if there was one]
  make_temporary_directory,  // path: how its name begins; fills `text`
  list_directory,            // path; fills `names`
  sync_directory,            // path
  exists,                    // path                      [1; 0 if there is none]
  lock,                      // path                      [descriptor; with an error: who holds it]
};

// Returns    the action as errors name it: "write".
[[nodiscard]] std::string_view to_string(FileAction action);

// One operation: what is asked. It refers to memory of whoever asks.
struct FileCall {
  FileAction action;
  const std::string* path = nullptr;  // of an operation on a descriptor too: for errors
  const std::string* to = nullptr;
  int descriptor = -1;
  OpenMode mode = OpenMode::read;
  std::span<std::byte> into = {};
  std::span<const std::byte> from = {};
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  std::vector<std::string>* names = nullptr;
  std::string* text = nullptr;
  bool then_datasync = false;  // of a write: once it succeeded, the file is synced, as it would be
                               // by a datasync that was asked for then
};

// How it went.
struct FileResult {
  int error = 0;  // an errno value, 0 if it succeeded
  std::int64_t value = 0;
};

// An operation under way. The back end performs `call` and leaves `result`.
class FileRequest : public Request {
 public:
  FileCall call;
  FileResult result;

  // After a call that was performed: turns it into the one that is to follow at once.
  //   Returns    false if it was the last one.
  [[nodiscard]] bool goes_on() {
    if (!call.then_datasync || result.error != 0) return false;
    call.action = FileAction::datasync;
    call.then_datasync = false;
    return true;
  }

 protected:
  explicit FileRequest(const FileCall& asked) : call(asked) {}
  FileRequest(const FileRequest&) = default;
  FileRequest& operator=(const FileRequest&) = default;
  ~FileRequest() = default;
};

}  // namespace coracle

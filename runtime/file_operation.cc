#include "runtime/file_operation.h"

#include "runtime/back_end.h"
#include "runtime/loop.h"

namespace coracle {

std::string_view to_string(FileAction action) {
  switch (action) {
    case FileAction::open: return "open";
    case FileAction::read: return "read";
    case FileAction::write: return "write";
    case FileAction::size: return "get size of";
    case FileAction::truncate: return "truncate";
    case FileAction::allocate: return "allocate";
    case FileAction::datasync: return "datasync";
    case FileAction::rename: return "rename";
    case FileAction::remove: return "remove";
    case FileAction::remove_tree: return "remove tree";
    case FileAction::make_directory: return "make directory";
    case FileAction::make_temporary_directory: return "make temporary directory";
    case FileAction::list_directory: return "list directory";
    case FileAction::sync_directory: return "sync directory";
    case FileAction::exists: return "look for";
    case FileAction::lock: return "lock";
  }
  return "unknown";
}

void FileOperation::start() {
  BackEnd& back_end = fiber()->loop().back_end();
  if (back_end.file_observer()) back_end.file_observer()(call);
  back_end.perform_file(*this);
}

void FileOperation::on_cancel() { fiber()->loop().back_end().cancel(*this); }

void FileOperation::on_tear_down() {
  const bool performed = waiting() ? fiber()->loop().back_end().abandon(*this) : completed();
  const bool gives = call.action == FileAction::open || call.action == FileAction::lock;
  if (performed && gives && result.error == 0) close_file(static_cast<int>(result.value));
}

void close_file(int descriptor) noexcept { Loop::current().back_end().close_file(descriptor); }

}  // namespace coracle

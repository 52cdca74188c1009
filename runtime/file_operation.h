// The leaf in which every file operation waits. Mechanism behind file.h and directory_lock.h.
#pragma once

#include "runtime/file_request.h"
#include "runtime/leaf.h"

namespace coracle {

// How it went, and of which action that is told: a write may have gone on to a datasync.
struct FileOutcome {
  FileResult result;
  FileAction action;
};

// Asks the back end for one file operation. Its result is not judged here: an error is a value.
class [[nodiscard]] FileOperation final : public Leaf, private FileRequest {
 public:
  explicit FileOperation(const FileCall& asked) : FileRequest(asked) {}

  static bool try_complete() { return false; }
  void start();
  [[nodiscard]] FileOutcome take() const { return {.result = result, .action = call.action}; }
  void on_cancel() override;
  void on_tear_down() override;
  [[nodiscard]] const char* waits_for() const override { return "a file operation"; }

 private:
  void ended(bool ran) override { ran ? complete() : finish_canceled(); }
};

// The back end of the current loop closes a descriptor that it gave.
void close_file(int descriptor) noexcept;

}  // namespace coracle

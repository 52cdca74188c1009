#include "runtime/pipe_writer.h"

#include "runtime/check.h"
#include "runtime/error.h"

namespace coracle {

bool PipeWriteOperation::try_complete() {
  while (!bytes_.empty() && error_ == 0) {
    const PipeResult result = end_.write(bytes_);
    if (result.blocked) return false;
    bytes_ = bytes_.subspan(result.bytes);
    error_ = result.error;
  }
  return true;
}

void PipeWriteOperation::ready() {
  if (try_complete()) {
    complete();
  } else {
    end_.wait(*this);
  }
}

void PipeWriteOperation::take() const {
  if (error_ != 0) throw Error(error_, "write", end_.name());
}

void PipeWriteOperation::on_cancel() {
  end_.stop_waiting();
  finish_canceled();
}

void PipeWriteOperation::on_tear_down() {
  if (waiting()) end_.stop_waiting();
}

PipeWriteOperation PipeWriter::write(std::span<const std::byte> bytes) {
  CORACLE_CHECK(end_ != nullptr, "a writer that was closed cannot write");
  return PipeWriteOperation(*end_, bytes);
}

}  // namespace coracle

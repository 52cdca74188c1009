#include "runtime/pipe_reader.h"

#include "runtime/back_end.h"
#include "runtime/check.h"
#include "runtime/error.h"

namespace coracle {

bool PipeReadOperation::try_complete() {
  result_ = end_.read(buffer_);
  return !result_.blocked;
}

void PipeReadOperation::ready() {
  if (try_complete()) {
    complete();
  } else {
    end_.wait(*this);
  }
}

std::size_t PipeReadOperation::take() const {
  if (result_.error != 0) throw Error(result_.error, "read", end_.name());
  return result_.bytes;
}

void PipeReadOperation::on_cancel() {
  end_.stop_waiting();
  finish_canceled();
}

void PipeReadOperation::on_tear_down() {
  if (waiting()) end_.stop_waiting();
}

PipeReader PipeReader::standard_input() {
  return PipeReader(Loop::current().back_end().standard_input());
}

PipeReadOperation PipeReader::read(std::span<std::byte> buffer) {
  CORACLE_CHECK(end_ != nullptr, "a reader that was moved from cannot read");
  CORACLE_CHECK(!buffer.empty(), "a read needs room for a byte");
  return PipeReadOperation(*end_, buffer);
}

}  // namespace coracle

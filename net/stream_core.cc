#include "net/stream_core.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "net/stream.h"
#include "runtime/back_end.h"
#include "runtime/check.h"
#include "runtime/error.h"

namespace coracle::net {

StreamCore::StreamCore(std::string name)
    : name_(std::move(name)), loop_(Loop::current()), linger_(kLinger) {}

void StreamCore::throw_broken(int error, const char* operation) const {
  throw Error(error, operation, name_);
}

// --- reading -----------------------------------------------------------------------------------

// What had arrived comes first, then the end or the error, for ever.
bool StreamCore::read_at_once(ReadOperation& reader) {
  CORACLE_CHECK(reader_ == nullptr, "one read at a time");
  CORACLE_CHECK(!reader.buffer_.empty(), "a read needs a buffer");
  if (read_begin_ == read_end_) {
    if (read_error_ != 0) throw_broken(read_error_, "read");
    return read_ended_;
  }
  reader.bytes_ = std::min(reader.buffer_.size(), read_end_ - read_begin_);
  std::memcpy(reader.buffer_.data(), read_buffer_.get() + read_begin_, reader.bytes_);
  read_begin_ += reader.bytes_;
  if (read_begin_ == read_end_) {
    read_begin_ = read_end_ = 0;
    read_buffer_.reset();
  }
  return true;
}

std::span<std::byte> StreamCore::provide_buffer() {
  if (reader_ != nullptr) return reader_->buffer_;
  if (served_in_pass_ == loop_.pass()) return {};
  if (read_buffer_ == nullptr) {
    read_buffer_ = std::make_unique_for_overwrite<std::byte[]>(kReadBufferBytes);
  }
  return {read_buffer_.get() + read_end_, kReadBufferBytes - read_end_};
}

void StreamCore::received(std::size_t bytes) {
  if (reader_ != nullptr) {
    ReadOperation& reader = *std::exchange(reader_, nullptr);
    reader.bytes_ = bytes;
    served_in_pass_ = loop_.pass();
    reader.complete();
    return;
  }
  if (released_) return;  // nobody will read it
  read_end_ += bytes;
  if (read_end_ < kReadBufferBytes) return;
  reading_ = false;
  stop_reading();
}

void StreamCore::ended(int error) {
  // A kernel tells of a reset once. When a write has met it, reading sees an end that is none.
  // (EPIPE: the peer's end had come before.)
  if (error == 0 && write_error_ != EPIPE) error = write_error_;
  read_ended_ = error == 0;
  read_error_ = error;
  reading_ = false;
  stop_reading();
  if (reader_ != nullptr) std::exchange(reader_, nullptr)->complete();
  if (released_ && (error != 0 || sending_ == Sending::shut_down)) close_now(/*with_reset=*/false);
}

bool ReadOperation::try_complete() { return core_->read_at_once(*this); }

void ReadOperation::start() {
  core_->reader_ = this;
  if (core_->reading_) return;
  core_->reading_ = true;
  core_->start_reading();
}

std::size_t ReadOperation::take() const {
  if (bytes_ == 0 && core_->read_error_ != 0) core_->throw_broken(core_->read_error_, "read");
  return bytes_;
}

void ReadOperation::on_cancel() {
  core_->reader_ = nullptr;
  finish_canceled();
}

void ReadOperation::on_tear_down() {
  if (core_->reader_ == this) core_->reader_ = nullptr;
}

// --- writing -----------------------------------------------------------------------------------

std::size_t StreamCore::unsent_bytes() const {
  std::size_t bytes = flushing_ ? chunk_bytes_ : 0;
  for (const Unsent& unsent : unsent_) bytes += unsent.rest.size();
  return bytes;
}

std::size_t StreamCore::unacknowledged_bytes() {
  const std::ptrdiff_t sent = write_error_ == 0 ? unacknowledged() : 0;
  if (sent < 0) fail_sending(static_cast<int>(-sent));  // a kernel tells of it once
  return unsent_bytes() + static_cast<std::size_t>(std::max<std::ptrdiff_t>(sent, 0));
}

bool StreamCore::write_at_once(WriteOperation& writer) {
  if (write_error_ != 0) throw_broken(write_error_, "write");
  if (sending_ != Sending::open) throw_broken(EPIPE, "write");
  if (writer.bytes_.empty()) return true;
  if (!flushing_ && unsent_.empty()) {
    const std::ptrdiff_t taken = try_write(writer.bytes_);
    if (taken < 0) {
      fail_sending(static_cast<int>(-taken));
      throw_broken(write_error_, "write");
    }
    writer.bytes_ = writer.bytes_.subspan(static_cast<std::size_t>(taken));
    if (writer.bytes_.empty()) return true;
  }
  if (unsent_bytes() + writer.bytes_.size() > kHighWaterBytes) return false;
  accept(writer.bytes_);
  return true;
}

void StreamCore::accept(std::span<const std::byte> bytes) {
  if (bytes.empty() || write_error_ != 0 || sending_ != Sending::open) return;
  unsent_.push_back({bytes, nullptr, nullptr});
  accept_rest(unsent_.back());
  if (!flushing_) flush_chunk();
}

void StreamCore::enqueue(WriteOperation& writer) {
  unsent_.push_back({writer.bytes_, nullptr, &writer});
  if (!flushing_) flush_chunk();
}

// From now on the bytes are the stream's own.
void StreamCore::accept_rest(Unsent& unsent) {
  unsent.owned = std::make_unique_for_overwrite<std::byte[]>(unsent.rest.size());
  std::memcpy(unsent.owned.get(), unsent.rest.data(), unsent.rest.size());
  unsent.rest = {unsent.owned.get(), unsent.rest.size()};
  unsent.writer = nullptr;
}

void StreamCore::accept_canceled(WriteOperation& writer) {
  for (Unsent& unsent : unsent_) {
    if (unsent.writer == &writer) accept_rest(unsent);
  }
}

void StreamCore::forget(const WriteOperation& writer) {
  std::erase_if(unsent_, [&](const Unsent& unsent) { return unsent.writer == &writer; });
}

// Nothing is being flushed: offers the kernel what is left, and flushes when it is full.
void StreamCore::send_more() {
  std::size_t sent = 0;
  for (; sent < unsent_.size(); ++sent) {
    Unsent& unsent = unsent_[sent];
    const std::ptrdiff_t taken = try_write(unsent.rest);
    if (taken < 0) {
      fail_sending(static_cast<int>(-taken));
      return;
    }
    unsent.rest = unsent.rest.subspan(static_cast<std::size_t>(taken));
    if (!unsent.rest.empty()) break;
    if (unsent.writer != nullptr) unsent.writer->complete();
  }
  unsent_.erase(unsent_.begin(), unsent_.begin() + static_cast<std::ptrdiff_t>(sent));
  if (unsent_.empty()) {
    chunk_.reset();
    if (sending_ == Sending::finishing) begin_finish();
    return;
  }
  flush_chunk();
}

// The kernel is full. It gets a copy of the next bytes as soon as it has room; the back end needs
// them in place until then, whatever becomes of the writer's buffer.
void StreamCore::flush_chunk() {
  if (chunk_ == nullptr) chunk_ = std::make_unique_for_overwrite<std::byte[]>(kHighWaterBytes);
  chunk_bytes_ = 0;
  for (Unsent& unsent : unsent_) {
    const std::size_t bytes = std::min(unsent.rest.size(), kHighWaterBytes - chunk_bytes_);
    std::memcpy(chunk_.get() + chunk_bytes_, unsent.rest.data(), bytes);
    chunk_bytes_ += bytes;
    unsent.rest = unsent.rest.subspan(bytes);
    if (!unsent.rest.empty()) break;
  }
  flushing_ = true;
  flush({chunk_.get(), chunk_bytes_});
  release_writers();
}

// Writers return once no more than the high-water mark is left, theirs and all before it.
void StreamCore::release_writers() {
  std::size_t bytes = chunk_bytes_;
  for (Unsent& unsent : unsent_) {
    bytes += unsent.rest.size();
    if (bytes > kHighWaterBytes) break;
    if (unsent.writer == nullptr) continue;
    WriteOperation& writer = *unsent.writer;
    accept_rest(unsent);
    if (writer.waiting()) writer.complete();
  }
  std::erase_if(unsent_, [](const Unsent& unsent) { return unsent.rest.empty(); });
}

void StreamCore::flushed(int error) {
  flushing_ = false;
  if (closed_) return;
  if (error != 0) {
    fail_sending(error);
  } else {
    send_more();
  }
}

// A broken connection stays broken: those who wait and those who come are told.
void StreamCore::fail_sending(int error) {
  write_error_ = error;
  for (Unsent& unsent : std::exchange(unsent_, {})) {
    if (unsent.writer == nullptr) continue;
    unsent.writer->failed_ = true;
    unsent.writer->complete();
  }
  if (finisher_ != nullptr) finisher_->end();
  if (released_) close_now(/*with_reset=*/false);
}

bool WriteOperation::try_complete() { return core_->write_at_once(*this); }

void WriteOperation::start() { core_->enqueue(*this); }

void WriteOperation::take() const {
  if (failed_) core_->throw_broken(core_->write_error_, "write");
}

// Of a large message the kernel may already have the beginning.
void WriteOperation::canceled_at_once() { core_->accept(bytes_); }

void WriteOperation::on_cancel() {
  core_->accept_canceled(*this);
  finish_canceled();
}

void WriteOperation::on_tear_down() { core_->forget(*this); }

// --- the end -----------------------------------------------------------------------------------

void StreamCore::begin_finish() {
  sending_ = Sending::finishing;
  if (flushing_ || !unsent_.empty()) return;
  sending_ = Sending::shutting_down;
  shut_down();
}

void StreamCore::shut_down_done(int error) {
  if (closed_) return;
  sending_ = Sending::shut_down;
  // Of a connection that was reset, which a reader was told or will be, a kernel says only that
  // there is none (TCP), or nothing any more (Unix sockets).
  if (error == ENOTCONN) error = ECONNRESET;
  if (read_error_ != 0) error = read_error_;
  if (error != 0) {
    fail_sending(error);
    return;
  }
  if (finisher_ != nullptr) finisher_->look();
  if (released_) linger_on();
}

bool FinishOperation::try_complete() {
  CORACLE_CHECK(core_->finisher_ == nullptr, "one finish at a time");
  if (core_->write_error_ != 0) core_->throw_broken(core_->write_error_, "finish");
  if (core_->sending_ == StreamCore::Sending::open) core_->begin_finish();
  return false;
}

void FinishOperation::start() {
  core_->finisher_ = this;
  if (core_->sending_ == StreamCore::Sending::shut_down) look();
}

// No event tells when a peer has acknowledged: looks after 50 us, 100 us, ... at most 10 ms.
void FinishOperation::look() {
  constexpr Duration kFirstPause = std::chrono::microseconds(50);
  constexpr Duration kLongestPause = std::chrono::milliseconds(10);
  const std::ptrdiff_t left = core_->unacknowledged();
  if (left < 0) core_->write_error_ = static_cast<int>(-left);
  // A kernel tells of a reset once: it may have told a reader.
  if (left > 0) core_->write_error_ = core_->read_error_;
  if (left <= 0 || core_->write_error_ != 0) {
    end();
    return;
  }
  pause_ = pause_ == Duration::zero() ? kFirstPause : std::min(pause_ * 2, kLongestPause);
  core_->loop_.timers().arm(*this, deadline_after(now(), pause_));
}

void FinishOperation::take() const {
  if (core_->write_error_ != 0) core_->throw_broken(core_->write_error_, "finish");
}

void FinishOperation::end() {
  stop();
  complete();
}

void FinishOperation::stop() {
  core_->loop_.timers().disarm(*this);
  if (core_->finisher_ == this) core_->finisher_ = nullptr;
}

void FinishOperation::canceled_at_once() {
  const bool is_open = core_->sending_ == StreamCore::Sending::open;
  if (is_open && core_->write_error_ == 0) core_->begin_finish();
}

void FinishOperation::on_cancel() {
  stop();
  finish_canceled();
}

void FinishOperation::on_tear_down() { stop(); }

// When the peer may still send, closing could meet bytes that nobody has read; the kernel would
// answer them with a reset, and drop what the peer's has not acknowledged.
void StreamCore::release() {
  const bool idle = reader_ == nullptr && finisher_ == nullptr &&
                    std::ranges::none_of(unsent_, [](const Unsent& u) { return u.writer; });
  CORACLE_CHECK(idle || loop_.tearing_down(),
                "a stream is destroyed with an operation in progress");
  const bool broken = write_error_ != 0 || read_error_ != 0;
  const bool has_more = flushing_ || !unsent_.empty() || sending_ == Sending::shutting_down;
  if (loop_.tearing_down() || broken) {
    close_now(/*with_reset=*/false);
  } else if (linger_ <= Duration::zero()) {
    close_now(/*with_reset=*/has_more);
  } else if (!has_more && (read_ended_ || unacknowledged() <= 0)) {
    close_now(/*with_reset=*/false);
  } else {
    begin_linger();
  }
}

// Sends the rest and the end, and drops what arrives.
void StreamCore::begin_linger() {
  released_ = true;
  linger_begins();
  linger_end_ = deadline_after(loop_.back_end().now(), linger_);
  read_begin_ = read_end_ = 0;
  if (!read_ended_ && !std::exchange(reading_, true)) start_reading();
  if (sending_ == Sending::open) begin_finish();
  if (!closed_) linger_on();
}

// No event tells when the peer has acknowledged all: looks again and again.
void StreamCore::linger_on() {
  constexpr Duration kPause = std::chrono::milliseconds(2);
  const bool shut_down = sending_ == Sending::shut_down;
  if (shut_down && (read_ended_ || unacknowledged() <= 0)) {
    close_now(/*with_reset=*/false);
    return;
  }
  const TimePoint next = deadline_after(loop_.back_end().now(), shut_down ? kPause : linger_);
  loop_.timers().disarm(*this);
  loop_.timers().arm(*this, std::min(next, linger_end_));
}

void StreamCore::expired() {
  if (linger_end_ <= loop_.back_end().now()) {
    close_now(/*with_reset=*/true);
  } else {
    linger_on();
  }
}

void StreamCore::abort() { close_now(/*with_reset=*/true); }

void StreamCore::close_now(bool with_reset) {
  if (std::exchange(closed_, true)) return;
  loop_.timers().disarm(*this);
  close(with_reset);
}

}  // namespace coracle::net

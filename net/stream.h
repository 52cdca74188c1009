// Byte streams: what TCP connections, Unix sockets and TLS sessions have in common.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "net/stream_core.h"
#include "runtime/error.h"
#include "runtime/leaf.h"
#include "runtime/time.h"

namespace coracle::net {

template <class StreamType>
class AcceptOperation;

// How long the loop goes on writing what a destroyed stream had accepted.
inline constexpr Duration kLinger = std::chrono::seconds(5);

// One connected byte stream. Belongs to one loop and is used on its thread only. At most one read
// at a time; any number of writes; they may overlap each other. May be moved while an operation is
// pending; destroying it then fails a check.
//
// Destroying it closes the connection. Bytes that write() has accepted are still sent: the loop
// goes on with them for at most `linger`, also after the stream is gone. finish() waits for them;
// reset() drops them.
class Stream {
 public:
  // Not connected: every operation fails a check.
  Stream() = default;
  Stream(Stream&& other) noexcept : core_(std::exchange(other.core_, nullptr)) {}
  Stream& operator=(Stream&& other) noexcept {
    if (this != &other) {
      close();
      core_ = std::exchange(other.core_, nullptr);
    }
    return *this;
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream() { close(); }

  // Reads at least one byte, at most `buffer.size()`.
  //   Returns    how many bytes arrived; 0 once the peer has finished sending, and ever after.
  //   Throws     Error when the connection broke, and ever after.
  //   Canceled   loses nothing: bytes that had arrived are returned by the next read.
  //   Borrows    `buffer` until it returns.
  //   Requires   a non-empty buffer; no other read in progress.
  [[nodiscard]] ReadOperation read(std::span<std::byte> buffer) {
    return ReadOperation(core(), buffer);
  }

  // Writes all of `bytes`, in the order of the calls. Waits while more than the high-water mark
  // (64 KiB) is unsent: a peer that does not read holds up its writers, and memory stays bounded.
  //   Returns    once the kernel or the stream has accepted all of it; that the peer has it, only
  //              finish() and an answer tell.
  //   Throws     Error when the connection is known to be broken, or was finished.
  //   Canceled   the bytes are accepted whole all the same (what is left is copied), so that
  //              messages stay whole; the call throws.
  //   Borrows    `bytes` until it returns.
  [[nodiscard]] WriteOperation write(std::span<const std::byte> bytes) {
    return WriteOperation(core(), bytes);
  }
  [[nodiscard]] WriteOperation write(std::string_view text) {
    return WriteOperation(core(), std::as_bytes(std::span(text)));
  }

  // Sends what is unsent, then the end of the stream (the peer's read returns 0). Reading goes on.
  //   Returns    once the peer's machine has acknowledged all of it.
  //   Throws     Error when the connection breaks before.
  //   Canceled   the end is sent all the same, once what is unsent has gone.
  //   Requires   no other finish in progress.
  [[nodiscard]] FinishOperation finish() { return FinishOperation(core()); }

  // Closes at once and drops what is unsent; the peer sees a reset connection, also after finish().
  //   Requires   no operation in progress. Afterwards the stream is as if moved from.
  void reset();

  // How long a destroyed stream may go on sending; kLinger unless set. 0 drops what is unsent.
  void set_linger(Duration linger) { core().set_linger(linger); }

  // Returns    false for a stream that was moved from or reset.
  [[nodiscard]] bool connected() const { return core_ != nullptr; }

  // Returns    who the peer is, for logs: `10.0.0.7:7000`.
  [[nodiscard]] const std::string& peer_name() const { return core().name(); }

  // Returns    how many accepted bytes the kernel has not taken yet.
  [[nodiscard]] std::size_t unsent_bytes() const { return core().unsent_bytes(); }

  // Returns    how many accepted bytes the peer's machine has not acknowledged, the end of the
  //            stream counted as one: as long as it falls, the peer is there, however slowly it
  //            reads. 0 once the connection is broken. (Of a Unix socket: those that the kernel
  //            has not taken.)
  [[nodiscard]] std::size_t unacknowledged_bytes() { return core().unacknowledged_bytes(); }

 protected:
  // Takes over the one reference to a back end's core.
  explicit Stream(StreamCore& core) : core_(&core) {}

  [[nodiscard]] StreamCore& core() const {
    CORACLE_CHECK(core_ != nullptr, "this stream was moved from or reset");
    return *core_;
  }

 private:
  friend class AcceptOperation<Stream>;

  void close();

  StreamCore* core_ = nullptr;
};

}  // namespace coracle::net

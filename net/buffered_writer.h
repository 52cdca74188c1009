// Few large writes out of many small ones.
//
//   net::BufferedWriter writer(stream);
//   co_await writer.write("PING\r\n");
//   co_await writer.flush();
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "net/stream.h"
#include "runtime/task.h"

namespace coracle::net {

// Gathers what is written until there are `limit` bytes of it, or until flush(). Several fibers
// may write: bytes go out in the order of the calls. What was not flushed when it is destroyed is
// dropped.
class BufferedWriter {
 public:
  static constexpr std::size_t kLimit = 16 * 1024;

  //   Borrows    `stream`, which must live as long.
  explicit BufferedWriter(Stream& stream, std::size_t limit = kLimit);
  BufferedWriter(const BufferedWriter&) = delete;
  BufferedWriter& operator=(const BufferedWriter&) = delete;

  // Appends `bytes`. Waits only to flush, when the limit is reached: memory stays bounded by it and
  // by the stream's high-water mark.
  //   Throws     Error when the connection is known to be broken.
  //   Canceled   the bytes are accepted whole all the same; the call throws if it had to flush.
  //   Borrows    `bytes` until it returns.
  [[nodiscard]] Task<> write(std::span<const std::byte> bytes);
  [[nodiscard]] Task<> write(std::string_view text) {
    return write(std::as_bytes(std::span(text)));
  }

  // Hands all that was written to the stream.
  //   Throws     Error when the connection is known to be broken.
  //   Canceled   the bytes are accepted whole all the same; the call throws.
  [[nodiscard]] Task<> flush();

  // Returns    how many bytes wait to be flushed.
  [[nodiscard]] std::size_t unflushed_bytes() const { return gathered_.size(); }

 private:
  Stream& stream_;
  std::size_t limit_;
  std::vector<std::byte> gathered_;
  std::vector<std::byte> spare_;  // an emptied buffer, kept for the next round
};

}  // namespace coracle::net

// Messages out of a byte stream: so many bytes, or up to a delimiter.
//
//   net::BufferedReader reader(stream);
//   while (const auto line = co_await reader.read_line()) ...
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <system_error>

#include "net/stream.h"
#include "runtime/task.h"

namespace coracle::net {

// How a peer may break the framing; the code of an Error.
enum class FramingError : std::uint8_t {
  ended_inside = 1,  // the stream ended in the middle of a message
  too_long,          // no delimiter within the reader's limit
};

[[nodiscard]] const std::error_category& framing_category();
[[nodiscard]] std::error_code make_error_code(FramingError error);

// Reads ahead into a buffer of at most `limit` bytes, and hands out of it. One read at a time.
//
// Every read loses nothing when it is canceled or throws: what had arrived is still there for the
// next one. A stream that ends between two messages is an expected outcome (false, or nothing);
// one that ends inside a message is an Error.
class BufferedReader {
 public:
  static constexpr std::size_t kLimit = 64 * 1024;

  //   Borrows    `stream`, which must live as long and must not be read past this reader.
  //   Requires   a limit that is not 0.
  explicit BufferedReader(Stream& stream, std::size_t limit = kLimit);
  BufferedReader(const BufferedReader&) = delete;
  BufferedReader& operator=(const BufferedReader&) = delete;

  // Reads what is there, and waits only if that is nothing.
  //   Returns    how many bytes were put into `into`; 0 at the end of the stream.
  //   Throws     Error when the connection broke.
  //   Canceled   loses nothing.
  //   Borrows    `into` until it returns.
  //   Requires   a buffer that is not empty; no other read in progress.
  [[nodiscard]] Task<std::size_t> read_some(std::span<std::byte> into);

  // Fills `into`, which may be larger than the limit.
  //   Returns    true; false if the stream ended before the first byte.
  //   Throws     Error; FramingError::ended_inside when the stream ends after the first byte.
  //   Canceled   loses nothing: the bytes are kept for the next read.
  //   Borrows    `into` until it returns.
  //   Requires   no other read in progress.
  [[nodiscard]] Task<bool> read_exactly(std::span<std::byte> into);

  // Reads up to and including `delimiter`.
  //   Returns    what comes before the delimiter, valid until the next read of this reader or its
  //              end; nothing if the stream ended before the first byte.
  //   Throws     Error; FramingError::too_long when the limit is reached without a delimiter, and
  //              ended_inside when the stream ends without one. The bytes stay to be read.
  //   Canceled   loses nothing.
  //   Borrows    `delimiter` until it returns.
  //   Requires   a delimiter that is not empty; no other read in progress.
  [[nodiscard]] Task<std::optional<std::string_view>> read_until(std::string_view delimiter);

  // The same for a line: up to `\n`, without it and without a `\r` before it.
  [[nodiscard]] Task<std::optional<std::string_view>> read_line();

  // Returns    what has been read ahead; valid until the next read.
  [[nodiscard]] std::span<const std::byte> buffered() const {
    return {buffer_.get() + begin_, end_ - begin_};
  }

 private:
  [[nodiscard]] Task<bool> fill();
  void make_room();
  void move_to(std::unique_ptr<std::byte[]> buffer, std::size_t offset);
  std::size_t take_buffered(std::span<std::byte> into);
  void put_back(std::span<const std::byte> bytes);
  [[noreturn]] void throw_framing(FramingError error) const;

  Stream& stream_;
  std::size_t limit_;
  std::unique_ptr<std::byte[]> buffer_;  // made by the first read ahead
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace coracle::net

template <>
struct std::is_error_code_enum<coracle::net::FramingError> : std::true_type {};

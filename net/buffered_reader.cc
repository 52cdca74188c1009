#include "net/buffered_reader.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "runtime/check.h"
#include "runtime/error.h"

namespace coracle::net {
namespace {

constexpr std::size_t kFirstCapacity = 4 * 1024;

class FramingCategory final : public std::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "framing"; }
  [[nodiscard]] std::string message(int code) const override {
    switch (static_cast<FramingError>(code)) {
      case FramingError::ended_inside: return "The stream ended in the middle of a message";
      case FramingError::too_long: break;
    }
    return "The message is longer than the reader's limit";
  }
};

}  // namespace

const std::error_category& framing_category() {
  static const FramingCategory category;
  return category;
}

std::error_code make_error_code(FramingError error) {
  return {static_cast<int>(error), framing_category()};
}

BufferedReader::BufferedReader(Stream& stream, std::size_t limit) : stream_(stream), limit_(limit) {
  CORACLE_CHECK(limit > 0, "a reader without a buffer reads nothing");
}

Task<std::size_t> BufferedReader::read_some(std::span<std::byte> into) {
  CORACLE_CHECK(!into.empty(), "a read needs a buffer");
  if (!buffered().empty()) co_return take_buffered(into);
  co_return co_await stream_.read(into);
}

// Straight into the caller's bytes, so that a large message is not copied. They are put back when
// it does not become whole.
Task<bool> BufferedReader::read_exactly(std::span<std::byte> into) {
  std::size_t filled = take_buffered(into);
  try {
    while (filled < into.size()) {
      const std::size_t bytes = co_await stream_.read(into.subspan(filled));
      if (bytes == 0 && filled == 0) co_return false;
      if (bytes == 0) throw_framing(FramingError::ended_inside);
      filled += bytes;
    }
  } catch (...) {
    put_back(into.first(filled));
    throw;
  }
  co_return true;
}

Task<std::optional<std::string_view>> BufferedReader::read_until(std::string_view delimiter) {
  CORACLE_CHECK(!delimiter.empty(), "a delimiter has at least one byte");
  for (std::size_t searched = 0;;) {
    const std::string_view text(reinterpret_cast<const char*>(buffer_.get()) + begin_,
                                end_ - begin_);
    const std::size_t at = text.find(delimiter, searched);
    if (at != text.npos) {
      begin_ += at + delimiter.size();
      co_return text.substr(0, at);
    }
    // The delimiter may have begun.
    searched = text.size() - std::min(text.size(), delimiter.size() - 1);
    if (text.size() >= limit_) throw_framing(FramingError::too_long);
    const bool more = co_await fill();
    if (more) continue;
    if (text.empty()) co_return std::nullopt;
    throw_framing(FramingError::ended_inside);
  }
}

Task<std::optional<std::string_view>> BufferedReader::read_line() {
  std::optional<std::string_view> line = co_await read_until("\n");
  if (line && line->ends_with('\r')) line->remove_suffix(1);
  co_return line;
}

// Reads ahead. Returns false at the end of the stream.
Task<bool> BufferedReader::fill() {
  make_room();
  const std::span<std::byte> room(buffer_.get() + end_, capacity_ - end_);
  const std::size_t bytes = co_await stream_.read(room);
  end_ += bytes;
  co_return bytes > 0;
}

// Room behind what is buffered: moves that to the front, or doubles the buffer.
void BufferedReader::make_room() {
  if (begin_ == end_) begin_ = end_ = 0;
  if (end_ < capacity_) return;
  if (begin_ > 0) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
    end_ -= std::exchange(begin_, 0);
    return;
  }
  capacity_ = std::min(limit_, std::max(kFirstCapacity, 2 * capacity_));
  move_to(std::make_unique_for_overwrite<std::byte[]>(capacity_), 0);
}

// Goes over to a larger buffer, in which what is buffered begins at `offset`.
void BufferedReader::move_to(std::unique_ptr<std::byte[]> buffer, std::size_t offset) {
  const std::span<const std::byte> bytes = buffered();
  std::ranges::copy(bytes, buffer.get() + offset);
  end_ = offset + bytes.size();
  begin_ = offset;
  buffer_ = std::move(buffer);
}

std::size_t BufferedReader::take_buffered(std::span<std::byte> into) {
  const std::size_t bytes = std::min(into.size(), end_ - begin_);
  std::ranges::copy(buffered().first(bytes), into.begin());
  begin_ += bytes;
  return bytes;
}

// In front of what is buffered. May go beyond the limit, by what the caller had given room for.
void BufferedReader::put_back(std::span<const std::byte> bytes) {
  if (bytes.empty()) return;
  const std::size_t total = bytes.size() + end_ - begin_;
  if (begin_ < bytes.size()) {
    capacity_ = std::max(capacity_, total);
    move_to(std::make_unique_for_overwrite<std::byte[]>(capacity_), bytes.size());
  }
  begin_ -= bytes.size();
  std::ranges::copy(bytes, buffer_.get() + begin_);
}

void BufferedReader::throw_framing(FramingError error) const {
  throw Error(make_error_code(error), "read", stream_.peer_name());
}

}  // namespace coracle::net

#include "net/buffered_writer.h"

#include <algorithm>
#include <utility>

#include "runtime/check.h"

namespace coracle::net {
namespace {

constexpr std::size_t kFirstBytes = 512;

}  // namespace

BufferedWriter::BufferedWriter(Stream& stream, std::size_t limit) : stream_(stream), limit_(limit) {
  CORACLE_CHECK(limit > 0, "a writer without a buffer is a stream");
}

Task<> BufferedWriter::write(std::span<const std::byte> bytes) {
  const bool large = bytes.size() >= limit_;
  if (large && gathered_.empty()) {
    co_await stream_.write(bytes);  // nothing to gather
    co_return;
  }
  if (gathered_.capacity() == 0) gathered_.reserve(std::min(limit_, kFirstBytes));
  gathered_.insert(gathered_.end(), bytes.begin(), bytes.end());
  if (gathered_.size() >= limit_) co_await flush();
}

// What is being sent belongs to this call, so that others may go on gathering.
Task<> BufferedWriter::flush() {
  if (gathered_.empty()) co_return;
  std::vector<std::byte> sending = std::exchange(gathered_, std::exchange(spare_, {}));
  co_await stream_.write(sending);
  sending.clear();
  if (sending.capacity() <= 2 * limit_) spare_ = std::move(sending);
}

}  // namespace coracle::net

// Bytes that never change, shared by all who hold them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace coracle::raft {

// What an entry of the log carries, and what a state machine answers: log, messages and disk hold
// the same bytes, and a copy of this is a copy of a pointer. May be used on any thread.
class SharedBytes {
 public:
  SharedBytes() = default;
  // Copies them.
  explicit SharedBytes(std::span<const std::byte> bytes) : size_(bytes.size()) {
    if (bytes.empty()) return;
    const auto own = std::make_shared_for_overwrite<std::byte[]>(bytes.size());
    std::ranges::copy(bytes, own.get());
    bytes_ = own;
  }
  explicit SharedBytes(std::string_view text) : SharedBytes(std::as_bytes(std::span(text))) {}
  // NOLINTNEXTLINE(google-explicit-constructor): the same bytes in another holder
  SharedBytes(const std::vector<std::byte>& bytes) : SharedBytes(std::span(bytes)) {}
  SharedBytes(std::initializer_list<std::byte> bytes) : SharedBytes(std::span(bytes)) {}

  [[nodiscard]] std::span<const std::byte> view() const { return {bytes_.get(), size_}; }
  // NOLINTNEXTLINE(google-explicit-constructor): a view of the same bytes
  operator std::span<const std::byte>() const { return view(); }
  // Returns    the same as text; borrows these bytes.
  [[nodiscard]] std::string_view text() const {
    return {reinterpret_cast<const char*>(bytes_.get()), size_};
  }
  [[nodiscard]] const std::byte* data() const { return bytes_.get(); }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }

  friend bool operator==(const SharedBytes& a, const SharedBytes& b) {
    return std::ranges::equal(a.view(), b.view());
  }

 private:
  std::shared_ptr<const std::byte[]> bytes_;
  std::size_t size_ = 0;
};

}  // namespace coracle::raft

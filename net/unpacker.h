// Reads MessagePack values from a byte buffer, in place.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/value_head.h"

namespace coracle::net {

// A cursor over values that follow one another. Each read takes the next value if it has the
// type asked for; otherwise it returns false and remembers why, in words meant for the peer
// ("expected integer, got string"). The first failure stays; nothing is read after it.
// Reads never leave the buffer, whatever is in it, and allocate nothing unless they fail.
class Unpacker {
 public:
  //   Borrows    `values` as long as it, or a view that it returned, is used.
  explicit Unpacker(std::span<const std::byte> values) : values_(values) {}
  explicit Unpacker(std::vector<std::byte>&&) = delete;  // it would be gone at once

  [[nodiscard]] bool at_end() const { return offset_ == values_.size(); }
  [[nodiscard]] std::size_t offset() const { return offset_; }

  // Takes the next value if it is nil.
  //   Returns    false otherwise, which is no failure: the value is still there.
  bool take_nil();

  // Fails unless the next value has this type; it is not taken.
  bool expect(ValueType type);

  // Each of these takes the next value.
  //   Returns    true and the value; or false once and for all.
  bool nil();
  bool boolean(bool& value);
  bool integer(std::int64_t& value, std::int64_t lowest, std::int64_t highest);
  bool integer(std::uint64_t& value, std::uint64_t highest);
  bool real(double& value);                        // an integer will do
  bool string(std::string_view& value);            // a view into the buffer
  bool bytes(std::span<const std::byte>& value);   // the same; a string will do (old encoders
                                                   // know no bin)
  bool array(std::uint32_t& elements);             // the elements are the next values
  bool map(std::uint32_t& pairs);                  // so are keys and values, in turn
  bool packed(std::span<const std::byte>& value);  // any value, whole, as a view of its bytes
  bool skip(std::uint64_t values = 1);             // so many values of any kind, whole

  // Returns all that has not been taken.
  [[nodiscard]] std::span<const std::byte> rest() const { return values_.subspan(offset_); }

  // Fails, in the caller's words.
  //   Returns    false.
  bool fail(std::string why);
  // Says where the failure was, from the inside out: `element 7: ` is put before what is there.
  //   Returns    false.
  //   Requires   failed().
  bool fail_in(std::string_view where);

  [[nodiscard]] bool failed() const { return failed_; }
  // Returns why; empty before a failure.
  [[nodiscard]] const std::string& error() const { return error_; }
  // Returns the offset of the value that failed.
  [[nodiscard]] std::size_t failed_at() const { return last_; }
  // Takes the text out.
  [[nodiscard]] std::string take_error() { return std::move(error_); }

 private:
  bool next(ValueHead& head);
  bool next(ValueHead& head, ValueType expected);
  bool take_payload(const ValueHead& head, std::span<const std::byte>& payload);

  std::span<const std::byte> values_;
  std::size_t offset_ = 0;
  std::size_t last_ = 0;  // where the value begins that was looked at last
  bool failed_ = false;
  std::string error_;
};

}  // namespace coracle::net

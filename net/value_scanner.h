// Finds where a MessagePack value ends while its bytes are still arriving, within limits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "net/message_limits.h"
#include "net/value_head.h"

namespace coracle::net {

// Scans one value, however its bytes are cut into pieces, and never looks at a byte twice.
// It counts the bytes that the value needs at least (one for each element still due), so a length
// that cannot fit into the limits is refused as soon as it is declared.
class ValueScanner {
 public:
  enum class Status : std::uint8_t { whole, cut, refused };

  explicit ValueScanner(MessageLimits limits) : limits_(limits) {}

  // Goes on with the value that begins at the first of `bytes`, all of its bytes so far.
  //   Returns    whole: size() bytes are the value, and it is well formed; cut: more are needed;
  //              refused: see refusal().
  //   Requires   the bytes that were given before come first again; not refused before.
  Status scan(std::span<const std::byte> bytes);

  // Returns the value's bytes when it is whole; otherwise how many it needs at least.
  [[nodiscard]] std::size_t size() const { return position_ + due_; }

  // Returns the offset of the value that was refused.
  [[nodiscard]] std::size_t refused_at() const { return position_; }
  // Returns why, in words.
  [[nodiscard]] const std::string& refusal() const { return refusal_; }

  // Begins anew with the next value.
  void reset();

 private:
  bool accept(const ValueHead& head);
  void close_full_containers();
  Status refuse(std::string why);

  MessageLimits limits_;
  std::size_t position_ = 0;         // everything before has been looked at
  std::size_t due_ = 1;              // values that must still follow
  std::vector<std::uint64_t> open_;  // for each open container: its values still due
  std::string refusal_;
};

}  // namespace coracle::net

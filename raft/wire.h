// Messages as bytes. Each is one MessagePack array:
//
//   [version, type, header, fields in the order of messages.h ...]
//
// Headers, positions, lives, times and entries are arrays in it. Readers skip elements that they
// do not know at the end of any of them, so messages may grow without a new version; a reader of
// another version says so instead of guessing. (N4)
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "raft/messages.h"

namespace coracle::raft {

inline constexpr std::uint64_t kProtocolVersion = 1;

// Terms from here on are refused: no cluster reaches them, and the one after the last must exist.
inline constexpr Term kTermEnd = Term{1} << 62U;

// A message, or one sentence about what is wrong with its bytes.
template <class Message>
struct Decoded {
  std::optional<Message> message;
  std::string error;  // empty where there is a message
};

// For the types of messages.h that have a header.
template <class Message>
[[nodiscard]] std::vector<std::byte> encode(const Message& message);

// Whatever the bytes are, this only ever returns.
template <class Message>
[[nodiscard]] Decoded<Message> decode(std::span<const std::byte> bytes);

}  // namespace coracle::raft

// What one message of a peer may cost us.
#pragma once

#include <cstddef>

namespace coracle::net {

struct MessageLimits {
  // Bytes of one whole message. A declared length that could not fit is refused when it is read,
  // before anything is allocated for it.
  std::size_t message_bytes_max = std::size_t{4} << 20;
  // Arrays and maps inside one another, the message's own array counted.
  std::size_t nesting_max = 64;
};

}  // namespace coracle::net

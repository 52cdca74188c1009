#include "net/stream.h"

#include <utility>

#include "runtime/check.h"

namespace coracle::net {

void Stream::close() {
  if (core_ != nullptr) std::exchange(core_, nullptr)->release();
}

void Stream::reset() {
  CORACLE_CHECK(core_ != nullptr, "this stream was moved from or reset");
  std::exchange(core_, nullptr)->abort();
}

}  // namespace coracle::net

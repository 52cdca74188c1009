#include "net/back_end.h"

#include "net/uv/uv_net.h"
#include "runtime/check.h"

namespace coracle::net {

BackEnd& BackEnd::current() {
  Loop& loop = Loop::current();
  if (loop.extension() == nullptr) loop.extend(uv::make_back_end(loop));
  return static_cast<BackEnd&>(*loop.extension());
}

}  // namespace coracle::net

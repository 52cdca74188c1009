#include "net/rpc_peer.h"

#include <utility>

namespace coracle::net {

void RpcPeer::end() {
  while (!at_end_.empty()) {
    const std::function<void()> last = std::move(at_end_.back());
    at_end_.pop_back();
    last();
  }
}

}  // namespace coracle::net

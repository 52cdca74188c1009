#include "net/sim/sim_listener.h"

#include <cerrno>

namespace coracle::net::sim {

SimListener::~SimListener() { net_.below().withdraw(*this); }

StreamCore* SimListener::try_accept(int& error) {
  if (acceptable()) return accept_one();
  error = EAGAIN;
  return nullptr;
}

void SimListener::watch(bool on) {
  watched_ = on;
  if (on && acceptable()) net_.below().post(*this);
}

void SimListener::ready() {
  if (watched_) net_.below().post(*this);
}

void SimListener::arrived() {
  if (!watched_) return;
  connection_ready();
  if (watched_ && acceptable()) net_.below().post(*this);
}

}  // namespace coracle::net::sim

#include "net/sim/local_names.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "net/sim/fabric.h"
#include "net/sim/kernel.h"

namespace coracle::net::sim {
namespace {

bool is_abstract(const std::string& path) { return path.front() == '@'; }

}  // namespace

// --- listeners ---------------------------------------------------------------------------------

LocalListener::LocalListener(LocalNames& names, SocketEvents& socket, std::string path, int backlog,
                             int pid)
    : names_(names),
      socket_(socket),
      path_(std::move(path)),
      backlog_(static_cast<std::size_t>(std::max(backlog, 0))),
      pid_(pid) {}

LocalListener::~LocalListener() {
  if (!listens_) return;
  names_.unbind(*this, leaves_file_);
  for (LocalEnd* end : std::exchange(queue_, {})) end->abandon_in_queue();
}

int LocalListener::listen() {
  const int error = names_.bind(*this);
  listens_ = error == 0;
  return error;
}

LocalEnd& LocalListener::accept() {
  LocalEnd& end = *queue_.front();
  queue_.pop_front();
  end.leave_listener();
  return end;
}

void LocalListener::begin(LocalEnd& answering) {
  queue_.push_back(&answering);
  answering.begin(*this);
}

// --- names -------------------------------------------------------------------------------------

int LocalNames::bind(LocalListener& listener) {
  LocalListener*& place = listeners_[listener.path()];
  if (place != nullptr) return EADDRINUSE;
  place = &listener;
  return 0;
}

void LocalNames::unbind(const LocalListener& listener, bool leaves_file) {
  const auto place = listeners_.find(listener.path());
  if (leaves_file && !is_abstract(listener.path())) {
    place->second = nullptr;
  } else {
    listeners_.erase(place);
  }
}

LocalEnd* LocalNames::connect(const std::string& path, int pid, int& error) {
  const auto place = listeners_.find(path);
  const bool is_there = place != listeners_.end();
  error = is_there || is_abstract(path) ? ECONNREFUSED : ENOENT;
  if (!is_there || place->second == nullptr) return nullptr;
  LocalListener& listener = *place->second;
  error = listener.has_room() ? 0 : EAGAIN;
  if (error != 0) return nullptr;
  connections_.push_back(std::make_unique<LocalConnection>(kernel_, path, pid, listener.pid()));
  LocalConnection& connection = *connections_.back();
  connection.place_ = std::prev(connections_.end());
  listener.begin(connection.server());
  kernel_.fabric().trace(kernel_.host_name(), "connected",
                         {{"path", path}, {"from_pid", pid}, {"to_pid", listener.pid()}});
  return &connection.client();
}

std::size_t LocalNames::sockets() const {
  std::size_t count = 0;
  for (const auto& [path, listener] : listeners_) count += listener == nullptr ? 0 : 1;
  for (const auto& connection : connections_) {
    for (const LocalEnd* end : {&connection->client(), &connection->server()}) {
      if (!end->closed()) ++count;
    }
  }
  return count;
}

}  // namespace coracle::net::sim

// What net needs of a back end for Unix sockets, besides streams and listeners as such. Mechanism;
// users read unix.h.
#pragma once

#include <string>
#include <utility>

#include "net/stream_core.h"
#include "runtime/leaf.h"
#include "runtime/timer_heap.h"

namespace coracle::net {

class UnixStream;
struct PeerCredentials;

// What a back end's StreamCore is as well if it is a Unix socket.
class UnixSocket {
 public:
  UnixSocket() = default;
  UnixSocket(const UnixSocket&) = delete;
  UnixSocket& operator=(const UnixSocket&) = delete;

  [[nodiscard]] virtual PeerCredentials peer_credentials() const = 0;

 protected:
  ~UnixSocket() = default;
};

// Returns    what an accepted stream is called in logs: `/run/service.sock pid=4711`.
[[nodiscard]] std::string name_of_accepted(const std::string& path, int pid);

// Such a connection is there at once, or refused; only a listener's full queue is waited for.
class [[nodiscard]] UnixConnectOperation final : public Leaf, private TimerNode {
 public:
  explicit UnixConnectOperation(std::string path) : path_(std::move(path)) {}
  UnixConnectOperation(UnixConnectOperation&& other) noexcept : path_(std::move(other.path_)) {}
  UnixConnectOperation& operator=(UnixConnectOperation&&) = delete;
  ~UnixConnectOperation() = default;

  bool try_complete();
  void start();
  [[nodiscard]] UnixStream take();
  void on_cancel() override;
  void on_tear_down() override;
  [[nodiscard]] const char* waits_for() const override { return "room in a listener's queue"; }

 private:
  void expired() override;

  std::string path_;
  Duration pause_{};
  StreamCore* core_ = nullptr;
  int error_ = 0;
};

}  // namespace coracle::net

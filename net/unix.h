// Unix sockets: byte streams between processes of one machine, which know who the other one is.
//
//   net::UnixListener listener = net::UnixListener::listen("/run/service.sock", {.mode = 0660});
//   net::UnixStream peer = co_await listener.accept();
//   if (peer.peer_credentials().uid != 0) co_return;
//
// A path has at most 107 bytes (the kernel's limit). `@name` is a name in Linux's abstract
// namespace: no file, no permissions, and gone with its listener (`./@name` is a file). A path is
// that of a file, relative to the working directory.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "net/listener.h"
#include "net/stream.h"
#include "net/unix_core.h"

namespace coracle::net {

// Who is at the other end, as the kernel knows it: who connected, at that time; or, for the one who
// connected, who called listen().
struct PeerCredentials {
  int pid;  // 0 for one whose process numbers we cannot see (another pid namespace)
  std::uint32_t uid;
  std::uint32_t gid;

  friend bool operator==(const PeerCredentials&, const PeerCredentials&) = default;
};

// One connected Unix socket; see Stream. Where Linux differs from TCP:
// - There are no resets. Closing (in whichever way) a socket that holds bytes which its process has
//   not read is ECONNRESET for the peer, behind what it may still read. Else the peer sees the end,
//   also after reset(), or when `linger` is over, or when the process was killed: one that must
//   know whether it has all needs messages that show their end, as those of RPC do.
// - What the kernel has taken is with the peer's machine: finish() returns once all is taken, and
//   nothing taken is lost when this end goes.
// - The first write to a peer that has gone throws, not the second one.
class UnixStream final : public Stream {
 public:
  UnixStream() = default;

  // Connects to who listens at `path`. When the listener's queue is full it tries again, after
  // 1 ms, 2 ms, ... at most every 20 ms: bound it with with_timeout().
  //   Returns    a connected stream.
  //   Throws     Error: `connect /run/a.sock: Connection refused` (nobody listens), `No such file
  //              or directory`, `Permission denied`, `File name too long`.
  //   Canceled   gives the attempt up.
  [[nodiscard]] static UnixConnectOperation connect(std::string path) {
    return UnixConnectOperation(std::move(path));
  }

  // Takes over what a Listener accepted.
  //   Requires   a Unix socket.
  explicit UnixStream(Stream&& stream);

  // Returns    who the peer is; see PeerCredentials.
  [[nodiscard]] PeerCredentials peer_credentials() const { return socket().peer_credentials(); }

 private:
  friend class UnixConnectOperation;
  friend class AcceptOperation<UnixStream>;

  explicit UnixStream(StreamCore& core) : Stream(core) {}
  [[nodiscard]] UnixSocket& socket() const;
};

struct UnixListenOptions {
  // How many connections the kernel holds that nobody has accepted; others wait or try again.
  int backlog = 1024;
  // The permissions of the socket's file: who may write to it may connect. Those that the process's
  // umask leaves if none are given. They hold before the first connection can be made.
  std::optional<std::uint32_t> mode = std::nullopt;
};

// A listening Unix socket; see Listener. Destroying it removes its file, if that is still the one
// that it made.
class UnixListener final : public Listener {
 public:
  using Connection = UnixStream;

  // Not listening: every operation fails a check.
  UnixListener() = default;

  // Binds and listens; does not wait. A socket's file that no process has any more was
  // left by one that was killed: it is replaced. (Of servers that do so at the same time one gets
  // the path; a lock on the directory makes them take turns, for which it waits 20 ms at most.)
  // Anything else that has this path stays, whatever it is, and does not notice.
  //   Throws     Error: `listen /run/a.sock: Address already in use`, `Permission denied`,
  //              `No such file or directory`, `File name too long`.
  //   Requires   a current loop.
  [[nodiscard]] static UnixListener listen(const std::string& path,
                                           const UnixListenOptions& options = {});

  // Waits for a connection, as Listener::accept() does.
  [[nodiscard]] AcceptOperation<UnixStream> accept() { return AcceptOperation<UnixStream>(core()); }

  // Returns    the path as it was given.
  [[nodiscard]] const std::string& path() const { return core().name(); }

 private:
  explicit UnixListener(std::unique_ptr<ListenerCore> core) : Listener(std::move(core)) {}
};

// Returns    0 for a path that a socket may have, else an errno value: ENAMETOOLONG; EINVAL for one
//            that is empty or contains a zero byte.
[[nodiscard]] int unix_path_error(const std::string& path);

}  // namespace coracle::net

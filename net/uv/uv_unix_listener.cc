#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "net/uv/uv_listener.h"
#include "net/uv/uv_unix.h"

namespace coracle::net::uv {
namespace {

// Which file it is, whatever its name.
struct FileIdentity {
  dev_t device;
  ino_t inode;

  friend bool operator==(const FileIdentity&, const FileIdentity&) = default;
};

std::optional<FileIdentity> socket_file_at(const std::string& path) {
  struct stat found{};
  if (lstat(path.c_str(), &found) != 0 || !S_ISSOCK(found.st_mode)) return std::nullopt;
  return FileIdentity{found.st_dev, found.st_ino};
}

// The path as it is from any working directory; as it was given if there is none.
std::string absolute_path_of(const std::string& path) {
  std::error_code none;
  const std::string absolute = std::filesystem::absolute(path, none).string();
  return none ? path : absolute;
}

// Of servers that find a dead one's file at the same time, one after the other looks and replaces
// it: else one would remove the file of the other. The kernel gives the lock back when the process
// dies. Where the directory cannot be opened (it may not be read), there is no lock.
class DirectoryTurn {
 public:
  explicit DirectoryTurn(const std::string& path) {
    const std::string directory =
        std::filesystem::path(absolute_path_of(path)).parent_path().string();
    descriptor_ = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor_ < 0) return;
    for (int i = 0; flock(descriptor_, LOCK_EX | LOCK_NB) != 0; ++i) {
      if (errno != EWOULDBLOCK) return;  // not on this file system
      is_ours_ = i < kTries;
      if (!is_ours_) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
  DirectoryTurn(const DirectoryTurn&) = delete;
  DirectoryTurn& operator=(const DirectoryTurn&) = delete;
  ~DirectoryTurn() {
    if (descriptor_ >= 0) close(descriptor_);
  }

  // Returns    false if somebody has held the lock for longer than a turn takes. (Anyone who may
  //            read the directory can: he must not stop our loop for more than a moment.)
  [[nodiscard]] bool is_ours() const { return is_ours_; }

 private:
  static constexpr int kTries = 20;

  int descriptor_;
  bool is_ours_ = true;
};

// Returns whether this path is a socket's that no process has. (Asked with a datagram socket: one
// that is alive has another type, which is an error, and does not see the question; nor does it
// have to listen already.)
bool is_dead_socket(const std::string& path) {
  if (!socket_file_at(path)) return false;
  const int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return false;
  const SocketAddress system = to_system(path);
  const bool refused =
      connect(descriptor, system.get(), system.bytes) != 0 && errno == ECONNREFUSED;
  close(descriptor);
  return refused;
}

class UvUnixListener final : public UvListener {
 public:
  UvUnixListener(UvNet& net, const std::string& path, int descriptor)
      : UvListener(net, path, descriptor) {}
  // Before the socket is closed: as long as it listens nobody else takes its file for a dead one's.
  ~UvUnixListener() override {
    if (file_ && socket_file_at(file_path_) == file_) unlink(file_path_.c_str());
  }

  // The file is there. (An open socket holds its file's inode, so that no other file gets the same
  // number.)
  void owns_file() {
    file_path_ = absolute_path_of(name());
    file_ = socket_file_at(file_path_);
  }

 private:
  UvStream& make_stream(int descriptor,
                        const sockaddr_storage& /*peer: mostly nameless*/) override {
    return *new UvUnix(net(), name_of_accepted(name(), peer_credentials_of(descriptor).pid));
  }

  std::string file_path_;
  std::optional<FileIdentity> file_;
};

void bind_file(NewSocket& socket, const std::string& path, const UnixListenOptions& options) {
  const SocketAddress system = to_system(path);
  int error = socket.try_bind(system);
  if (error == EADDRINUSE) {
    const DirectoryTurn turn(path);
    if (turn.is_ours() && is_dead_socket(path) && unlink(path.c_str()) == 0)
      error = socket.try_bind(system);
  }
  socket.expect(error);
  if (options.mode && chmod(path.c_str(), *options.mode) != 0) {
    const int refused = errno;
    unlink(path.c_str());
    socket.expect(refused);
  }
}

}  // namespace

std::unique_ptr<ListenerCore> UvNet::listen_unix(const std::string& path,
                                                 const UnixListenOptions& options) {
  NewSocket socket(AF_UNIX, path);
  const bool is_file = path.front() != '@';
  is_file ? bind_file(socket, path, options) : socket.bind(to_system(path));
  try {
    // Nobody can connect before this.
    socket.listen(options.backlog);
    auto listener = std::make_unique<UvUnixListener>(*this, path, socket.take());
    if (is_file) listener->owns_file();
    return listener;
  } catch (...) {
    if (is_file) unlink(path.c_str());
    throw;
  }
}

}  // namespace coracle::net::uv

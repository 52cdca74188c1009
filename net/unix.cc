#include "net/unix.h"

#include <cerrno>

#include "net/back_end.h"
#include "runtime/check.h"
#include "runtime/error.h"

namespace coracle::net {

int unix_path_error(const std::string& path) {
  constexpr std::size_t kLongestPath = 107;  // sockaddr_un's 108, with a zero before or behind
  if (path.empty() || path == "@" || path.find('\0') != path.npos) return EINVAL;
  const std::size_t mark = path.front() == '@' ? 1 : 0;
  return path.size() - mark > kLongestPath ? ENAMETOOLONG : 0;
}

UnixStream::UnixStream(Stream&& stream) : Stream(std::move(stream)) { static_cast<void>(socket()); }

UnixSocket& UnixStream::socket() const {
  auto* socket = dynamic_cast<UnixSocket*>(&core());
  CORACLE_CHECK(socket != nullptr, "this stream is no Unix socket");
  return *socket;
}

UnixListener UnixListener::listen(const std::string& path, const UnixListenOptions& options) {
  if (const int error = unix_path_error(path); error != 0) throw Error(error, "listen", path);
  return UnixListener(BackEnd::current().listen_unix(path, options));
}

}  // namespace coracle::net

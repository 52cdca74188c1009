// Unix sockets of a simulated process.
#include <memory>
#include <string>
#include <utility>

#include "net/sim/local_names.h"
#include "net/sim/sim_listener.h"
#include "net/sim/sim_stream.h"
#include "net/unix.h"
#include "runtime/error.h"
#include "runtime/sim/sim_process.h"

namespace coracle::net::sim {
namespace {

class SimUnix final : public SimStream, public UnixSocket {
 public:
  SimUnix(SimNet& net, std::string name, LocalEnd& end)
      : SimStream(net, std::move(name), end), peer_pid_(end.peer().pid()) {}

  // All processes of a simulated machine are root's.
  [[nodiscard]] PeerCredentials peer_credentials() const override { return {peer_pid_, 0, 0}; }

 private:
  ~SimUnix() override = default;

  const int peer_pid_;
};

class SimUnixListener final : public SimListener {
 public:
  SimUnixListener(SimNet& net, const std::string& path, const UnixListenOptions& options)
      : SimListener(net),
        listener_(net.kernel().local(), *this, path, options.backlog, net.below().process().pid()) {
    set_name(path);
  }
  ~SimUnixListener() override {
    if (net().loop().tearing_down()) listener_.leave_file();
  }

  // Returns    0 or an errno value.
  [[nodiscard]] int listen() { return listener_.listen(); }

 private:
  [[nodiscard]] bool acceptable() const override { return listener_.acceptable(); }

  [[nodiscard]] StreamCore* accept_one() override {
    LocalEnd& end = listener_.accept();
    return new SimUnix(net(), name_of_accepted(name(), end.peer().pid()), end);
  }

  LocalListener listener_;
};

}  // namespace

StreamCore* SimNet::connect_unix(const std::string& path, int& error) {
  LocalEnd* end = kernel_.local().connect(path, below_.process().pid(), error);
  return end == nullptr ? nullptr : new SimUnix(*this, path, *end);
}

std::unique_ptr<ListenerCore> SimNet::listen_unix(const std::string& path,
                                                  const UnixListenOptions& options) {
  auto listener = std::make_unique<SimUnixListener>(*this, path, options);
  const int error = listener->listen();
  if (error != 0) throw Error(error, "listen", path);
  return listener;
}

}  // namespace coracle::net::sim

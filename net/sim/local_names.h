// The Unix sockets of one simulated machine: who listens at which path. Mechanism.
#pragma once

#include <cstddef>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <string>

#include "net/sim/local_stream.h"

namespace coracle::net::sim {

class LocalNames;

// A listening socket in its kernel, with the connections that nobody has accepted.
class LocalListener {
 public:
  LocalListener(LocalNames& names, SocketEvents& socket, std::string path, int backlog, int pid);
  LocalListener(const LocalListener&) = delete;
  LocalListener& operator=(const LocalListener&) = delete;
  // Closes it: who waits in its queue sees a reset. The file goes if its process can remove it.
  ~LocalListener();

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] int pid() const { return pid_; }

  // Binds it, and begins to listen.
  //   Returns    0 or an errno value.
  [[nodiscard]] int listen();

  // ---- Its process ----
  // It has been killed: no code of it removes the file.
  void leave_file() { leaves_file_ = true; }
  [[nodiscard]] bool acceptable() const { return !queue_.empty() && queue_.front()->arrived(); }
  // Takes the connection that has waited longest.
  //   Requires   acceptable().
  [[nodiscard]] LocalEnd& accept();

  // ---- Its kernel ----
  [[nodiscard]] bool has_room() const { return queue_.size() <= backlog_; }
  void begin(LocalEnd& answering);
  // One has arrived in the queue.
  void told_of_one() { socket_.ready(); }

 private:
  LocalNames& names_;
  SocketEvents& socket_;
  const std::string path_;
  const std::size_t backlog_;
  const int pid_;
  bool listens_ = false;
  bool leaves_file_ = false;
  std::deque<LocalEnd*> queue_;
};

// The names stand beside the simulated disk: they have no directory and no permissions, and a
// machine that loses its power keeps them. `@name` goes with its listener.
class LocalNames {
 public:
  explicit LocalNames(Kernel& kernel) : kernel_(kernel) {}
  LocalNames(const LocalNames&) = delete;
  LocalNames& operator=(const LocalNames&) = delete;

  // Gives the listener its name, if nobody listens there.
  //   Returns    0 or EADDRINUSE.
  [[nodiscard]] int bind(LocalListener& listener);
  // `leaves_file`: the name stays, with nobody who listens.
  void unbind(const LocalListener& listener, bool leaves_file);

  // Connects, for the process `pid`.
  //   Returns    its end; nullptr with an errno value in `error`.
  [[nodiscard]] LocalEnd* connect(const std::string& path, int pid, int& error);
  void destroy(LocalConnection& connection) { connections_.erase(connection.place_); }

  [[nodiscard]] std::size_t connections() const { return connections_.size(); }
  // Returns    how many listeners and ends of connections processes have, or may accept.
  [[nodiscard]] std::size_t sockets() const;

 private:
  Kernel& kernel_;
  std::map<std::string, LocalListener*> listeners_;  // nullptr: a file that nobody listens at
  std::list<std::unique_ptr<LocalConnection>> connections_;
};

}  // namespace coracle::net::sim

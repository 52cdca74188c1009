// A simulated Unix socket's connection, as the one kernel at both its ends sees it. Mechanism.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "net/sim/byte_queue.h"
#include "net/sim/stream_end.h"
#include "runtime/ring_buffer.h"
#include "runtime/sim/agenda.h"
#include "runtime/time.h"

namespace coracle::net::sim {

class Kernel;
class LocalConnection;
class LocalListener;

// One end. Nothing is lost between the two: what one writes is in the other's queue at once, as in
// Linux, and a process is told of it within 10 to 30 us.
class LocalEnd final : public StreamEnd {
 public:
  static constexpr std::size_t kQueueBytes = 208 * 1024;

  LocalEnd(LocalConnection& connection, int pid) : connection_(connection), pid_(pid) {}
  ~LocalEnd();

  // The process that has this end, or that listened for it.
  [[nodiscard]] int pid() const { return pid_; }
  [[nodiscard]] LocalConnection& connection() const { return connection_; }
  [[nodiscard]] LocalEnd& peer() const;

  // ---- Its process ----
  void attach(SocketEvents& socket) override { socket_ = &socket; }
  [[nodiscard]] bool readable() const override;
  std::ptrdiff_t read(std::span<std::byte> into) override;
  [[nodiscard]] bool writable() override;
  void await_room(bool on) override { awaits_room_ = on; }
  std::ptrdiff_t write(std::span<const std::byte> bytes) override;
  int shut_down() override;
  // What its kernel has taken is with the peer's machine.
  [[nodiscard]] std::ptrdiff_t unacknowledged() override;
  // There are no resets, but for one who leaves bytes unread.
  void close(bool with_reset) override;

  // ---- Its listener ----
  // The connection is on its way to the listener, who is told in a moment.
  void begin(LocalListener& listener);
  // True once the listener's process may see it.
  [[nodiscard]] bool arrived() const { return arrived_in_queue_; }
  void leave_listener() { listener_ = nullptr; }
  // The listener was closed before anybody accepted it. May destroy the connection.
  void abandon_in_queue();

  [[nodiscard]] bool closed() const { return closed_; }

 private:
  using Position = std::uint64_t;

  // Something on its way into this end's queue: bytes up to `end`, or the peer's end.
  struct Parcel {
    Position end;
    TimePoint arrival;
    bool is_last;
  };
  class Arrival final : public coracle::sim::Happening {
   public:
    explicit Arrival(LocalEnd& end) : end_(end) {}

   private:
    void expired() override { end_.arrive(); }
    LocalEnd& end_;
  };

  [[nodiscard]] int take_error();
  [[nodiscard]] std::size_t room() const { return kQueueBytes - queue_.size(); }
  void expect(std::size_t bytes, bool is_last);
  void arrive();
  void end_here(int error_of_peer);
  void trace(std::string_view event, std::size_t bytes) const;

  LocalConnection& connection_;
  const int pid_;
  SocketEvents* socket_ = nullptr;
  LocalListener* listener_ = nullptr;  // while it waits in its queue
  bool arrived_in_queue_ = false;

  ByteQueue queue_;  // what the peer wrote and nobody has read
  RingBuffer<Parcel> parcels_;
  Arrival arrival_{*this};
  Position written_ = 0;
  Position delivered_ = 0;
  Position read_ = 0;
  bool at_end_ = false;  // and the process may see it

  bool awaits_room_ = false;
  bool finished_ = false;  // sends no more
  bool closed_ = false;
  int error_ = 0;  // told once
};

class LocalConnection {
 public:
  LocalConnection(Kernel& kernel, std::string path, int client_pid, int server_pid)
      : kernel_(kernel),
        path_(std::move(path)),
        client_(*this, client_pid),
        server_(*this, server_pid) {}
  LocalConnection(const LocalConnection&) = delete;
  LocalConnection& operator=(const LocalConnection&) = delete;

  [[nodiscard]] Kernel& kernel() const { return kernel_; }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] LocalEnd& client() { return client_; }
  [[nodiscard]] LocalEnd& server() { return server_; }

  // To be called last wherever an end was closed: destroys it if nobody has it.
  void settle();

 private:
  friend class LocalNames;

  Kernel& kernel_;
  const std::string path_;
  LocalEnd client_;
  LocalEnd server_;
  std::list<std::unique_ptr<LocalConnection>>::iterator place_;
};

}  // namespace coracle::net::sim

// A stream of a simulated process: what it keeps above its kernel's end. Mechanism.
#pragma once

#include <span>
#include <string>

#include "net/sim/sim_net.h"
#include "net/sim/stream_end.h"
#include "net/stream_core.h"

namespace coracle::net::sim {

class SimStream : public StreamCore, private SocketEvents, private Notice {
 protected:
  // Takes over the process's end of a connection.
  SimStream(SimNet& net, std::string name, StreamEnd& end);
  ~SimStream() override;

 private:
  friend class SimNet;

  void start_reading() final;
  void stop_reading() final { reading_ = false; }
  std::ptrdiff_t try_write(std::span<const std::byte> bytes) final;
  void flush(std::span<const std::byte> bytes) final;
  void shut_down() final;
  std::ptrdiff_t unacknowledged() final;
  void close(bool with_reset) final;
  void linger_begins() final { net_.linger(*this); }

  void ready() final;
  void arrived() final;
  void read_more();
  void flush_more();
  [[nodiscard]] bool has_work();

  SimNet& net_;
  StreamEnd* end_;  // nullptr once it is closed
  bool reading_ = false;
  std::span<const std::byte> unflushed_;
  bool shutting_down_ = false;
  int shut_down_error_ = 0;
};

}  // namespace coracle::net::sim

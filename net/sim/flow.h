// One direction of a simulated TCP connection: the bytes, what of them is on the wire, what has
// arrived, and what the sender knows of that. Mechanism.
//
// Positions count the octets of the stream as TCP's sequence numbers do: 0 is the SYN, the bytes
// follow from 1, the FIN is the last one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "net/sim/byte_queue.h"
#include "runtime/ring_buffer.h"
#include "runtime/sim/agenda.h"
#include "runtime/time.h"

namespace coracle::net::sim {

class Connection;
class Endpoint;
class Path;

using Position = std::uint64_t;

// In the usual case a segment costs one Happening, its arrival. What comes back (acknowledgements,
// with the end of the receiver's window) has its time of arrival noted, and is looked at when the
// sender has a reason to: it wants to write, or has one to wait for it (is_awaiting_acks). The
// retransmission timer runs only once something has been lost in one of the two directions.
class Flow {
 public:
  static constexpr std::size_t kSegmentBytes = 16 * 1024;
  static constexpr std::size_t kSendBufferBytes = 256 * 1024;  // unacknowledged bytes included
  static constexpr std::size_t kReceiveBufferBytes = 256 * 1024;

  // `there` carries the segments, `back` the acknowledgements.
  Flow(Connection& connection, Endpoint& sender, Endpoint& receiver, Path& there, Path& back);
  Flow(const Flow&) = delete;
  Flow& operator=(const Flow&) = delete;
  ~Flow();

  // ---- The sender's kernel ----
  // Sends the SYN, or the SYN that answers one.
  void open() { transmit(); }
  // Takes what fits into the send buffer.
  std::size_t write(std::span<const std::byte> bytes);
  // Sends the FIN once all before it is sent.
  void finish();
  [[nodiscard]] bool finished() const { return fin_; }
  // Returns    how many bytes fit into the send buffer.
  [[nodiscard]] std::size_t room();
  // Has Endpoint::made_room() called when acknowledgements arrive.
  void await_room(bool on);
  // Returns    how many octets (bytes and FIN) are not known to have arrived.
  [[nodiscard]] Position unacknowledged();
  [[nodiscard]] bool opened() const { return acknowledged_ > 0; }
  // Sends a reset behind what is on the wire.
  void reset();
  // The sender's end is no more: nothing is sent any more; what is on the wire goes on.
  void stop();
  // Tells what may hold now that the sender's phase has changed.
  void transmit();

  // ---- The receiver's kernel ----
  [[nodiscard]] std::size_t readable() const;
  [[nodiscard]] bool at_end() const { return fin_ && delivered_ == end(); }
  //   Requires   into.size() <= readable().
  void read(std::span<std::byte> into);

  // ---- Faults ----
  // `there` was cut: what is on the wire is lost. Or `back` was, with its acknowledgements.
  void lose_segments();
  void lose_acks();
  // The receiver may have forgotten the connection, and the sender was not told: what is
  // outstanding is sent again.
  void suspect();

  [[nodiscard]] const Path& there() const { return there_; }

 private:
  struct Segment {
    Position begin;
    Position end;
    Position ack;   // of the other direction: each segment carries it
    Position edge;  // of the other direction's window
    TimePoint arrival;
    bool is_reset;
  };
  struct Ack {
    Position position;
    Position edge;
    TimePoint arrival;
  };
  // After a loss nothing is sent until the timer has run out (lost), and then one segment at a time
  // until one is acknowledged (probing).
  enum class Recovery : std::uint8_t { none, lost, probing };

  class Arrival final : public coracle::sim::Happening {
   public:
    explicit Arrival(Flow& flow) : flow_(flow) {}

   private:
    void expired() override { flow_.arrive(); }
    Flow& flow_;
  };
  class Look final : public coracle::sim::Happening {
   public:
    explicit Look(Flow& flow) : flow_(flow) {}

   private:
    void expired() override { flow_.look(); }
    Flow& flow_;
  };

  [[nodiscard]] TimePoint now() const;
  [[nodiscard]] Position end() const { return written_ + (fin_ ? 1 : 0); }
  [[nodiscard]] Position limit() const;
  [[nodiscard]] Position window_edge() const { return read_ + kReceiveBufferBytes; }
  [[nodiscard]] std::size_t bytes_between(Position begin, Position end) const;
  [[nodiscard]] Flow& other() const;

  bool send(Position begin, Position end, bool is_reset);
  void launch(const Segment& segment);
  void lose(Position begin);
  void arrive();
  void receive(const Segment& segment);
  void deliver(const Segment& segment);
  void send_ack();
  void ack_lost();
  void settle();
  void acknowledge(Position position, Position edge);
  [[nodiscard]] bool is_awaiting_acks() const;
  void plan_look();
  void look();
  void start_timer();
  void retransmit();
  [[nodiscard]] Duration timeout() const;
  [[nodiscard]] int retries_max() const;
  void trace(std::string_view event, std::size_t bytes) const;
  void trace_drop(std::string_view why, Position begin, Position end) const;

  Connection& connection_;
  Endpoint& sender_;
  Endpoint& receiver_;
  Path& there_;
  Path& back_;

  // The bytes from read_ on: those before are needed by nobody, whatever the sender knows.
  ByteQueue bytes_;
  bool fin_ = false;
  Position written_ = 1;
  Position transmitted_ = 0;  // where to go on sending; falls back after a loss
  Position sent_ = 0;         // the highest that was ever sent
  Position acknowledged_ = 0;
  Position edge_ = 1 + kReceiveBufferBytes;
  bool awaits_room_ = false;

  RingBuffer<Segment> segments_;  // under way, in the order of sending
  RingBuffer<Ack> acks_;
  Arrival arrival_{*this};

  Position delivered_ = 0;
  Position read_ = 1;
  Position advertised_ = 1 + kReceiveBufferBytes;

  Recovery recovery_ = Recovery::none;
  bool timer_runs_ = false;
  int retries_ = 0;
  TimePoint retransmit_at_{};
  Look look_{*this};
};

}  // namespace coracle::net::sim

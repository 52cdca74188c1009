#include "net/sim/flow.h"

#include <algorithm>
#include <utility>

#include "net/sim/connection.h"
#include "net/sim/fabric.h"
#include "net/sim/path.h"

namespace coracle::net::sim {
namespace {

constexpr Duration kFirstTimeoutOfSyn = std::chrono::seconds(1);
constexpr Duration kLeastTimeout = std::chrono::milliseconds(200);  // beyond a round trip
constexpr Duration kLongestTimeout = std::chrono::seconds(120);
// Linux: tcp_syn_retries, tcp_retries2. (tcp_synack_retries is 5, but then the SYNs of a client
// that still tries would begin the same anew.)
constexpr int kSynRetries = 6;
constexpr int kRetries = 15;

}  // namespace

Flow::Flow(Connection& connection, Endpoint& sender, Endpoint& receiver, Path& there, Path& back)
    : connection_(connection), sender_(sender), receiver_(receiver), there_(there), back_(back) {}

Flow::~Flow() {
  connection_.fabric().agenda().cancel(arrival_);
  connection_.fabric().agenda().cancel(look_);
}

TimePoint Flow::now() const { return connection_.fabric().agenda().now(); }

Flow& Flow::other() const { return receiver_.out(); }

// --- the sender --------------------------------------------------------------------------------

std::size_t Flow::write(std::span<const std::byte> bytes) {
  const std::size_t taken = std::min(bytes.size(), room());
  bytes_.append(bytes.first(taken));
  written_ += taken;
  transmit();
  return taken;
}

void Flow::finish() {
  fin_ = true;
  settle();
  transmit();
}

std::size_t Flow::room() {
  settle();
  return kSendBufferBytes - (written_ - std::max<Position>(acknowledged_, 1));
}

void Flow::await_room(bool on) {
  awaits_room_ = on;
  plan_look();
}

Position Flow::unacknowledged() {
  settle();
  return end() - std::max<Position>(acknowledged_, 1);
}

void Flow::reset() {
  ++connection_.fabric().counters().resets_sent;
  send(transmitted_, transmitted_, /*is_reset=*/true);
}

void Flow::stop() {
  timer_runs_ = false;
  plan_look();
}

// The SYN goes alone: what follows waits until the connection is open.
Position Flow::limit() const {
  if (sender_.phase() != Endpoint::Phase::open) return 1;
  return std::min(end(), edge_);
}

void Flow::transmit() {
  while (sender_.alive() && recovery_ == Recovery::none && transmitted_ < limit()) {
    const Position end = std::min(transmitted_ + kSegmentBytes, limit());
    if (send(transmitted_, end, /*is_reset=*/false)) transmitted_ = end;
  }
  plan_look();
}

std::size_t Flow::bytes_between(Position begin, Position end) const {
  const Position first = std::max<Position>(begin, 1);
  const Position last = std::min(end, written_);
  return last > first ? last - first : 0;
}

// Returns whether it is on its way.
bool Flow::send(Position begin, Position end, bool is_reset) {
  Fabric& fabric = connection_.fabric();
  ++fabric.counters().segments_sent;
  if (!is_reset) sent_ = std::max(sent_, end);
  const bool cut = there_.cut();
  if (cut || there_.loses(fabric.random())) {
    ++(cut ? fabric.counters().segments_cut : fabric.counters().segments_lost);
    trace_drop(cut ? "cut" : "loss", begin, end);
    is_reset ? other().suspect() : lose(begin);
    return false;
  }
  const TimePoint arrival = there_.carry(fabric.random(), now(), bytes_between(begin, end));
  const Segment segment{begin, end, other().delivered_, other().window_edge(), arrival, is_reset};
  launch(segment);
  if (there_.duplicates(fabric.random())) launch(segment);
  return true;
}

void Flow::launch(const Segment& segment) {
  segments_.push_back(Segment(segment));
  if (segments_.size() == 1) connection_.fabric().agenda().plan(arrival_, segment.arrival);
}

// Go back, and send nothing until the timer has run out.
void Flow::lose(Position begin) {
  if (!sender_.alive()) return;
  // The only segment that acknowledges a SYN is the one that answers it.
  if (sender_.phase() == Endpoint::Phase::answering) other().ack_lost();
  transmitted_ = std::min(transmitted_, begin);
  if (recovery_ == Recovery::none) recovery_ = Recovery::lost;
  start_timer();
}

// --- the wire ----------------------------------------------------------------------------------

// In order: one that was faster than those before it waits for them.
void Flow::arrive() {
  while (!segments_.empty() && segments_.front().arrival <= now()) {
    const Segment segment = segments_.front();
    segments_.pop_front();
    receive(segment);
  }
  if (!segments_.empty()) {
    connection_.fabric().agenda().plan(arrival_, segments_.front().arrival);
  }
  connection_.settle();
}

void Flow::receive(const Segment& segment) {
  Fabric& fabric = connection_.fabric();
  if (!receiver_.machine_runs()) {
    ++fabric.counters().segments_unheard;
    trace_drop("no_machine", segment.begin, segment.end);
    if (!segment.is_reset) lose(segment.begin);
    return;
  }
  if (segment.is_reset) {
    receiver_.reset_arrived();
    return;
  }
  if (there_.rejecting()) {
    other().reset();
    return;
  }
  if (receiver_.awaits_syn() && segment.begin == 0) {
    switch (receiver_.syn_arrived()) {
      case Endpoint::Welcome::expected: break;
      case Endpoint::Welcome::refused: other().reset(); return;
      case Endpoint::Welcome::no_room:
        trace_drop("backlog", segment.begin, segment.end);
        lose(segment.begin);
        return;
    }
  }
  if (!receiver_.alive()) {
    other().reset();
    return;
  }
  other().acknowledge(segment.ack, segment.edge);
  deliver(segment);
}

void Flow::deliver(const Segment& segment) {
  Counters& counters = connection_.fabric().counters();
  if (segment.end > delivered_ && segment.begin <= delivered_) {
    const std::size_t bytes = bytes_between(delivered_, segment.end);
    if (receiver_.refuses(bytes)) {
      other().reset();
      receiver_.vanish();
      return;
    }
    delivered_ = segment.end;
    ++counters.segments_delivered;
    counters.bytes_delivered += bytes;
    if (bytes > 0) trace("delivered", bytes);
    if (at_end()) trace("finished", 0);
    receiver_.octets_arrived();
  } else if (segment.end > segment.begin) {
    ++counters.segments_duplicate;
  }
  if (receiver_.phase() == Endpoint::Phase::open) send_ack();
}

void Flow::lose_segments() {
  Position first = sent_;
  bool lost = false;
  bool reset_lost = false;
  while (!segments_.empty()) {
    const Segment& segment = segments_.front();
    ++connection_.fabric().counters().segments_cut;
    trace_drop("cut", segment.begin, segment.end);
    (segment.is_reset ? reset_lost : lost) = true;
    if (!segment.is_reset) first = std::min(first, segment.begin);
    segments_.pop_front();
  }
  connection_.fabric().agenda().cancel(arrival_);
  if (lost) lose(first);
  if (reset_lost) other().suspect();
}

// --- the receiver ------------------------------------------------------------------------------

std::size_t Flow::readable() const { return bytes_between(read_, delivered_); }

// The window opens in large steps, as a receiver that avoids small segments does it.
void Flow::read(std::span<std::byte> into) {
  bytes_.take(into);
  read_ += into.size();
  if (window_edge() - advertised_ < kReceiveBufferBytes / 2 || !receiver_.alive()) return;
  send_ack();
}

void Flow::send_ack() {
  if (!sender_.alive()) return;
  Fabric& fabric = connection_.fabric();
  if (back_.rejecting()) {
    reset();
    ack_lost();
    return;
  }
  if (back_.cut() || back_.loses(fabric.random())) {
    ack_lost();
    return;
  }
  advertised_ = window_edge();
  const TimePoint arrival = back_.carry(fabric.random(), now(), 0);
  acks_.push_back({delivered_, advertised_, arrival});
  plan_look();
}

// --- what the sender knows ---------------------------------------------------------------------

void Flow::settle() {
  while (!acks_.empty() && acks_.front().arrival <= now()) {
    const Ack ack = acks_.front();
    acks_.pop_front();
    acknowledge(ack.position, ack.edge);
  }
}

void Flow::acknowledge(Position position, Position edge) {
  if (!sender_.alive()) return;
  const bool progress = position > acknowledged_ || edge > edge_;
  const bool opens = acknowledged_ == 0 && position > 0;
  acknowledged_ = std::max(acknowledged_, position);
  edge_ = std::max(edge_, edge);
  transmitted_ = std::max(transmitted_, acknowledged_);
  const bool all = acknowledged_ == sent_;
  if (!progress && !(all && recovery_ == Recovery::probing)) return;
  retries_ = 0;
  if (recovery_ == Recovery::probing) recovery_ = Recovery::none;
  if (all) {
    timer_runs_ = false;
    recovery_ = Recovery::none;
  } else if (timer_runs_) {
    retransmit_at_ = deadline_after(now(), timeout());
  }
  if (opens) sender_.syn_acknowledged();
  transmit();
  if (awaits_room_) sender_.made_room();
}

// The last acknowledgement may be the one that would have told that all is well.
void Flow::ack_lost() {
  if (acknowledged_ < sent_ || transmitted_ < end()) start_timer();
}

void Flow::lose_acks() {
  settle();
  while (!acks_.empty()) acks_.pop_front();
  ack_lost();
}

void Flow::suspect() {
  settle();
  ack_lost();
}

bool Flow::is_awaiting_acks() const {
  return timer_runs_ || awaits_room_ || transmitted_ < end() || sender_.is_awaiting_acks();
}

void Flow::plan_look() {
  TimePoint due = timer_runs_ ? retransmit_at_ : kNever;
  if (!acks_.empty() && acks_.front().arrival < due && is_awaiting_acks()) {
    due = acks_.front().arrival;
  }
  if (!sender_.alive()) due = kNever;
  Agenda& agenda = connection_.fabric().agenda();
  if (due == kNever) {
    agenda.cancel(look_);
  } else if (!look_.armed() || look_.deadline() != due) {
    agenda.plan(look_, due);
  }
}

void Flow::look() {
  settle();
  if (timer_runs_ && retransmit_at_ <= now()) retransmit();
  plan_look();
  connection_.settle();
}

// --- the retransmission timer ------------------------------------------------------------------

void Flow::start_timer() {
  if (timer_runs_ || !sender_.alive()) return;
  timer_runs_ = true;
  retries_ = 0;
  retransmit_at_ = deadline_after(now(), timeout());
  plan_look();
}

int Flow::retries_max() const {
  return sender_.phase() == Endpoint::Phase::open ? kRetries : kSynRetries;
}

Duration Flow::timeout() const {
  const Duration first = sender_.phase() == Endpoint::Phase::open
                             ? kLeastTimeout + there_.longest_latency() + back_.longest_latency()
                             : kFirstTimeoutOfSyn;
  return std::min(first * (std::int64_t{1} << retries_), kLongestTimeout);
}

// One segment from what is known to have arrived. Where all of that has, it is empty: a question
// for the window.
void Flow::retransmit() {
  if (retries_ == retries_max()) {
    sender_.timed_out();
    return;
  }
  ++retries_;
  retransmit_at_ = deadline_after(now(), timeout());
  recovery_ = Recovery::probing;
  transmitted_ = acknowledged_;
  const Position end = std::min(transmitted_ + kSegmentBytes, sent_);
  ++connection_.fabric().counters().segments_retransmitted;
  trace("retransmitted", bytes_between(transmitted_, end));
  if (send(transmitted_, end, /*is_reset=*/false)) transmitted_ = std::max(transmitted_, end);
}

// --- the trace ---------------------------------------------------------------------------------

void Flow::trace(std::string_view event, std::size_t bytes) const {
  const Endpoint& at = event == "retransmitted" ? sender_ : receiver_;
  at.trace(event, {{"from", sender_.host_name()},
                   {"from_port", sender_.port()},
                   {"to", receiver_.host_name()},
                   {"to_port", receiver_.port()},
                   {"bytes", static_cast<std::int64_t>(bytes)}});
}

void Flow::trace_drop(std::string_view why, Position begin, Position end) const {
  sender_.trace("dropped", {{"from", sender_.host_name()},
                            {"from_port", sender_.port()},
                            {"to", receiver_.host_name()},
                            {"to_port", receiver_.port()},
                            {"bytes", static_cast<std::int64_t>(bytes_between(begin, end))},
                            {"why", why}});
}

}  // namespace coracle::net::sim

// Who speaks, and whether it may. (N1 to N4, D8)
#include "raft/state.h"
#include "runtime/check.h"

namespace coracle::raft {

IdentityFault State::fault_of(const RequestHeader& header) const {
  if (header.cluster != identity_.cluster) return IdentityFault::wrong_cluster;
  if (header.from == identity_.self || header.from == kNobody) return IdentityFault::own_id;
  if (header.to != identity_.self) return IdentityFault::wrong_addressee;
  return fault_of_life(header.from, header.incarnation);
}

// A directory that held a promise is the only one that this server may ever come back with.
IdentityFault State::fault_of_life(ServerId server, const Incarnation& incarnation) const {
  const auto known = peers_.find(server);
  if (known == peers_.end() || !known->second.incarnation) return IdentityFault::none;
  const Incarnation& latest = *known->second.incarnation;
  if (incarnation.directory != latest.directory) {
    return known->second.has_promised ? IdentityFault::lost_directory : IdentityFault::none;
  }
  return incarnation.start < latest.start ? IdentityFault::earlier_incarnation
                                          : IdentityFault::none;
}

bool State::accept(const RequestHeader& header, bool has_promised) {
  const IdentityFault fault = fault_of(header);
  if (fault == IdentityFault::none) {
    note_life(header.from, header.incarnation, has_promised);
    return true;
  }
  report_fault(header.from, fault);
  return false;
}

// (T5, N1) The reply of the very server that was asked, to this question, of this life.
bool State::accept(const RequestHeader& asked, const ReplyHeader& reply, bool has_promised) {
  IdentityFault fault = IdentityFault::none;
  if (reply.cluster != identity_.cluster) {
    fault = IdentityFault::wrong_cluster;
  } else if (reply.to != identity_.self || reply.asker != identity_.incarnation) {
    fault = IdentityFault::wrong_addressee;
  } else if (reply.from != asked.to || reply.request != asked.request) {
    fault = IdentityFault::wrong_request;
  } else {
    fault = fault_of_life(reply.from, reply.incarnation);
  }
  if (fault == IdentityFault::none) {
    note_life(reply.from, reply.incarnation, has_promised);
    return true;
  }
  report_fault(reply.from, fault);
  return false;
}

// Only of members, so that strangers cannot make this table grow.
void State::note_life(ServerId server, const Incarnation& incarnation, bool has_promised) {
  const auto known = peers_.find(server);
  if (known == peers_.end()) return;
  Peer& peer = known->second;
  if (peer.incarnation != incarnation) {
    peer.timing_reported = false;
    peer.faults_reported.clear();
  }
  peer.incarnation = incarnation;
  peer.has_promised = peer.has_promised || has_promised;
}

State::Peer& State::known(ServerId server) {
  const auto found = peers_.find(server);
  return found == peers_.end() ? stranger_ : found->second;
}

// Each kind once per life of its sender, however many of them take turns: no peer fills the log.
void State::report_fault(ServerId sender, IdentityFault fault) {
  const bool is_new = known(sender).faults_reported.insert(fault).second;
  if (is_new) emit({.kind = EventKind::ignored_message, .peer = sender, .fault = fault});
}

Hello State::compose_hello(ServerId peer) {
  return {.header = header_to(peer), .timing = options_.timing};
}

std::optional<HelloReply> State::handle(const Hello& request) {
  if (!accept(request.header, /*has_promised=*/false)) return std::nullopt;
  compare_timing(request.header.from, request.timing);
  return HelloReply{.header = answer_to(request.header), .timing = options_.timing};
}

bool State::handle(const Hello& asked, const HelloReply& reply) {
  if (!accept(asked.header, reply.header, /*has_promised=*/false)) return false;
  compare_timing(reply.header.from, reply.timing);
  return true;
}

// Servers of one cluster should share their times: reported once per life. (C6)
void State::compare_timing(ServerId peer, const Timing& timing) {
  const auto known = peers_.find(peer);
  if (known == peers_.end() || timing == options_.timing) return;
  if (std::exchange(known->second.timing_reported, true)) return;
  emit({.kind = EventKind::found_other_timing, .peer = peer});
}

}  // namespace coracle::raft

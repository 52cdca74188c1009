// One State under a test's control, and the messages of its peers.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "raft/state.h"

namespace coracle::raft {

inline constexpr ClusterId kCluster = 77;
inline constexpr std::int64_t kWallTime = 1'700'000'000'000'000'000;  // of every clock on a wall

// Virtual time: a point so long after the start of the test.
constexpr TimePoint at(Duration since_start) {
  return TimePoint(std::chrono::hours(1)) + since_start;
}

constexpr Incarnation life(ServerId server, std::uint64_t start = 1) {
  return {.directory = 1000 + server, .start = start};
}

struct Setup {
  ServerId id = 1;
  std::vector<ServerId> voters = {1, 2, 3};
  std::vector<ServerId> learners = {};
  Options options = {};
  HardState hard_state = {};
  std::vector<Term> log = {};  // the terms of the entries that it found: durable, and on disk only
  std::uint64_t seed = 1;
  std::uint64_t start = 1;  // which start on its directory
};

// A server whose disk is as fast as the test wants: nothing is durable before `sync()`.
class Server {
 public:
  explicit Server(const Setup& setup = {}, TimePoint now = at({}))
      : random_(setup.seed),
        state(
            Identity{
                .cluster = kCluster, .self = setup.id, .incarnation = life(setup.id, setup.start)},
            setup.options, Configuration(setup.voters, setup.learners),
            Recovered{.hard_state = setup.hard_state, .change = 0, .log = Log(setup.log)}, random_,
            [this](const Event& event) { events.push_back(event); }, now) {}

  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // All changes so far are on disk.
  void sync(TimePoint now = at({})) { state.durable_up_to(state.last_change(), now); }

  // Lets the election deadline pass, and returns when that was.
  TimePoint time_out() {
    const TimePoint now = state.election_deadline();
    state.timeout(now);
    return now;
  }

  // Returns the formatted events since the last call.
  std::vector<std::string> take_events() {
    std::vector<std::string> lines;
    for (const Event& event : events) lines.push_back(format(event));
    events.clear();
    return lines;
  }

 private:
  Random random_;

 public:
  std::vector<Event> events;
  State state;
};

// ---- What peers send ----
inline RequestHeader from(ServerId sender, ServerId to = 1, RequestId request = 1) {
  return {.cluster = kCluster,
          .from = sender,
          .to = to,
          .incarnation = life(sender),
          .request = request};
}

inline RequestVote vote_request(ServerId candidate, Term term, LogPosition last_log = {}) {
  return {.header = from(candidate), .term = term, .last_log = last_log};
}

inline PreVote pre_vote_request(ServerId candidate, Term term, LogPosition last_log = {}) {
  return {.header = from(candidate), .term = term, .last_log = last_log};
}

inline AppendEntries heartbeat(ServerId leader, Term term, LogPosition previous = {},
                               LogIndex commit = 0) {
  AppendEntries request;
  request.header = from(leader);
  request.term = term;
  request.previous = previous;
  request.commit = commit;
  return request;
}

inline Entry command(Term term, std::string_view text = "x") {
  return {
      .term = term, .kind = EntryKind::command, .log_time = kWallTime, .data = SharedBytes(text)};
}

// Returns one entry for each term.
inline std::vector<Entry> entries_of(const std::vector<Term>& terms) {
  std::vector<Entry> entries;
  for (const Term term : terms) entries.push_back(command(term));
  return entries;
}

inline AppendEntries append_request(ServerId leader, Term term, LogPosition previous,
                                    const std::vector<Term>& terms, LogIndex commit = 0) {
  AppendEntries request = heartbeat(leader, term, previous, commit);
  request.entries = entries_of(terms);
  return request;
}

// ---- What peers answer ----
inline ReplyHeader answer(const RequestHeader& asked) {
  return {.cluster = asked.cluster,
          .from = asked.to,
          .to = asked.from,
          .incarnation = life(asked.to),
          .request = asked.request,
          .asker = asked.incarnation};
}

inline RequestVoteReply grant(const Outgoing<RequestVote>& asked) {
  return {.header = answer(asked.message.header), .term = asked.message.term, .granted = true};
}

inline RequestVoteReply refuse(const Outgoing<RequestVote>& asked, Term own_term,
                               Refusal refusal = Refusal::log_behind) {
  return {.header = answer(asked.message.header), .term = own_term, .refusal = refusal};
}

inline PreVoteReply grant(const Outgoing<PreVote>& asked) {
  return {.header = answer(asked.message.header), .term = asked.message.term, .granted = true};
}

inline PreVoteReply refuse(const Outgoing<PreVote>& asked, Term own_term,
                           Refusal refusal = Refusal::log_behind) {
  return {.header = answer(asked.message.header), .term = own_term, .refusal = refusal};
}

// All that was sent is there, and durable.
inline AppendEntriesReply acknowledge(const Outgoing<AppendEntries>& asked) {
  const AppendEntries& request = asked.message;
  AppendEntriesReply reply;
  reply.header = answer(request.header);
  reply.term = request.term;
  reply.success = true;
  reply.matched = request.previous;
  if (!request.entries.empty()) {
    reply.matched = {.term = request.entries.back().term,
                     .index = request.previous.index + request.entries.size()};
  }
  reply.durable = reply.matched;
  reply.read_round = request.read_round;
  return reply;
}

// The entry before is not there; look there.
inline AppendEntriesReply refuse(const Outgoing<AppendEntries>& asked, LogPosition conflict) {
  AppendEntriesReply reply;
  reply.header = answer(asked.message.header);
  reply.term = asked.message.term;
  reply.refusal = Refusal::log_mismatch;
  reply.conflict = conflict;
  reply.read_round = asked.message.read_round;
  return reply;
}

// ---- Getting somewhere ----
// A candidate of the next term, its own vote durable; through a pre-vote round where that is on.
inline TimePoint become_candidate(Server& server) {
  const TimePoint now = server.time_out();
  if (server.state.asks_for_pre_votes()) {
    for (const ServerId peer :
         server.state.configuration().voters_except(server.state.identity().self)) {
      const Outgoing<PreVote> asked = server.state.compose_pre_vote(peer);
      server.state.handle(asked, grant(asked), now);
    }
    server.state.begin_election(now);
  }
  server.sync();
  return now;
}

// The leader of the next term, elected by all; its first entry is on its way to the disk.
inline TimePoint win_election(Server& server) {
  const TimePoint now = become_candidate(server);
  for (const ServerId peer :
       server.state.configuration().voters_except(server.state.identity().self)) {
    const Outgoing<RequestVote> asked = server.state.compose_request_vote(peer);
    server.state.handle(asked, grant(asked), now);
  }
  server.state.become_leader(now, kWallTime);
  server.take_events();
  return now;
}

// The same; its first entry is durable here, and nobody else has it.
inline TimePoint become_leader(Server& server) {
  const TimePoint now = win_election(server);
  server.sync(now);
  return now;
}

}  // namespace coracle::raft

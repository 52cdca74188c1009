// One State under a test's control, and the messages of its peers.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "raft/state.h"

namespace coracle::raft {

inline constexpr ClusterId kCluster = 77;

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
  std::vector<Term> log = {};            // the terms of its entries
  std::optional<LogIndex> durable = {};  // how many of them; all, if not said
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
            Recovered{.hard_state = setup.hard_state,
                      .change = 0,
                      .log = Log(setup.log, setup.durable.value_or(setup.log.size()))},
            random_, [this](const Event& event) { events.push_back(event); }, now) {}

  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // All changes so far are on disk.
  void sync() { state.durable_up_to(state.last_change()); }

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

inline AppendEntriesReply acknowledge(const Outgoing<AppendEntries>& asked) {
  AppendEntriesReply reply;
  reply.header = answer(asked.message.header);
  reply.term = asked.message.term;
  reply.success = true;
  reply.matched = reply.durable = asked.message.previous;
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

// The leader of the next term, elected by all.
inline TimePoint become_leader(Server& server) {
  const TimePoint now = become_candidate(server);
  for (const ServerId peer :
       server.state.configuration().voters_except(server.state.identity().self)) {
    const Outgoing<RequestVote> asked = server.state.compose_request_vote(peer);
    server.state.handle(asked, grant(asked), now);
  }
  server.state.become_leader(now);
  server.take_events();
  return now;
}

}  // namespace coracle::raft

#include "raft/sim/client_desk.h"

#include <utility>

#include "raft/proposal_errors.h"
#include "runtime/check.h"

namespace coracle::raft::sim {

std::string_view to_string(ClientAnswer::Kind kind) {
  switch (kind) {
    case ClientAnswer::Kind::done: return "done";
    case ClientAnswer::Kind::not_leader: return "not_leader";
    case ClientAnswer::Kind::unknown: return "unknown";
    case ClientAnswer::Kind::expired: return "expired";
  }
  return "?";
}

void ClientDesk::ask(ClientRequest request, Answered answered) {
  waiting_.push_back({.request = std::move(request), .answered = std::move(answered)});
  asked_.notify_one();
}

Task<> ClientDesk::run(TaskGroup& group) {
  for (;;) {
    while (waiting_.empty()) co_await asked_.wait();
    group.spawn("client", &ClientDesk::serve, this, std::move(waiting_.front()));
    waiting_.pop_front();
  }
}

Task<> ClientDesk::serve(Waiting waiting) {
  ClientAnswer given;
  try {
    given = co_await answer(waiting.request);
  } catch (const NotLeader& refused) {
    given.kind = ClientAnswer::Kind::not_leader;
    given.leader = refused.leader();
  } catch (const SessionExpired&) {
    given.kind = ClientAnswer::Kind::expired;
  } catch (const OutcomeUnknown&) {
    given.kind = ClientAnswer::Kind::unknown;
  }
  waiting.answered(given);
}

Task<ClientAnswer> ClientDesk::answer(ClientRequest request) {
  ClientAnswer given;
  given.kind = ClientAnswer::Kind::done;
  if (const auto* opened = std::get_if<AskedSession>(&request)) {
    given.session = co_await node_.open_session(opened->idle_max);
  } else if (const auto* read = std::get_if<AskedRead>(&request)) {
    co_await node_.read_barrier();
    given.value = map_.find(read->key);
  } else {
    const AskedCommand& asked = std::get<AskedCommand>(request);
    SharedBytes command = encode(asked.command);
    SharedBytes result;
    if (asked.session) {
      result = co_await node_.propose(std::move(command), *asked.session);
    } else {
      result = co_await node_.propose(std::move(command));
    }
    const std::optional<MapResult> decoded = decode_map_result(result);
    CORACLE_CHECK(decoded.has_value(), "a command of the map has a result of the map");
    given.result = *decoded;
  }
  co_return given;
}

}  // namespace coracle::raft::sim

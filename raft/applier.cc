#include "raft/applier.h"

#include <optional>
#include <utility>

#include "runtime/check.h"

namespace coracle::raft {

// Commands that go to the state machine with one call.
struct Applier::Waiting {
  std::vector<Command> commands;
  std::vector<std::size_t> places;  // of each, among the entries
  std::vector<std::optional<SessionCommand>> sessions;

  void add(const Command& command, std::size_t place, std::optional<SessionCommand> session) {
    commands.push_back(command);
    places.push_back(place);
    sessions.push_back(session);
  }
};

Task<std::vector<Applied>> Applier::apply(LogIndex first, std::span<const Entry> entries) {
  std::vector<Applied> applied(entries.size());
  Waiting waiting;
  for (std::size_t place = 0; place < entries.size(); ++place) {
    const Entry& entry = entries[place];
    const LogIndex index = first + place;
    sessions_.advance(entry.log_time);
    Command command{.index = index, .log_time = entry.log_time, .data = entry.data.view()};
    if (entry.kind == EntryKind::command) waiting.add(command, place, std::nullopt);
    if (entry.kind == EntryKind::session) applied[place] = change_session(index, entry);
    if (entry.kind != EntryKind::session_command) continue;

    const std::optional<SessionCommand> session = decode_command(command.data);
    if (!session) {  // of a version that this one does not know: nobody applies it (wire.cc)
      applied[place].expired = true;
      continue;
    }
    command.data = command.data.subspan(kSessionCommandBytes);
    Sessions::Looked looked = sessions_.look(*session, entry.log_time);
    if (looked.verdict == Sessions::Verdict::pending) {
      co_await flush(waiting, applied);
      looked = sessions_.look(*session, entry.log_time);
    }
    switch (looked.verdict) {
      case Sessions::Verdict::apply: waiting.add(command, place, session); break;
      case Sessions::Verdict::repeated: applied[place].result = looked.result; break;
      default: applied[place].expired = true;
    }
  }
  co_await flush(waiting, applied);
  co_return applied;
}

Task<> Applier::flush(Waiting& waiting, std::vector<Applied>& applied) {
  if (waiting.commands.empty()) co_return;
  const std::vector<SharedBytes> results = co_await machine_.apply(waiting.commands);
  CORACLE_CHECK(results.size() == waiting.commands.size(), "a state machine answers each command");
  for (std::size_t i = 0; i < results.size(); ++i) {
    applied[waiting.places[i]].result = results[i];
    if (waiting.sessions[i]) sessions_.answered(*waiting.sessions[i], results[i]);
  }
  waiting = {};
}

Applied Applier::change_session(LogIndex index, const Entry& entry) {
  const std::optional<SessionChange> change = decode_change(entry.data);
  Applied applied;
  applied.expired = !change;
  if (!change) return applied;
  if (const auto* open = std::get_if<OpenSession>(&*change)) {
    sessions_.open(index, *open, entry.log_time);
  } else if (const auto* keep = std::get_if<KeepSession>(&*change)) {
    applied.expired = !sessions_.keep(keep->session, entry.log_time);
  } else {
    applied.expired = !sessions_.close(std::get<CloseSession>(*change).session);
  }
  return applied;
}

}  // namespace coracle::raft

#include "raft/sessions.h"

#include <algorithm>
#include <limits>

#include "raft/little_endian.h"
#include "runtime/check.h"

namespace coracle::raft {
namespace {

constexpr std::size_t kWord = 8;
constexpr std::size_t kChangeBytes = 2 * kWord;  // which kind, and its number

std::int64_t later(std::int64_t time, Duration by) {
  const std::int64_t most = std::numeric_limits<std::int64_t>::max();
  return by.count() > most - std::max<std::int64_t>(time, 0) ? most : time + by.count();
}

}  // namespace

// ---- Bytes ----

SharedBytes encode(const SessionChange& change) {
  std::vector<std::byte> bytes(kChangeBytes);
  std::uint64_t number = 0;
  if (const auto* open = std::get_if<OpenSession>(&change)) {
    number = static_cast<std::uint64_t>(open->idle_max.count());
  } else if (const auto* keep = std::get_if<KeepSession>(&change)) {
    number = keep->session;
  } else {
    number = std::get<CloseSession>(change).session;
  }
  put_little_endian(bytes, 0, std::uint64_t{change.index()});
  put_little_endian(bytes, kWord, number);
  return SharedBytes(bytes);
}

std::optional<SessionChange> decode_change(std::span<const std::byte> data) {
  if (data.size() != kChangeBytes) return std::nullopt;
  const auto number = get_little_endian<std::uint64_t>(data, kWord);
  switch (get_little_endian<std::uint64_t>(data, 0)) {
    case 0: {
      if (number == 0 || number > std::numeric_limits<std::int64_t>::max()) return std::nullopt;
      return OpenSession{.idle_max = Duration(static_cast<std::int64_t>(number))};
    }
    case 1: return KeepSession{.session = number};
    case 2: return CloseSession{.session = number};
    default: return std::nullopt;
  }
}

SharedBytes encode(const SessionCommand& command, std::span<const std::byte> data) {
  std::vector<std::byte> bytes(kSessionCommandBytes);
  put_little_endian(bytes, 0, command.session);
  put_little_endian(bytes, kWord, command.sequence);
  put_little_endian(bytes, 2 * kWord, command.lowest_unanswered);
  bytes.insert(bytes.end(), data.begin(), data.end());
  return SharedBytes(bytes);
}

std::optional<SessionCommand> decode_command(std::span<const std::byte> data) {
  if (data.size() < kSessionCommandBytes) return std::nullopt;
  return SessionCommand{.session = get_little_endian<std::uint64_t>(data, 0),
                        .sequence = get_little_endian<std::uint64_t>(data, kWord),
                        .lowest_unanswered = get_little_endian<std::uint64_t>(data, 2 * kWord)};
}

// ---- Sessions ----

void Sessions::advance(std::int64_t log_time) {
  while (!expiries_.empty() && expiries_.begin()->first < log_time) {
    forget(sessions_.find(expiries_.begin()->second));
  }
}

void Sessions::forget(std::map<SessionId, Session>::iterator session) {
  expiries_.erase({session->second.expires, session->first});
  uses_.erase(session->second.used);
  sessions_.erase(session);
}

void Sessions::touch(SessionId id, Session& session, std::int64_t log_time) {
  expiries_.erase({session.expires, id});
  session.expires = later(log_time, session.idle_max);
  expiries_.insert({session.expires, id});
  uses_.erase(session.used);
  session.used = ++last_use_;
  uses_.emplace(session.used, id);
}

void Sessions::open(SessionId session, const OpenSession& open, std::int64_t log_time) {
  if (sessions_.size() >= kMost) forget(sessions_.find(uses_.begin()->second));
  const auto [opened, is_new] = sessions_.try_emplace(session);
  CORACLE_CHECK(is_new, "each entry opens a session of its own");
  opened->second.idle_max = open.idle_max;
  touch(session, opened->second, log_time);
}

bool Sessions::keep(SessionId session, std::int64_t log_time) {
  const auto kept = sessions_.find(session);
  if (kept == sessions_.end()) return false;
  touch(session, kept->second, log_time);
  return true;
}

bool Sessions::close(SessionId session) {
  const auto closed = sessions_.find(session);
  if (closed == sessions_.end()) return false;
  forget(closed);
  return true;
}

Sessions::Looked Sessions::look(const SessionCommand& command, std::int64_t log_time) {
  const auto known = sessions_.find(command.session);
  if (known == sessions_.end()) return {};
  Session& session = known->second;
  touch(command.session, session, log_time);
  session.lowest_unanswered = std::max(session.lowest_unanswered, command.lowest_unanswered);
  session.results.erase(session.results.begin(),
                        session.results.lower_bound(session.lowest_unanswered));
  if (command.sequence < session.lowest_unanswered) return {};
  if (command.sequence - session.lowest_unanswered >= kWindow) return {};
  const auto [result, is_new] = session.results.try_emplace(command.sequence);
  if (is_new) return {.verdict = Verdict::apply};
  if (!result->second) return {.verdict = Verdict::pending};
  return {.verdict = Verdict::repeated, .result = *result->second};
}

void Sessions::answered(const SessionCommand& command, const SharedBytes& result) {
  const auto known = sessions_.find(command.session);
  if (known == sessions_.end()) return;  // closed by the same batch
  const auto waits = known->second.results.find(command.sequence);
  if (waits != known->second.results.end()) waits->second = result;
}

std::size_t Sessions::results_of(SessionId session) const {
  const auto known = sessions_.find(session);
  return known == sessions_.end() ? 0 : known->second.results.size();
}

}  // namespace coracle::raft

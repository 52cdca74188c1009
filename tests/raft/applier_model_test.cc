// Any log, applied in any batches, comes to the same: R3, B61.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "raft/applier.h"
#include "tests/raft/recording_machine.h"

namespace coracle::raft {
namespace {

using namespace std::chrono_literals;

// ---- Any log ----

enum class Step : std::uint8_t { no_op, command, open, keep, close, session_command };

// Few sessions, few numbers and times that are about as long as they live: so commands are
// repeated, given up and late.
std::vector<Entry> any_log() {
  const auto steps = *rc::gen::container<std::vector<std::tuple<Step, std::uint64_t>>>(
      rc::gen::tuple(rc::gen::weightedElement<Step>({{1, Step::no_op},
                                                     {2, Step::command},
                                                     {3, Step::open},
                                                     {2, Step::keep},
                                                     {1, Step::close},
                                                     {12, Step::session_command}}),
                     rc::gen::inRange<std::uint64_t>(0, 1'000'000)));
  std::vector<Entry> log;
  std::vector<SessionId> opened = {500};  // unknown
  std::int64_t time = 0;
  for (const auto& [step, any] : steps) {
    time += static_cast<std::int64_t>(any % 20);
    const SessionId session =
        opened[opened.size() - 1 - any / 20 % std::min<std::size_t>(opened.size(), 3)];
    switch (step) {
      case Step::no_op: log.push_back({.term = 1, .log_time = time}); break;
      case Step::command:
        log.push_back(command_entry("c" + std::to_string(log.size()), time));
        break;
      case Step::open:
        log.push_back(session_entry(
            OpenSession{.idle_max = Duration(static_cast<std::int64_t>(1 + any % 100))}, time));
        opened.push_back(log.size());
        break;
      case Step::keep: log.push_back(session_entry(KeepSession{.session = session}, time)); break;
      case Step::close: log.push_back(session_entry(CloseSession{.session = session}, time)); break;
      case Step::session_command: {
        const std::uint64_t sequence = any / 60 % 5;
        const std::uint64_t lowest = any / 300 % 4 == 0 ? any / 1200 % 4 : 1;
        const std::string text = std::to_string(session) + "#" + std::to_string(sequence);
        log.push_back(session_command_entry(
            {.session = session, .sequence = sequence, .lowest_unanswered = lowest}, text, time));
        break;
      }
    }
  }
  return log;
}

// ---- The model: one entry after the other, and every session looked at each time ----

class Model {
 public:
  // What comes of the next entry: its result, or "expired".
  std::string apply(const Entry& entry) {
    ++index_;
    std::erase_if(sessions_, [&](const auto& one) {
      return entry.log_time - one.second.used > one.second.idle_max.count();
    });
    switch (entry.kind) {
      case EntryKind::command: return result(entry.data);
      case EntryKind::session: return change(entry);
      case EntryKind::session_command: return command(entry);
      default: return "";
    }
  }

  [[nodiscard]] std::size_t size() const { return sessions_.size(); }
  [[nodiscard]] std::size_t results_of(SessionId id) const {
    return sessions_.contains(id) ? sessions_.at(id).results.size() : 0;
  }

 private:
  struct Session {
    Duration idle_max{};
    std::int64_t used = 0;
    std::uint64_t lowest = 1;
    std::map<std::uint64_t, std::string> results{};
  };

  [[nodiscard]] std::string result(const SharedBytes& data) const {
    return std::string(data.text()) + "@" + std::to_string(index_);
  }
  std::string change(const Entry& entry) {
    const SessionChange change = decode_change(entry.data).value();
    if (const auto* open = std::get_if<OpenSession>(&change)) {
      sessions_[index_] = {.idle_max = open->idle_max, .used = entry.log_time};
      return "";
    }
    if (const auto* keep = std::get_if<KeepSession>(&change)) {
      if (!sessions_.contains(keep->session)) return "expired";
      sessions_.at(keep->session).used = entry.log_time;
      return "";
    }
    return sessions_.erase(std::get<CloseSession>(change).session) > 0 ? "" : "expired";
  }
  std::string command(const Entry& entry) {
    const SessionCommand command = decode_command(entry.data).value();
    if (!sessions_.contains(command.session)) return "expired";
    Session& session = sessions_.at(command.session);
    session.used = entry.log_time;
    session.lowest = std::max(session.lowest, command.lowest_unanswered);
    std::erase_if(session.results, [&](const auto& one) { return one.first < session.lowest; });
    if (command.sequence < session.lowest) return "expired";
    if (!session.results.contains(command.sequence)) {
      const SharedBytes data(entry.data.view().subspan(kSessionCommandBytes));
      session.results[command.sequence] = result(data);
    }
    return session.results.at(command.sequence);
  }

  LogIndex index_ = 0;
  std::map<SessionId, Session> sessions_;
};

// ---- One server ----

struct Replica {
  RecordingMachine machine;
  Applier applier{machine};
  std::vector<std::string> outcomes;

  // In batches of `sizes`, over and over.
  void apply_all(const std::vector<Entry>& log, const std::vector<std::size_t>& sizes) {
    std::size_t next = 0;
    for (std::size_t batch = 0; next < log.size(); ++batch) {
      const std::size_t size = std::min(sizes[batch % sizes.size()], log.size() - next);
      for (const Applied& one : apply(applier, next + 1, std::span(log).subspan(next, size))) {
        outcomes.emplace_back(one.expired ? "expired" : one.result.text());
      }
      next += size;
    }
  }
};

RC_GTEST_PROP(ApplierModel, BatchesMakeNoDifference, ()) {
  const std::vector<Entry> log = any_log();
  const auto sizes = *rc::gen::nonEmpty(
      rc::gen::container<std::vector<std::size_t>>(rc::gen::inRange<std::size_t>(1, 20)));
  Replica first;
  Replica second;
  first.apply_all(log, {1});
  second.apply_all(log, sizes);
  RC_ASSERT(first.outcomes == second.outcomes);
  RC_ASSERT(first.machine.applied == second.machine.applied);
  RC_ASSERT(first.machine.log_times == second.machine.log_times);

  Model model;
  std::vector<std::string> expected;
  for (const Entry& entry : log) expected.push_back(model.apply(entry));
  RC_ASSERT(first.outcomes == expected);
  for (const Replica* replica : {&first, &second}) {
    const Sessions& sessions = replica->applier.sessions();
    RC_ASSERT(sessions.size() == model.size());
    for (SessionId id = 0; id <= log.size() + 1; ++id) {
      RC_ASSERT(sessions.results_of(id) == model.results_of(id));
    }
  }

  // B61: no command of a session twice, and none that was said to be expired.
  std::set<std::string> once;
  for (const std::string& text : second.machine.applied) RC_ASSERT(once.insert(text).second);
}

}  // namespace
}  // namespace coracle::raft

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "apps/commands.h"
#include "apps/whole_file.h"
#include "raft/hard_state.h"
#include "raft/log_scan.h"
#include "runtime/error.h"
#include "runtime/file.h"
#include "runtime/run.h"

namespace coracle::demo {
namespace {

using raft::LogRecord;
using raft::RecordKind;

struct LogFlags {
  std::string directory;
  bool records = false;
};

std::string describe(const LogRecord& record) {
  const auto& [term, index] = record.position;
  if (record.kind == RecordKind::truncation) {
    return fmt::format("truncation keeps=1..{} term={}", index, term);
  }
  return fmt::format("entry index={} term={} kind={} bytes={}", index, term,
                     raft::to_string(record.entry_kind), record.data.size());
}

// What one segment holds, by itself.
void show_segment(const std::string& name, std::span<const std::byte> file, bool records) {
  std::string why;
  const auto header = raft::read_segment_header(file, why);
  if (!header) return;  // the scan of all says what is wrong
  std::size_t entries = 0;
  std::size_t truncations = 0;
  const auto tail = raft::scan_segment(file, *header, [&](const LogRecord& record, std::size_t at) {
    ++(record.kind == RecordKind::entry ? entries : truncations);
    if (records) fmt::print("  byte={} change={} {}\n", at, record.change, describe(record));
  });
  fmt::print("{} bytes={} used={} entries={} truncations={}\n", name, header->size, tail.end,
             entries, truncations);
}

// Reads a segment that its server may be writing to: then the end of what is read is older than its
// beginning, or the other way round, and looks torn or damaged. It does so only once.
Task<std::string> read_segment(std::string path) {
  std::string before;
  for (int again = 0; again < 100; ++again) {
    std::string content = co_await read_whole_file(path);
    const auto file = std::as_bytes(std::span(content));
    std::string why;
    const auto header = raft::read_segment_header(file, why);
    const bool is_whole = header && !raft::scan_segment(file, *header, {}).torn();
    if (is_whole || content == before) co_return content;
    before = std::move(content);
  }
  co_return before;
}

[[noreturn]] void refuse(const std::string& path, const std::string& why) {
  throw Error(EBADMSG, "read", path + " (" + why + ")");
}

// Whose log it is: what its first segment says of itself.
Task<raft::Identity> owner_of(std::string path) {
  const std::string content = co_await read_whole_file(path);
  std::string why;
  const auto header = raft::read_segment_header(std::as_bytes(std::span(content)), why);
  if (!header) refuse(path, why);
  co_return raft::Identity{.cluster = header->cluster, .self = header->server};
}

Task<raft::ReadHardState> read_hard_state_in(std::string directory, raft::Identity owner) {
  const std::string content = co_await read_whole_file(directory + "/hard_state");
  const auto file = std::as_bytes(std::span(content));
  raft::ReadHardState found = raft::read_hard_state(file, owner.cluster, owner.self);
  if (!found.refusal.empty()) refuse(directory, found.refusal);
  co_return found;
}

Task<std::vector<std::string>> segments_in(std::string directory) {
  std::vector<std::string> names = co_await list_directory(directory);
  std::erase_if(names, [](const std::string& name) { return !raft::segment_number(name); });
  std::ranges::sort(names, {}, [](const std::string& name) { return raft::segment_number(name); });
  if (names.empty()) throw Error(ENOENT, "read", directory + " (it has no segments)");
  co_return names;
}

void show_end(const raft::HardStateRecord& server, const raft::LogScan& scan) {
  fmt::print("hard_state term={} vote={} start={} change={}\n", server.hard_state.term,
             server.hard_state.vote, server.identity.incarnation.start, server.change);
  fmt::print("cluster={} server={} entries={} last_term={} change={}\n", server.identity.cluster,
             server.identity.self, scan.terms().last_index(), scan.terms().last().term,
             scan.change());
}

// The server may run meanwhile: what hard_state knew of the log before that was read is in it, and
// what the log knows of hard_state is there afterwards.
Task<> show_log(const LogFlags& flags) {
  const std::string directory = flags.directory + "/log";
  const std::vector<std::string> names = co_await segments_in(directory);
  const raft::Identity owner = co_await owner_of(directory + "/" + names.front());
  const raft::ReadHardState before = co_await read_hard_state_in(flags.directory, owner);
  raft::LogScan scan(before.record.identity);
  for (const std::string& name : names) {
    const std::string content = co_await read_segment(directory + "/" + name);
    const auto file = std::as_bytes(std::span(content));
    show_segment(name, file, flags.records);
    if (!scan.add(name, file)) refuse(directory, scan.refusal());
  }
  raft::ReadHardState after = co_await read_hard_state_in(flags.directory, owner);
  after.record.log = before.record.log;
  if (!scan.finish(after.record)) refuse(directory, scan.refusal());
  for (const std::string& damage : scan.damages()) fmt::print("torn: {}\n", damage);
  show_end(after.record, scan);
}

}  // namespace

void add_log(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("log", "Prints and checks a server's log, without writing to it");
  const auto flags = std::make_shared<LogFlags>();
  command->add_option("directory", flags->directory, "The server's data directory")->required();
  command->add_flag("--records", flags->records, "Prints each record");
  command->callback([flags] { run(show_log(*flags)); });
}

}  // namespace coracle::demo

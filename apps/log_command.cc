#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "apps/commands.h"
#include "apps/whole_file.h"
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

// Whose log it is: what its first segment says of itself.
raft::Identity owner_of(std::span<const std::byte> file) {
  std::string why;
  const auto header = raft::read_segment_header(file, why);
  if (!header) return {};
  return {.cluster = header->cluster,
          .self = header->server,
          .incarnation = {.directory = header->directory, .start = 0}};
}

Task<> show_log(const LogFlags& flags) {
  const std::string directory = flags.directory + "/log";
  std::vector<std::string> names = co_await list_directory(directory);
  std::erase_if(names, [](const std::string& name) { return !raft::segment_number(name); });
  std::ranges::sort(names, {}, [](const std::string& name) { return raft::segment_number(name); });
  if (names.empty()) throw Error(ENOENT, "read", directory + " (it has no segments)");

  std::unique_ptr<raft::LogScan> scan;
  for (const std::string& name : names) {
    const std::string content = co_await read_whole_file(directory + "/" + name);
    const auto file = std::as_bytes(std::span(content));
    if (scan == nullptr) scan = std::make_unique<raft::LogScan>(owner_of(file));
    show_segment(name, file, flags.records);
    if (!scan->add(name, file))
      throw Error(EBADMSG, "read", directory + " (" + scan->refusal() + ")");
  }
  for (const std::string& damage : scan->damages()) fmt::print("torn: {}\n", damage);
  const raft::SegmentHeader& owner = scan->headers().front();
  const raft::LogPosition last = scan->terms().last();
  fmt::print("cluster={} server={} entries={} last_term={} change={}\n", owner.cluster,
             owner.server, last.index, last.term, scan->change());
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

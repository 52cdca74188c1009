#include "apps/seed_batch.h"

#include <charconv>
#include <optional>
#include <utility>

#include "apps/pipe_lines.h"
#include "apps/simulate_worker.h"
#include "runtime/process.h"
#include "runtime/task_group.h"

namespace coracle::demo {
namespace {

// What one process has said so far.
struct Said {
  std::uint64_t next;  // the first seed that has not ended
  std::optional<std::uint64_t> begun;
  std::string error;
  std::string details;
};

std::uint64_t number_in(std::string_view text) {
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

void take_line(std::string_view line, Said& said, const BatchListener& listener) {
  if (line.starts_with(kSeedBegins)) {
    said.begun = number_in(line.substr(kSeedBegins.size()));
    return;
  }
  if (line.starts_with(kSeedDetail)) {
    said.details += std::string(line.substr(kSeedDetail.size())) + "\n";
    return;
  }
  if (line.starts_with(kOperation)) {
    if (listener.operated) listener.operated(line.substr(kOperation.size()));
    return;
  }
  const bool passed = line.starts_with(kSeedPassed);
  if (!passed && !line.starts_with(kSeedFailed)) {
    if (listener.traced) listener.traced(line);
    return;
  }
  const std::string_view rest = line.substr(kSeedPassed.size());
  const std::size_t blank = rest.find(' ');
  said.begun.reset();
  said.next = number_in(rest) + 1;
  listener.ended({.seed = number_in(rest),
                  .failure = passed ? "" : std::string(rest.substr(blank + 1)),
                  .details = std::exchange(said.details, {})});
}

Task<> read_output(PipeReader& output, Said& said, const BatchListener& listener) {
  PipeLines lines(std::move(output));
  for (;;) {
    const std::optional<std::string> line = co_await lines.read_line();
    if (!line) co_return;
    take_line(*line, said, listener);
  }
}

// Keeps the beginning: what follows is the trace, which `--trace` shows in full.
Task<> read_error(PipeReader& error, Said& said) {
  constexpr std::size_t kKept = 64 * 1024;
  PipeLines lines(std::move(error));
  for (;;) {
    const std::optional<std::string> line = co_await lines.read_line();
    if (!line) co_return;
    if (said.error.size() < kKept) said.error += *line + "\n";
  }
}

Task<ExitStatus> run_process(const std::vector<std::string>& arguments, Said& said,
                             const BatchListener& listener) {
  ProcessOptions options(this_program(), arguments);
  options.input = ChildStream::null;
  options.output = ChildStream::pipe;
  options.error = ChildStream::pipe;
  Process process = Process::spawn(options);
  co_await task_group([&](TaskGroup& group) -> Task<> {
    group.spawn("output", read_output, std::ref(process.output()), std::ref(said),
                std::cref(listener));
    group.spawn("error", read_error, std::ref(process.error()), std::ref(said));
    co_return;
  });
  co_return co_await process.wait();
}

SeedResult died(const Said& said, const ExitStatus& status) {
  const std::string how = status.signal != 0
                              ? "the process died of signal " + std::to_string(status.signal)
                              : "the process ended with status " + std::to_string(status.code);
  const std::string first = said.error.substr(0, said.error.find('\n'));
  return {.seed = said.begun.value_or(said.next),
          .failure = first.empty() ? how : first,
          .details = said.error};
}

}  // namespace

Task<> run_batch(const SimulateFlags& flags, std::uint64_t first, std::uint64_t count,
                 const std::set<std::size_t>& without, const BatchListener& listener) {
  const std::uint64_t end = first + count;
  Said said{.next = first, .begun = {}, .error = {}, .details = {}};
  while (said.next < end) {
    said.begun.reset();
    said.error.clear();
    const std::vector<std::string> arguments = flags.worker(said.next, end - said.next, without);
    const ExitStatus status = co_await run_process(arguments, said, listener);
    if (said.next >= end) co_return;
    const SeedResult result = died(said, status);
    listener.ended(result);
    said.next = result.seed + 1;
  }
}

}  // namespace coracle::demo

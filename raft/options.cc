#include "raft/options.h"

#include <array>
#include <cstdio>

namespace coracle::raft {
namespace {

// Milliseconds without trailing zeros: 150, 12.5, 0.000001.
std::string milliseconds(Duration span) {
  std::array<char, 64> text{};
  const double value = std::chrono::duration<double, std::milli>(span).count();
  const int written = std::snprintf(text.data(), text.size(), "%.12g", value);
  return {text.data(), static_cast<std::size_t>(written)};
}

std::string validate(const Replication& replication) {
  constexpr std::size_t kMost = std::size_t{64} << 20;
  if (replication.command_bytes_max == 0 || replication.command_bytes_max > kMost) {
    return "a command may have 1 to " + std::to_string(kMost) + " bytes, not " +
           std::to_string(replication.command_bytes_max);
  }
  if (replication.batch_bytes > kMost) {
    return "a batch may have up to " + std::to_string(kMost) + " bytes, not " +
           std::to_string(replication.batch_bytes);
  }
  constexpr std::size_t kMessagesMost = 32;  // a follower serves 64 requests at a time
  if (replication.window_messages == 0) {
    return "at least 1 message with entries must be allowed on the way to a follower";
  }
  if (replication.window_messages > kMessagesMost) {
    return "at most " + std::to_string(kMessagesMost) +
           " messages with entries may be on the way to a follower, not " +
           std::to_string(replication.window_messages);
  }
  if (replication.proposal_bytes_max > 4 * kMost) {
    return "up to " + std::to_string(4 * kMost) + " bytes of commands may be under way, not " +
           std::to_string(replication.proposal_bytes_max);
  }
  if (replication.window_bytes == 0) {
    return "at least 1 byte of entries must be allowed on the way to a follower";
  }
  return {};
}

}  // namespace

std::string validate(const Options& options) {
  const Timing& timing = options.timing;
  if (timing.heartbeat <= Duration::zero()) {
    return "the heartbeat interval must be longer than 0 ms, not " +
           milliseconds(timing.heartbeat) + " ms";
  }
  if (timing.timeout_min > timing.timeout_max) {
    return "the shortest election timeout (" + milliseconds(timing.timeout_min) +
           " ms) must not exceed the longest (" + milliseconds(timing.timeout_max) + " ms)";
  }
  if (timing.heartbeat > timing.timeout_min / 2) {
    return "the heartbeat interval (" + milliseconds(timing.heartbeat) +
           " ms) must be at most half the shortest election timeout (" +
           milliseconds(timing.timeout_min) + " ms), else one lost heartbeat elects a new leader";
  }
  if (timing.timeout_max > std::chrono::hours(24)) {
    return "the longest election timeout must be at most 24 hours, not " +
           milliseconds(timing.timeout_max) + " ms";
  }
  return validate(options.replication);
}

std::string to_string(const Timing& timing) {
  return "election_timeout=" + milliseconds(timing.timeout_min) + "-" +
         milliseconds(timing.timeout_max) + "ms heartbeat=" + milliseconds(timing.heartbeat) + "ms";
}

}  // namespace coracle::raft

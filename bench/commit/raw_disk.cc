// What the disk alone allows: one thread that writes records of the size that a log's have, so many
// at a time, and syncs after each time. Nothing else has to wait for anything.
//
//   commit_raw_disk DIRECTORY RECORDS MILLISECONDS
//
// Prints one line of JSON.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "bench/commit/histogram.h"

namespace {

using coracle::bench::commit::Histogram;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kRecordBytes = 128;  // an entry of 64 bytes and its header
constexpr std::size_t kFileBytes = std::size_t{64} << 20U;

struct Measured {
  double seconds = 0;
  Histogram took;
};

// Returns    false, with errno, if the disk failed.
bool fill(int file) {
  const std::vector<char> zeros(std::size_t{1} << 20U);
  for (std::size_t at = 0; at < kFileBytes; at += zeros.size()) {
    if (::pwrite(file, zeros.data(), zeros.size(), static_cast<off_t>(at)) < 0) return false;
  }
  return ::fsync(file) == 0;
}

bool write_groups(int file, std::size_t records, double seconds, Measured& measured) {
  const std::vector<char> group(records * kRecordBytes, 'x');
  const Clock::time_point begin = Clock::now();
  std::size_t at = 0;
  while (measured.seconds < seconds) {
    const Clock::time_point before = Clock::now();
    if (at + group.size() > kFileBytes) at = 0;
    if (::pwrite(file, group.data(), group.size(), static_cast<off_t>(at)) < 0) return false;
    if (::fdatasync(file) != 0) return false;
    at += group.size();
    const Clock::time_point after = Clock::now();
    measured.took.add(after - before);
    measured.seconds = std::chrono::duration<double>(after - begin).count();
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t records = argc == 4 ? std::strtoull(argv[2], nullptr, 10) : 0;
  const double seconds = argc == 4 ? std::strtod(argv[3], nullptr) / 1000 : 0;
  if (records == 0 || records * kRecordBytes > kFileBytes || seconds <= 0) {
    std::fputs("usage: commit_raw_disk DIRECTORY RECORDS MILLISECONDS\n", stderr);
    return 2;
  }
  const std::string path = std::string(argv[1]) + "/raw";
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  Measured measured;
  if (file < 0 || !fill(file) || !write_groups(file, records, seconds, measured)) {
    std::fprintf(stderr, "commit_raw_disk: %s: %s\n", path.c_str(), std::strerror(errno));
    return 1;
  }
  ::close(file);
  ::unlink(path.c_str());
  std::printf(
      "{\"per_second\": %.1f, \"p50_us\": %.1f, \"p99_us\": %.1f, \"p999_us\": %.1f, "
      "\"entries_per_sync\": %zu}\n",
      static_cast<double>(measured.took.total() * records) / measured.seconds,
      measured.took.percentile(0.5), measured.took.percentile(0.99),
      measured.took.percentile(0.999), records);
  return 0;
}

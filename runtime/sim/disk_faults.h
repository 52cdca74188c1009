// What is planned against a simulated disk: errors, delays, a hang. Set through Disk.
#pragma once

#include <cerrno>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "runtime/file_request.h"
#include "runtime/random.h"
#include "runtime/sim/delay.h"
#include "runtime/time.h"

namespace coracle::sim {

// One operation that will fail: the `nth` from now of those that match, 1 being the next one.
struct DiskFault {
  std::optional<FileAction> action = std::nullopt;  // of any kind, unless set
  int error = EIO;                                  // an errno value
  std::uint64_t nth = 1;
};

// How long operations take. The defaults are those of a good solid-state disk.
struct DiskDelays {
  Delay read{.min = std::chrono::microseconds(5), .max = std::chrono::microseconds(50)};
  Delay write{.min = std::chrono::microseconds(5), .max = std::chrono::microseconds(50)};
  Delay sync{.min = std::chrono::microseconds(100), .max = std::chrono::milliseconds(2)};
  Delay other{.min = std::chrono::microseconds(5), .max = std::chrono::microseconds(50)};

  friend bool operator==(const DiskDelays&, const DiskDelays&) = default;
};

// The plan. Mechanism behind Disk, which says what the functions mean.
class DiskFaultPlan {
 public:
  void fail(const DiskFault& fault);
  void fail_by_chance(std::optional<FileAction> action, double probability, int error);

  // An operation takes effect: decides whether it fails, and counts it.
  //   Returns    its errno value; 0 if it does not fail.
  [[nodiscard]] int decide(FileAction action, Random& random);

  // Returns    whether an operation has met a planned fault.
  [[nodiscard]] bool met() const { return met_; }
  void meet() { met_ = true; }

  // Returns    how long an operation takes that begins now, a hang left aside.
  [[nodiscard]] Duration draw_delay(FileAction action, Random& random) const;

  // No errors and no slowness from now on.
  void heal();

  DiskDelays delays;
  Duration extra_delay{};

 private:
  struct Chance {
    double probability;
    int error;
  };

  std::vector<DiskFault> planned_;  // `nth` counts down
  std::map<std::optional<FileAction>, Chance> chances_;
  bool met_ = false;
};

}  // namespace coracle::sim

#include "runtime/sim/disk_faults.h"

#include <algorithm>

#include "runtime/check.h"

namespace coracle::sim {
namespace {

bool matches(const std::optional<FileAction>& asked, FileAction action) {
  return !asked || *asked == action;
}

}  // namespace

void DiskFaultPlan::fail(const DiskFault& fault) {
  CORACLE_CHECK(fault.nth > 0, "the next operation is the first one");
  CORACLE_CHECK(fault.error > 0, "a fault has an errno value");
  planned_.push_back(fault);
}

void DiskFaultPlan::fail_by_chance(std::optional<FileAction> action, double probability,
                                   int error) {
  CORACLE_CHECK(probability >= 0 && probability <= 1, "a probability lies between 0 and 1");
  CORACLE_CHECK(error > 0, "a fault has an errno value");
  chances_.erase(action);
  if (probability > 0) chances_.emplace(action, Chance{probability, error});
}

int DiskFaultPlan::decide(FileAction action, Random& random) {
  int error = 0;
  for (DiskFault& fault : planned_) {
    if (!matches(fault.action, action)) continue;
    --fault.nth;
    if (fault.nth == 0 && error == 0) error = fault.error;
  }
  std::erase_if(planned_, [](const DiskFault& fault) { return fault.nth == 0; });
  for (const auto& [asked, chance] : chances_) {
    if (!matches(asked, action)) continue;
    const bool fails = random.chance(chance.probability);
    if (fails && error == 0) error = chance.error;
  }
  if (error != 0) met_ = true;
  return error;
}

Duration DiskFaultPlan::draw_delay(FileAction action, Random& random) const {
  const Delay* delay = &delays.other;
  if (action == FileAction::read) delay = &delays.read;
  if (action == FileAction::write) delay = &delays.write;
  if (action == FileAction::datasync || action == FileAction::sync_directory) delay = &delays.sync;
  return delay->draw(random) + extra_delay;
}

void DiskFaultPlan::heal() {
  planned_.clear();
  chances_.clear();
  delays = DiskDelays();
  extra_delay = Duration::zero();
}

}  // namespace coracle::sim

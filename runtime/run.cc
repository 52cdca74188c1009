#include "runtime/run.h"

#include "runtime/driver.h"
#include "runtime/uv/uv_back_end.h"

namespace coracle {
namespace {

// Made before the loop, and ends after it.
std::unique_ptr<BackEnd> make_real_back_end() {
  CORACLE_CHECK(Loop::current_or_null() == nullptr, "run() is not called inside a loop");
  return std::make_unique<uv::UvBackEnd>();
}

}  // namespace

LoopDriver::LoopDriver(const RunOptions& options)
    : LoopDriver(make_real_back_end(), uv::UvBackEnd::system_seed(), options) {
  stay_current();
}

void run(Task<> main, const RunOptions& options) {
  LoopDriver driver(options);
  driver.start(std::move(main));
  while (driver.step()) {
  }
  driver.finish();
}

}  // namespace coracle

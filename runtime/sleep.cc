#include "runtime/sleep.h"

#include "runtime/back_end.h"
#include "runtime/loop.h"

namespace coracle {

void SleepOperation::start() {
  Loop& loop = fiber()->loop();
  if (deadline_ <= loop.back_end().now()) {
    complete();
  } else {
    loop.timers().arm(*this, deadline_);
  }
}

void SleepOperation::on_cancel() {
  fiber()->loop().timers().disarm(*this);
  finish_canceled();
}

void SleepOperation::on_tear_down() { fiber()->loop().timers().disarm(*this); }

}  // namespace coracle

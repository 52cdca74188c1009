#include "runtime/timeout.h"

namespace coracle::timeout_detail {

void throw_timed_out() { throw TimedOut("wait"); }

}  // namespace coracle::timeout_detail

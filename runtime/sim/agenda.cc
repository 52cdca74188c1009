#include "runtime/sim/agenda.h"

#include <algorithm>

#include "runtime/check.h"

namespace coracle::sim {

void Agenda::plan(Happening& happening, TimePoint when) {
  heap_.disarm(happening);
  heap_.arm(happening, std::max(when, now_), random_.next());
}

void Agenda::step() {
  CORACLE_CHECK(next() != kNever, "something is going to happen");
  now_ = next();
  heap_.expire_first();
}

void Agenda::pass_until(TimePoint when) {
  CORACLE_CHECK(when >= now_ && when <= next(), "time neither goes back nor skips anything");
  now_ = when;
}

}  // namespace coracle::sim

#include "runtime/combinators.h"

namespace coracle::combinator_detail {

void finish_branches(TaskGroup& group, bool complete) {
  group.rethrow_failure();
  if (complete) return;
  CORACLE_CHECK(group.canceled(), "a branch that was not canceled leaves a result or throws");
  Scope::throw_canceled(group.opener());
}

}  // namespace coracle::combinator_detail

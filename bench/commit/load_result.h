// What a load tells of its proposals, over RPC and as the line that is printed.
#pragma once

#include <cstdint>
#include <tuple>

#include "bench/commit/histogram.h"

namespace coracle::bench::commit {

struct LoadResult {
  std::uint64_t proposals = 0;
  double p50 = 0;  // these in microseconds
  double p99 = 0;
  double p999 = 0;

  static auto fields(auto& self) { return std::tie(self.proposals, self.p50, self.p99, self.p999); }
};

inline LoadResult result_of(const Histogram& took) {
  return {.proposals = took.total(),
          .p50 = took.percentile(0.5),
          .p99 = took.percentile(0.99),
          .p999 = took.percentile(0.999)};
}

}  // namespace coracle::bench::commit

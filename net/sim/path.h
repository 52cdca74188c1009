// One direction between two kernels of a simulated world. Mechanism.
#pragma once

#include <cstddef>

#include "net/sim/network.h"
#include "runtime/random.h"
#include "runtime/time.h"

namespace coracle::net::sim {

class Path {
 public:
  // `link` may be set to another one at any time.
  explicit Path(const Link& link) : link_(&link) {}
  Path(const Path&) = delete;
  Path& operator=(const Path&) = delete;

  void set_link(const Link& link) {
    own_ = link;
    link_ = &own_;
  }
  void set_cut(bool on) { cut_ = on; }
  void set_rejecting(bool on) { rejecting_ = on; }

  [[nodiscard]] bool cut() const { return cut_; }
  [[nodiscard]] bool rejecting() const { return rejecting_; }
  [[nodiscard]] Duration longest_latency() const {
    return link_->latency.max + link_->latency.exponential_mean;
  }

  // Draws what becomes of one segment.
  [[nodiscard]] bool loses(Random& random) const {
    return link_->loss > 0 && random.chance(link_->loss);
  }
  [[nodiscard]] bool duplicates(Random& random) const {
    return link_->duplication > 0 && random.chance(link_->duplication);
  }

  // Sends `bytes` behind all that was sent before.
  //   Returns    when they arrive.
  [[nodiscard]] TimePoint carry(Random& random, TimePoint now, std::size_t bytes);

 private:
  const Link* link_;
  Link own_;
  bool cut_ = false;
  bool rejecting_ = false;
  TimePoint free_at_{};  // when the last byte that was sent has left
};

}  // namespace coracle::net::sim

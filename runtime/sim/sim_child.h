// A child process on a simulated host, as its parent holds it. Mechanism.
#pragma once

#include <memory>

#include "runtime/child.h"

namespace coracle::sim {

class SimBackEnd;

// Starts one of the world's programs. As BackEnd::spawn_child().
[[nodiscard]] std::unique_ptr<Child> start_child(SimBackEnd& parent, const ProcessOptions& options,
                                                 ChildSink& sink, ChildPipes& pipes);

}  // namespace coracle::sim

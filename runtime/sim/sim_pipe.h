// Pipes between simulated processes. Mechanism.
#pragma once

#include <memory>
#include <string_view>
#include <utility>

#include "runtime/pipe_end.h"
#include "runtime/sim/sim_back_end.h"

namespace coracle::sim {

struct PipeEnds {
  std::unique_ptr<PipeEnd> reading;
  std::unique_ptr<PipeEnd> writing;
};

// Makes a pipe that holds 64 KiB, and whose ends belong to two processes.
[[nodiscard]] PipeEnds make_pipe(SimBackEnd& reader, SimBackEnd& writer, std::string_view name);

// Makes an end that is at its end, and that loses what is written to it: /dev/null.
[[nodiscard]] std::unique_ptr<PipeEnd> make_null_end(std::string_view name);

}  // namespace coracle::sim

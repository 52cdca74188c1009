// Ends of pipes, watched by libuv.
#pragma once

#include <uv.h>

#include <memory>
#include <string_view>

#include "runtime/loop.h"
#include "runtime/pipe_end.h"

namespace coracle::uv {

enum class PipeDirection : unsigned char { reading, writing };

// Takes over `descriptor`, which is ours alone, and makes it non-blocking. Closes it, also when
// this throws Error.
std::unique_ptr<PipeEnd> own_pipe_end(uv_loop_t* uv_loop, Loop& loop, int descriptor,
                                      PipeDirection direction, std::string_view name);

}  // namespace coracle::uv

#include "net/rpc_call.h"

#include <cstddef>

#include "runtime/error.h"

namespace coracle::net {
namespace {

bool is_nil(std::span<const std::byte> value) {
  return value.size() == 1 && value.front() == std::byte{0xc0};
}

}  // namespace

// Runs in the fiber that reads, for whom no failure of another one's call may be thrown.
void RpcCall::answer(const RpcMessage& reply) {
  done = true;
  if (!is_nil(reply.error)) {
    fault_ = parse_fault(reply.error);
    state_ = State::fault;
    return;
  }
  try {
    Unpacker in(reply.result);
    state_ = take_result(in) ? State::result : State::misfit;
    misfit_ = in.take_error();
  } catch (...) {
    thrown_ = std::current_exception();
    state_ = State::thrown;
  }
}

void RpcCall::refuse(std::error_code code) {
  refusal_ = code;
  if (idempotent) return;
  state_ = State::refused;
  done = true;
}

std::string RpcCall::last_refusal() const {
  return refusal_ ? " (" + refusal_.message() + ")" : std::string();
}

void RpcCall::throw_failure(std::string_view call) {
  if (state_ == State::thrown) std::rethrow_exception(thrown_);
  if (state_ == State::refused) throw Error(refusal_, call);
  if (state_ == State::fault) throw RpcError(std::move(fault_), call);
  throw Error(std::make_error_code(std::errc::bad_message), call, "(result: " + misfit_ + ")");
}

}  // namespace coracle::net

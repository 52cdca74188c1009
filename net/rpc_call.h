// One call of an RpcClient while it is in flight. Mechanism behind rpc_client.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <variant>

#include "net/buffer_pool.h"
#include "net/rpc_fault.h"
#include "net/rpc_message.h"
#include "runtime/condition.h"
#include "runtime/task.h"
#include "runtime/wait_list.h"

namespace coracle::net {

// A fiber that waits for something that is to be read from the connection.
class RpcWaiter : public WaitLink {
 public:
  RpcWaiter() = default;
  RpcWaiter(const RpcWaiter&) = delete;
  RpcWaiter& operator=(const RpcWaiter&) = delete;
  ~RpcWaiter() { unlink(); }

  bool done = false;
  Condition woken;  // because it is done, or because it is its turn to read
};

class RpcCall : public RpcWaiter {
 public:
  // Takes the reply, still in the buffer that it arrived in, and is done.
  void answer(const RpcMessage& reply);
  [[nodiscard]] bool answered() const { return state_ != State::open; }
  [[nodiscard]] bool has_result() const { return state_ == State::result; }
  // Throws what came instead of a result; `call` names the call in words.
  [[noreturn]] void throw_failure(std::string_view call);
  // Learns that something sent has not reached the server: is done, unless it may be repeated.
  void refuse(std::error_code code);
  // Returns the last such news, in words: " (Connection refused)"; nothing if there were none.
  [[nodiscard]] std::string last_refusal() const;

  std::uint32_t id = 0;
  bool idempotent = false;  // carrying it out twice is as good as once

 protected:
  RpcCall() = default;
  virtual ~RpcCall() = default;
  // Keeps the result, decoded.
  virtual bool take_result(Unpacker& in) = 0;

 private:
  enum class State : std::uint8_t {
    open,
    result,
    fault,    // fault_: the server's answer is an error
    misfit,   // misfit_: the result has another type
    thrown,   // thrown_: a Codec threw
    refused,  // refusal_: it may not have arrived
  };

  State state_ = State::open;
  RpcFault fault_;
  std::string misfit_;
  std::exception_ptr thrown_;
  std::error_code refusal_;
};

// With the type of its result.
template <class Result>
class RpcCallFor final : public RpcCall {
 public:
  [[nodiscard]] Result take() {
    if constexpr (!std::is_void_v<Result>) return std::move(*result_);
  }

 private:
  using Kept = std::conditional_t<std::is_void_v<Result>, std::monostate, Result>;

  bool take_result(Unpacker& in) override {
    if constexpr (std::is_void_v<Result>) {
      return in.skip();  // whatever it is
    } else {
      return unpack_value(in, result_.emplace());
    }
  }

  std::optional<Kept> result_;
};

class RpcClientCore;

// Sends the request and waits until the call is done, and has a result.
//   Throws     all that RpcClient::call() throws.
//   Borrows    all three until it returns.
[[nodiscard]] Task<> exchange(RpcClientCore& core, RpcCall& call, PooledBuffer& request);
[[nodiscard]] Task<> send_notification(RpcClientCore& core, PooledBuffer notification);
// Returns a buffer in which the message has been begun.
[[nodiscard]] PooledBuffer begin_call(RpcClientCore& core, std::string_view method,
                                      std::size_t params);
[[nodiscard]] PooledBuffer begin_note(RpcClientCore& core, std::string_view method,
                                      std::size_t params);

template <class Result>
Task<Result> run_call(RpcClientCore& core, PooledBuffer request, bool idempotent) {
  RpcCallFor<Result> call;
  call.idempotent = idempotent;
  co_await exchange(core, call, request);
  co_return call.take();
}

// True unless GCC 12 would destroy the argument twice inside a co_await expression.
template <class Arg>
inline constexpr bool kSafeArgument =
    std::is_lvalue_reference_v<Arg> || !std::is_aggregate_v<std::remove_reference_t<Arg>> ||
    std::is_trivially_destructible_v<std::remove_reference_t<Arg>>;

}  // namespace coracle::net

// One registered method of an RpcServer: how a handler's signature becomes typed parameters and a
// typed result. Mechanism behind rpc_server.h.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "net/buffer_pool.h"
#include "net/rpc_message.h"
#include "runtime/semaphore.h"
#include "runtime/task.h"
#include "runtime/task_group.h"

namespace coracle::net {

class RpcPeer;

// The answer to one call, from its arrival until it is sent; of a notification, nothing.
class RpcReply {
 public:
  //   Requires   that what `call` is a view of lives as long, until set_method().
  RpcReply(RpcPeer& peer, const RpcMessage& call, Semaphore::Permit permit);

  [[nodiscard]] RpcPeer& peer() const { return *peer_; }
  [[nodiscard]] std::string_view method() const { return method_; }
  // The server's own spelling, which lives as long as the server.
  void set_method(std::string_view method) { method_ = method; }

  // Returns the whole message for a result.
  template <class Result>
  [[nodiscard]] PooledBuffer with_result(const Result& result) const {
    PooledBuffer buffer = begin();
    Packer out(buffer.bytes());
    if (id_) pack_result(out, *id_, result);
    return buffer;
  }
  // Returns the whole message for a failure, with the exception's code and text. Logs it if nobody
  // else will hear of it, or if it looks like a bug.
  [[nodiscard]] PooledBuffer with_failure(const std::exception& failure) const;
  [[nodiscard]] PooledBuffer with_fault(std::string_view code, std::string_view text) const;

  // Sends what one of these returned; for a notification nothing.
  [[nodiscard]] Task<> send(PooledBuffer message) const;

 private:
  [[nodiscard]] PooledBuffer begin() const;

  struct EndCall {
    void operator()(RpcPeer* peer) const;
  };

  std::unique_ptr<RpcPeer, EndCall> peer_;  // which is told when the call is over
  std::string_view method_;
  std::optional<std::uint32_t> id_;
  Semaphore::Permit permit_;
};

class RpcMethod {
 public:
  RpcMethod() = default;
  RpcMethod(const RpcMethod&) = delete;
  RpcMethod& operator=(const RpcMethod&) = delete;
  virtual ~RpcMethod() = default;

  // Decodes the parameters and starts the call as a child of `group`.
  //   Returns    false, with the reason in `why` and `reply` untouched, if they do not fit.
  [[nodiscard]] virtual bool start(TaskGroup& group, RpcReply& reply,
                                   std::span<const std::byte> params, std::string& why) = 0;
};

// The result and the parameters of a function, a function pointer or an object that is called; and
// whether it wants to know who calls.
template <class F>
struct Signature : Signature<decltype(&F::operator())> {};
template <class R, class... P>
struct Signature<R (*)(P...)> {
  using Result = R;
  using Parameters = std::tuple<P...>;
  static constexpr bool kTakesPeer = false;
};
template <class R, class... P>
struct Signature<R (*)(RpcPeer&, P...)> : Signature<R (*)(P...)> {
  static constexpr bool kTakesPeer = true;
};
template <class R, class... P>
struct Signature<R (*)(P...) noexcept> : Signature<R (*)(P...)> {};
template <class C, class R, class... P>
struct Signature<R (C::*)(P...)> : Signature<R (*)(P...)> {};
template <class C, class R, class... P>
struct Signature<R (C::*)(P...) const> : Signature<R (*)(P...)> {};
template <class C, class R, class... P>
struct Signature<R (C::*)(P...) noexcept> : Signature<R (*)(P...)> {};
template <class C, class R, class... P>
struct Signature<R (C::*)(P...) const noexcept> : Signature<R (*)(P...)> {};

// What a method's result type is to its caller: Task<R> or R give R.
template <class R>
struct MethodResult {
  using type = R;
};
template <class R>
struct MethodResult<Task<R>> {
  using type = R;
};

template <class P>
inline constexpr bool kSafeParameter =
    !std::is_reference_v<P> || std::is_const_v<std::remove_reference_t<P>>;

template <class Handler, class Parameters = typename Signature<Handler>::Parameters>
class RpcMethodOf;

template <class Handler, class... Parameter>
class RpcMethodOf<Handler, std::tuple<Parameter...>> final : public RpcMethod {
 public:
  explicit RpcMethodOf(Handler handler) : handler_(std::move(handler)) {}

  bool start(TaskGroup& group, RpcReply& reply, std::span<const std::byte> params,
             std::string& why) override {
    Values values;
    if (!decode(params, reply.method(), values, why)) return false;
    const std::string_view name = reply.method();
    group.spawn(name, &run, this, std::move(reply), std::move(values));
    return true;
  }

 private:
  static_assert((kSafeParameter<Parameter> && ...),
                "a method takes its parameters by value or by const reference");
  using Values = std::tuple<std::remove_cvref_t<Parameter>...>;
  using Result = typename Signature<Handler>::Result;
  using Value = typename MethodResult<Result>::type;

  // A Codec that throws has met parameters that are none of its values.
  static bool decode(std::span<const std::byte> params, std::string_view method, Values& values,
                     std::string& why) {
    const auto refs = std::apply([](auto&... value) { return std::tie(value...); }, values);
    try {
      return unpack_params(params, method, refs, why);
    } catch (const std::exception& failure) {
      why = "parameters of `" + std::string(method) + "`: " + failure.what();
      return false;
    }
  }

  // Values live in this frame until the call has ended, so references to them are safe.
  static Task<> run(RpcMethodOf* method, RpcReply reply, Values values) {
    std::optional<PooledBuffer> message;
    try {
      if constexpr (std::is_same_v<Result, Task<Value>>) {
        Task<Value> task = method->invoke(reply.peer(), values);
        if constexpr (std::is_void_v<Value>) {
          co_await std::move(task);
          message.emplace(reply.with_result(std::monostate()));
        } else {
          const Value result = co_await std::move(task);
          message.emplace(reply.with_result(result));
        }
      } else if constexpr (std::is_void_v<Value>) {
        method->invoke(reply.peer(), values);
        message.emplace(reply.with_result(std::monostate()));
      } else {
        message.emplace(reply.with_result(method->invoke(reply.peer(), values)));
      }
    } catch (const std::exception& failure) {
      message.emplace(reply.with_failure(failure));
    }
    co_await reply.send(*std::move(message));
  }

  Result invoke(RpcPeer& peer, Values& values) {
    const auto call = [&](auto&... value) -> Result {
      if constexpr (Signature<Handler>::kTakesPeer) {
        return std::invoke(handler_, peer, std::move(value)...);
      } else {
        return std::invoke(handler_, std::move(value)...);
      }
    };
    return std::apply(call, values);
  }

  Handler handler_;
};

}  // namespace coracle::net

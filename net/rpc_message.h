// The three messages of MessagePack-RPC, exactly as its specification has them:
//
//   request       [0, id, method, params]    id: 32 bits unsigned; method: string; params: array
//   response      [1, id, error, result]     error: nil when the call went well
//   notification  [2, method, params]        nobody answers
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <tuple>

#include "net/codec.h"

namespace coracle::net {

enum class MessageKind : std::uint8_t { request = 0, response = 1, notification = 2 };

// A message in the buffer that it arrived in: valid as long as that is. What a kind does not
// have is empty.
struct RpcMessage {
  MessageKind kind = MessageKind::request;
  std::uint32_t id = 0;
  std::string_view method;
  std::span<const std::byte> params;  // the whole array
  std::span<const std::byte> error;   // one value; see rpc_fault.h
  std::span<const std::byte> result;  // one value
};

// Looks at one message.
//   Returns    true; or false, and in.error() and in.failed_at() say what is wrong with it.
//   Requires   that `in` holds exactly one well-formed value (MessageDecoder has checked it).
[[nodiscard]] bool unpack_message(Unpacker& in, RpcMessage& message);

// Begins a request or notification: `params` values come next.
void begin_request(Packer& out, std::uint32_t id, std::string_view method, std::size_t params);
void begin_notification(Packer& out, std::string_view method, std::size_t params);
// The same as begin_request(), for a buffer that is empty; the id is set when it is known.
void begin_request_without_id(Packer& out, std::string_view method, std::size_t params);
//   Requires   a request that begin_request_without_id() began.
void set_request_id(std::span<std::byte> request, std::uint32_t id);
// Begins the response to a call that went well: the result comes next.
void begin_result(Packer& out, std::uint32_t id);
// Begins the response to a call that failed: the error comes next, and then nil.
void begin_fault(Packer& out, std::uint32_t id);

// Appends a whole request, notification or response.
template <typename... Param>
void pack_request(Packer& out, std::uint32_t id, std::string_view method, const Param&... params) {
  begin_request(out, id, method, sizeof...(Param));
  (pack_value(out, params), ...);
}

template <typename... Param>
void pack_notification(Packer& out, std::string_view method, const Param&... params) {
  begin_notification(out, method, sizeof...(Param));
  (pack_value(out, params), ...);
}

template <typename Result>
void pack_result(Packer& out, std::uint32_t id, const Result& result) {
  begin_result(out, id);
  pack_value(out, result);
}

// Returns whether `present` parameters are as many as `method` takes; `why` says so if not.
[[nodiscard]] bool check_param_count(std::string_view method, std::size_t present,
                                     std::size_t required, std::size_t known, std::string& why);

// Takes the parameters of a call of `method`; optional ones at the end may be missing.
//   Returns    true; or false, and `why` reads "parameter 2 of `vote`: expected integer, got
//              string" or "`vote` takes 3 parameters, got 2".
template <typename... Param>
[[nodiscard]] bool unpack_params(std::span<const std::byte> params, std::string_view method,
                                 const std::tuple<Param&...>& values, std::string& why) {
  Unpacker in(params);
  std::uint32_t present = 0;
  if (!in.array(present)) {
    why = "parameters: " + in.take_error();
    return false;
  }
  constexpr std::size_t kRequired = required_fields<Param...>();
  if (!check_param_count(method, present, kRequired, sizeof...(Param), why)) return false;
  const auto place = [method](std::size_t index) {
    return "parameter " + std::to_string(index) + " of `" + std::string(method) + "`";
  };
  if (unpack_each(in, present, place, values)) return true;
  why = in.take_error();
  return false;
}

// Takes the result of a call of `method`.
//   Returns    true; or false, and `why` reads "result of `vote`: expected integer, got string".
template <typename Result>
[[nodiscard]] bool unpack_result(std::span<const std::byte> result, std::string_view method,
                                 Result& value, std::string& why) {
  Unpacker in(result);
  if (unpack_value(in, value)) return true;
  why = std::string("result of `").append(method).append("`: ").append(in.error());
  return false;
}

}  // namespace coracle::net

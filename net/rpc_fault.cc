#include "net/rpc_fault.h"

#include <optional>

#include "net/codec.h"
#include "net/describe_value.h"
#include "net/rpc_message.h"

namespace coracle::net {
namespace {

template <typename T>
std::optional<T> read_as(std::span<const std::byte> bytes) {
  Unpacker in(bytes);
  T value{};
  if (!unpack_value(in, value)) return std::nullopt;
  return value;
}

bool is_pair(std::span<const std::byte> bytes) {
  Unpacker in(bytes);
  std::uint32_t elements = 0;
  return in.array(elements) && elements == 2;
}

}  // namespace

RpcError::RpcError(RpcFault fault, std::string_view call)
    : Error(std::make_error_code(std::errc::protocol_error), "call", call),
      fault_(std::move(fault)),
      what_(call) {
  for (const std::string& part : {fault_.code, fault_.text}) {
    if (!what_.empty() && !part.empty()) what_ += ": ";
    what_ += part;
  }
}

void pack_fault(Packer& out, std::uint32_t id, std::string_view code, std::string_view text) {
  begin_fault(out, id);
  out.array(2);
  out.string(code);
  out.string(text);
  out.nil();
}

RpcFault parse_fault(std::span<const std::byte> error) {
  if (auto text = read_as<std::string>(error)) return {.code = "", .text = *std::move(text)};
  if (is_pair(error)) {
    if (auto both = read_as<std::pair<std::string, std::string>>(error)) {
      return {.code = std::move(both->first), .text = std::move(both->second)};
    }
    if (auto both = read_as<std::pair<std::int64_t, std::string>>(error)) {
      return {.code = std::to_string(both->first), .text = std::move(both->second)};
    }
  }
  return {.code = "", .text = describe_value(error)};
}

}  // namespace coracle::net

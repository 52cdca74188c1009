#include "net/rpc_message.h"

#include <array>
#include <limits>

#include "runtime/check.h"

namespace coracle::net {
namespace {

constexpr std::uint64_t kIdMax = std::numeric_limits<std::uint32_t>::max();

// An array of 4, the type of a request, and an id in its longest form.
constexpr std::array<std::byte, 7> kRequestWithoutId{std::byte{0x94}, std::byte{0x00},
                                                     std::byte{0xce}};

const char* name_of(MessageKind kind) {
  switch (kind) {
    case MessageKind::request: return "request";
    case MessageKind::response: return "response";
    case MessageKind::notification: return "notification";
  }
  return "message";
}

constexpr std::uint32_t elements_of(MessageKind kind) {
  return kind == MessageKind::notification ? 3 : 4;
}

bool unpack_id(Unpacker& in, std::uint32_t& id) {
  std::uint64_t wide = 0;
  if (!in.integer(wide, kIdMax)) return in.fail_in("message id");
  id = static_cast<std::uint32_t>(wide);
  return true;
}

bool unpack_call(Unpacker& in, RpcMessage& message) {
  if (!in.string(message.method)) return in.fail_in("method");
  if (!in.expect(ValueType::array)) return in.fail_in("parameters");
  message.params = in.rest();
  return true;
}

void begin(Packer& out, MessageKind kind) {
  out.array(elements_of(kind));
  out.integer(static_cast<std::uint64_t>(kind));
}

}  // namespace

bool unpack_message(Unpacker& in, RpcMessage& message) {
  message = {};
  std::uint32_t elements = 0;
  if (!in.array(elements)) return in.fail_in("message");
  std::uint64_t type = 0;
  if (!in.integer(type, 2)) return in.fail_in("message type");
  message.kind = static_cast<MessageKind>(type);
  if (elements != elements_of(message.kind)) {
    return in.fail(std::string("a ") + name_of(message.kind) + " has " +
                   std::to_string(elements_of(message.kind)) + " elements, got " +
                   std::to_string(elements));
  }
  switch (message.kind) {
    case MessageKind::request: return unpack_id(in, message.id) && unpack_call(in, message);
    case MessageKind::notification: return unpack_call(in, message);
    case MessageKind::response:
      if (!unpack_id(in, message.id) || !in.packed(message.error)) return false;
      message.result = in.rest();
      return true;
  }
  return false;
}

void begin_request(Packer& out, std::uint32_t id, std::string_view method, std::size_t params) {
  begin(out, MessageKind::request);
  out.integer(std::uint64_t{id});
  out.string(method);
  out.array(params);
}

void begin_request_without_id(Packer& out, std::string_view method, std::size_t params) {
  out.packed(kRequestWithoutId);
  out.string(method);
  out.array(params);
}

void set_request_id(std::span<std::byte> request, std::uint32_t id) {
  CORACLE_CHECK(request.size() > kRequestWithoutId.size(), "a request has room for its id");
  for (std::size_t i = 0; i < 4; ++i) {
    request[kRequestWithoutId.size() - 1 - i] = static_cast<std::byte>(id >> 8 * i);
  }
}

void begin_notification(Packer& out, std::string_view method, std::size_t params) {
  begin(out, MessageKind::notification);
  out.string(method);
  out.array(params);
}

void begin_result(Packer& out, std::uint32_t id) {
  begin_fault(out, id);
  out.nil();
}

void begin_fault(Packer& out, std::uint32_t id) {
  begin(out, MessageKind::response);
  out.integer(std::uint64_t{id});
}

bool check_param_count(std::string_view method, std::size_t present, std::size_t required,
                       std::size_t known, std::string& why) {
  if (present >= required && present <= known) return true;
  why = std::string("`").append(method).append("` takes ");
  if (required != known) why += std::to_string(required) + " to ";
  why += std::to_string(known) + (known == 1 ? " parameter, got " : " parameters, got ");
  why += std::to_string(present);
  return false;
}

}  // namespace coracle::net

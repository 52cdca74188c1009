#include "net/resolve.h"

#include <cerrno>
#include <charconv>
#include <optional>
#include <utility>

#include "net/back_end.h"
#include "runtime/error.h"

namespace coracle::net {
namespace {

class ResolveCategory final : public std::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "resolve"; }
  [[nodiscard]] std::string message(int code) const override {
    switch (static_cast<ResolveError>(code)) {
      case ResolveError::unknown_name: return "Name or service not known";
      case ResolveError::no_address: return "No address associated with hostname";
      case ResolveError::try_again: return "Temporary failure in name resolution";
      case ResolveError::failed: break;
    }
    return "Non-recoverable failure in name resolution";
  }
};

struct HostAndPort {
  std::string_view host;
  std::uint16_t port = 0;
};

// A host that holds colons stands in brackets.
std::optional<HostAndPort> split(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == text.npos) return std::nullopt;
  HostAndPort parts{text.substr(0, colon)};
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data() + colon + 1, end, parts.port);
  if (error != std::errc() || rest != end) return std::nullopt;
  if (parts.host.size() > 2 && parts.host.front() == '[' && parts.host.back() == ']') {
    parts.host = parts.host.substr(1, parts.host.size() - 2);
  } else if (parts.host.find_first_of("[]:") != parts.host.npos) {
    return std::nullopt;
  }
  if (parts.host.empty()) return std::nullopt;
  return parts;
}

}  // namespace

const std::error_category& resolve_category() {
  static const ResolveCategory category;
  return category;
}

std::error_code make_error_code(ResolveError error) {
  return {static_cast<int>(error), resolve_category()};
}

ResolveOperation resolve(std::string_view text) {
  const auto parts = split(text);
  if (!parts) throw Error(EINVAL, "resolve", text);
  return {std::string(parts->host), parts->port};
}

bool ResolveOperation::try_complete() {
  const auto literal = Address::parse_host(host_, port_);
  if (literal) addresses_.push_back(*literal);
  return literal.has_value();
}

void ResolveOperation::start() { lookup_ = BackEnd::current().look_up(host_, *this); }

void ResolveOperation::done(std::error_code error, std::vector<Address> addresses) {
  lookup_ = nullptr;
  error_ = error;
  for (const Address& address : addresses) addresses_.push_back(address.with_port(port_));
  complete();
}

std::vector<Address> ResolveOperation::take() {
  if (error_) throw Error(error_, "resolve", host_);
  return std::move(addresses_);
}

void ResolveOperation::on_cancel() {
  std::exchange(lookup_, nullptr)->abandon();
  finish_canceled();
}

void ResolveOperation::on_tear_down() {
  if (lookup_ != nullptr) std::exchange(lookup_, nullptr)->abandon();
}

}  // namespace coracle::net

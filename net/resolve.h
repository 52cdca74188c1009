// From names to addresses.
//
//   for (const net::Address& address : co_await net::resolve("db.example", 5432)) ...
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "net/address.h"
#include "runtime/leaf.h"

namespace coracle::net {

// Why a name has no address, in the words of the system's own resolver.
enum class ResolveError : std::uint8_t {
  unknown_name = 1,  // there is no such name
  no_address,        // the name is known, and has no address
  try_again,         // no server answered; a later attempt may succeed
  failed,            // a server answered that it cannot, or the name is malformed
};

[[nodiscard]] const std::error_category& resolve_category();
[[nodiscard]] std::error_code make_error_code(ResolveError error);

class ResolveOperation;

// A lookup in the hands of the back end. Mechanism.
class Lookup {
 public:
  Lookup() = default;
  Lookup(const Lookup&) = delete;
  Lookup& operator=(const Lookup&) = delete;

  // The waiter has gone; done() will not be called. The lookup goes on by itself and keeps the
  // back end busy until it ends: nothing can stop one that has begun.
  virtual void abandon() = 0;

 protected:
  ~Lookup() = default;
};

// What resolve() returns; await it.
class [[nodiscard]] ResolveOperation final : public Leaf {
 public:
  ResolveOperation(std::string host, std::uint16_t port) : host_(std::move(host)), port_(port) {}

  bool try_complete();
  void start();
  [[nodiscard]] std::vector<Address> take();
  void on_cancel() override;
  void on_tear_down() override;
  [[nodiscard]] const char* waits_for() const override { return "the addresses of a name"; }

  // The back end reports: addresses (with port 0) in the order to try them, or why there is none.
  void done(std::error_code error, std::vector<Address> addresses);

 private:
  std::string host_;
  std::uint16_t port_;
  std::error_code error_;
  std::vector<Address> addresses_;
  Lookup* lookup_ = nullptr;
};

// Looks up the addresses of `host`: a name, or an address written out (`10.0.0.7`, `::1`), which
// needs no lookup.
//   Returns    at least one address, each once, in the order in which they should be tried.
//   Throws     Error: `resolve nosuch.invalid: Name or service not known`; its code is a
//              ResolveError, or that of a failed system call.
//   Canceled   gives the lookup up and returns at once. A lookup that had begun goes on by itself;
//              run() waits for it at its end.
[[nodiscard]] inline ResolveOperation resolve(std::string host, std::uint16_t port) {
  return {std::move(host), port};
}

// The same for `HOST:PORT`, as people write it on a command line: `localhost:7000`,
// `127.0.0.1:7000`, `[::1]:7000`.
//   Throws     Error (invalid argument) from the call itself if `text` is not of this form.
[[nodiscard]] ResolveOperation resolve(std::string_view text);

}  // namespace coracle::net

template <>
struct std::is_error_code_enum<coracle::net::ResolveError> : std::true_type {};

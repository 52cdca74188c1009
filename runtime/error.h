// The environment failed: a peer, a disk, a name, a deadline. Not for bugs (CORACLE_CHECK), and
// not for outcomes that a caller expects (return values).
#pragma once

#include <string>
#include <string_view>
#include <system_error>

namespace coracle {

// A failed operation: its code, what was tried, and on what.
// what() reads `connect 10.0.0.7:7000: Connection refused`.
class Error : public std::system_error {
 public:
  // `code` is in std::generic_category() wherever the system gave an errno, so that
  // `error.code() == std::errc::connection_refused` works; `operation` is one word or two
  // (`connect`, `bind`); `subject` is what it was done to (an address, a path), or empty.
  Error(std::error_code code, std::string_view operation, std::string_view subject = {});

  // The same, from an errno value; a negative one (as libuv reports them) means the same.
  Error(int errno_value, std::string_view operation, std::string_view subject = {});

  // What was tried: `connect`.
  [[nodiscard]] const std::string& operation() const { return operation_; }
  // What it was tried on: `10.0.0.7:7000`.
  [[nodiscard]] const std::string& subject() const { return subject_; }

 private:
  std::string operation_;
  std::string subject_;
};

// A deadline passed first. An Error, so that one handler serves a loop of retries.
class TimedOut : public Error {
 public:
  explicit TimedOut(std::string_view operation, std::string_view subject = {});
};

}  // namespace coracle

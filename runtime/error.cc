#include "runtime/error.h"

#include <cstdlib>

namespace coracle {
namespace {

std::string describe(std::string_view operation, std::string_view subject) {
  std::string text(operation);
  if (!subject.empty()) text.append(" ").append(subject);
  return text;
}

}  // namespace

Error::Error(std::error_code code, std::string_view operation, std::string_view subject)
    : std::system_error(code, describe(operation, subject)),
      operation_(operation),
      subject_(subject) {}

Error::Error(int errno_value, std::string_view operation, std::string_view subject)
    : Error(std::error_code(std::abs(errno_value), std::generic_category()), operation, subject) {}

TimedOut::TimedOut(std::string_view operation, std::string_view subject)
    : Error(std::make_error_code(std::errc::timed_out), operation, subject) {}

}  // namespace coracle

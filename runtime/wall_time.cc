#include "runtime/wall_time.h"

#include <array>
#include <cstdint>
#include <cstdio>

#include "runtime/back_end.h"
#include "runtime/loop.h"

namespace coracle {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::minutes;
using std::chrono::nanoseconds;
using std::chrono::seconds;

// Takes numbers and separators off the front of a text.
class Digits {
 public:
  explicit Digits(std::string_view text) : text_(text) {}

  // Exactly `count` digits.
  int number(std::size_t count) {
    int value = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const int digit = next_digit();
      if (digit < 0) good_ = false;
      value = value * 10 + digit;
    }
    return value;
  }
  // One digit or more, as billionths; what is beyond nine is refused.
  int fraction() {
    constexpr int kPlaces = 9;
    int value = 0;
    int places = 0;
    for (int digit = next_digit(); digit >= 0; digit = next_digit(), ++places) {
      if (places < kPlaces) value = value * 10 + digit;
    }
    if (places == 0 || places > kPlaces) good_ = false;
    for (; places < kPlaces; ++places) value *= 10;
    return value;
  }
  // Whether `mark` comes next, which is taken then.
  bool has(char mark) {
    if (text_.empty() || text_.front() != mark) return false;
    text_.remove_prefix(1);
    return true;
  }
  void expect(char mark) {
    if (!has(mark)) good_ = false;
  }
  [[nodiscard]] bool ended_well() const { return good_ && text_.empty(); }

 private:
  // Nothing (and -1) where there is none.
  int next_digit() {
    if (text_.empty() || text_.front() < '0' || text_.front() > '9') return -1;
    const int digit = text_.front() - '0';
    text_.remove_prefix(1);
    return digit;
  }

  std::string_view text_;
  bool good_ = true;
};

constexpr int kFirstYear = 1678;  // the first and last whole ones of WallTime
constexpr int kLastYear = 2261;

}  // namespace

WallTime wall_time_now() { return Loop::current().back_end().wall_time(); }

std::string print_wall_time(WallTime time) {
  const auto rounded = std::chrono::floor<microseconds>(time);
  const auto day = std::chrono::floor<days>(rounded);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(rounded - day);
  std::array<char, 64> text{};
  const int length = std::snprintf(
      text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%06dZ",
      static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
      static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
      static_cast<int>(clock.minutes().count()), static_cast<int>(clock.seconds().count()),
      static_cast<int>(clock.subseconds().count()));
  return {text.data(), static_cast<std::size_t>(length)};
}

std::optional<WallTime> parse_wall_time(std::string_view text) {
  Digits in(text);
  const int year = in.number(4);
  in.expect('-');
  const int month = in.number(2);
  in.expect('-');
  const int day = in.number(2);
  in.expect('T');
  const int hour = in.number(2);
  in.expect(':');
  const int minute = in.number(2);
  in.expect(':');
  const int second = in.number(2);
  const int fraction = in.has('.') ? in.fraction() : 0;
  in.expect('Z');
  if (!in.ended_well()) return std::nullopt;
  if (year < kFirstYear || year > kLastYear) return std::nullopt;
  if (hour > 23 || minute > 59 || second > 59) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date) + hours(hour) + minutes(minute) + seconds(second) +
         nanoseconds(fraction);
}

}  // namespace coracle

#include "apps/flags.h"

namespace coracle {
namespace {

// Reads what stands behind the flag with `parse`; `form` says what it should have been.
template <class T>
CLI::Option* add_parsed(CLI::App& app, const std::string& flag, T& value, const std::string& help,
                        std::optional<T> (*parse)(std::string_view), const char* form) {
  const auto read = [flag, &value, parse, form](const std::string& text) {
    const auto parsed = parse(text);
    if (!parsed) throw CLI::ValidationError(flag, "`" + text + "` is not " + form);
    value = *parsed;
  };
  return app.add_option_function<std::string>(flag, read, help);
}

}  // namespace

CLI::Option* add_duration(CLI::App& app, const std::string& flag, Duration& value,
                          const std::string& help) {
  return add_parsed(app, flag, value, help, parse_duration, "a duration such as 10s or 150ms")
      ->type_name("DURATION")
      ->default_str(print_duration(value));
}

CLI::Option* add_duration_range(CLI::App& app, const std::string& flag, DurationRange& value,
                                const std::string& help) {
  return add_parsed(app, flag, value, help, parse_duration_range,
                    "a range of durations such as 150-300ms")
      ->type_name("RANGE")
      ->default_str(print_duration_range(value));
}

}  // namespace coracle

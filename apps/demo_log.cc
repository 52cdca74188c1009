#include "apps/demo_log.h"

#include <spdlog/fmt/fmt.h>

#include <charconv>
#include <cstdio>

namespace coracle::demo {
namespace {

// Cyan, yellow, magenta, green, blue: told apart on dark and on light.
constexpr int kColors[] = {36, 33, 35, 32, 34};

std::string_view next_word(std::string_view& text) {
  const std::size_t begin = std::min(text.find_first_not_of(' '), text.size());
  const std::size_t end = std::min(text.find(' ', begin), text.size());
  const std::string_view word = text.substr(begin, end - begin);
  text.remove_prefix(end);
  return word;
}

void take_pair(std::string_view word, LogLine& line) {
  const std::size_t equals = std::min(word.find('='), word.size());
  const std::string_view key = word.substr(0, equals);
  const std::string_view value = word.substr(std::min(equals + 1, word.size()));
  if (key == "task" || key == "node") return;
  if (key == "term") {
    line.term = value;
  } else if (key == "role") {
    line.role = value;
  } else if (key == "event") {
    line.event = value;
  } else {
    line.details.append(line.details.empty() ? "" : " ").append(word);
  }
}

}  // namespace

bool parse_log_line(std::string_view text, LogLine& line) {
  const std::string_view time = next_word(text);
  const char* const end = time.data() + time.size();
  const auto [stop, error] = std::from_chars(time.data(), end, line.seconds);
  if (error != std::errc() || stop != end) return false;
  line.level = next_word(text);
  for (std::string_view word = next_word(text); !word.empty(); word = next_word(text)) {
    take_pair(word, line);
  }
  return !line.event.empty();
}

void DemoLog::print(std::uint64_t server, std::string_view text) {
  if (detail_ == LogDetail::quiet) return;
  LogLine line;
  std::string shown;
  const bool is_event = parse_log_line(text, line);
  const bool is_detail = line.level == "debug" || (line.level == "info" && !is_event);
  if (detail_ == LogDetail::normal && is_detail) return;
  if (is_event) {
    const double start = std::chrono::duration<double>(start_.time_since_epoch()).count();
    const std::string term = line.term.empty() ? "" : fmt::format("term {}", line.term);
    shown = fmt::format("{:9.3f}s  node {}  {:<8} {:<13} {} {}", line.seconds - start, server, term,
                        line.role, line.event, line.details);
    shown.erase(shown.find_last_not_of(' ') + 1);
  } else {
    shown = fmt::format("            node {}  {}", server, text);
  }
  if (colored_) {
    const int color = kColors[server % std::size(kColors)];
    shown = fmt::format("\x1b[{}m{}\x1b[0m", color, shown);
  }
  answer(shown);
}

void DemoLog::answer(std::string_view text) {
  fmt::print("{}\n", text);
  std::fflush(stdout);
}

}  // namespace coracle::demo

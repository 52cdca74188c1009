#include "raft/sim/script.h"

#include <algorithm>
#include <charconv>
#include <sstream>

namespace coracle::raft::sim {

std::vector<Line> split_lines(std::string_view text) {
  std::vector<Line> lines;
  std::istringstream in{std::string(text)};
  std::string whole;
  for (std::size_t number = 1; std::getline(in, whole); ++number) {
    Line line{.number = number, .text = whole.substr(0, whole.find('#')), .words = {}};
    line.text.erase(line.text.find_last_not_of(" \t\r") + 1);
    line.text.erase(0, line.text.find_first_not_of(" \t"));
    std::istringstream words(line.text);
    for (std::string word; words >> word;) line.words.push_back(word);
    if (!line.words.empty()) lines.push_back(std::move(line));
  }
  return lines;
}

std::string opening_comment(std::string_view text) {
  std::string comment;
  std::istringstream in{std::string(text)};
  for (std::string line; std::getline(in, line) && line.starts_with('#');) {
    const std::size_t begin = line.find_first_not_of("# ");
    if (!comment.empty()) comment += '\n';
    if (begin != std::string::npos) comment += line.substr(begin);
  }
  return comment;
}

// ---- Cast ----

std::optional<ServerId> Cast::find(std::string_view name) const {
  const auto found = ids_.find(name);
  return found == ids_.end() ? std::nullopt : std::optional(found->second);
}

std::vector<ServerId> Cast::all() const {
  std::vector<ServerId> ids;
  ids.reserve(ids_.size());
  for (const auto& [name, id] : ids_) ids.push_back(id);
  std::ranges::sort(ids);
  return ids;
}

std::string Cast::names() const {
  std::string names;
  for (const auto& [name, id] : ids_) names += (names.empty() ? "" : ", ") + name;
  return names;
}

// ---- Words ----

void Words::fail(const std::string& what) const {
  throw ScriptError(line_.number, "`" + line_.text + "`: " + what +
                                      (usage_.empty() ? "" : "\n  usage: " + std::string(usage_)));
}

void Words::end() const {
  if (!done()) fail("`" + line_.words[next_] + "` is not expected here");
}

bool Words::take(std::string_view word) {
  if (done() || line_.words[next_] != word) return false;
  ++next_;
  return true;
}

std::string_view Words::next(std::string_view what) {
  if (done()) fail("here should stand " + std::string(what));
  return line_.words[next_++];
}

std::string_view Words::peek() const { return done() ? std::string_view() : line_.words[next_]; }

ServerId Words::server() { return server_of(next("a server")); }

std::vector<ServerId> Words::servers() {
  std::string_view text = next("servers");
  if (text.ends_with(':')) text.remove_suffix(1);
  return servers_of(text);
}

Duration Words::duration() { return duration_of(next("a duration")); }

std::uint64_t Words::count() { return number_of(next("a number")); }

std::optional<Comparison> Words::comparison() {
  if (done()) return std::nullopt;
  const std::string& word = line_.words[next_];
  const std::size_t begin = word.find_first_of("=!<>");
  if (begin == std::string::npos || begin == 0) return std::nullopt;
  std::size_t end = begin + 1;
  if (end < word.size() && word[end] == '=') ++end;
  Comparison read{word.substr(0, begin), word.substr(begin, end - begin), word.substr(end)};
  if (read.sign == "!" || read.sign == "==") fail("`" + read.sign + "` compares nothing");
  if (read.value.empty()) fail("`" + word + "` has no value");
  ++next_;
  return read;
}

ServerId Words::server_of(std::string_view text) const {
  const std::optional<ServerId> id = cast_.find(text);
  if (!id) fail("`" + std::string(text) + "` is no server; there are " + cast_.names());
  return *id;
}

std::vector<std::string> Words::list_of(std::string_view text) const {
  std::vector<std::string> parts;
  while (true) {
    const std::size_t comma = text.find(',');
    parts.emplace_back(text.substr(0, comma));
    if (parts.back().empty()) fail("a list is written a,b,c, without blanks");
    if (comma == std::string_view::npos) return parts;
    text.remove_prefix(comma + 1);
  }
}

std::vector<ServerId> Words::servers_of(std::string_view text) const {
  if (text == "all") return cast_.all();
  std::vector<ServerId> ids;
  for (const std::string& name : list_of(text)) ids.push_back(server_of(name));
  return ids;
}

Duration Words::duration_of(std::string_view text) const {
  const std::optional<Duration> duration = parse_duration(text);
  if (!duration) fail("`" + std::string(text) + "` is no duration such as 10s or 150ms");
  return *duration;
}

DurationRange Words::range_of(std::string_view text) const {
  const std::optional<DurationRange> range = parse_duration_range(text);
  if (!range) fail("`" + std::string(text) + "` is no range of durations such as 150-300ms");
  return *range;
}

std::uint64_t Words::number_of(std::string_view text) const {
  std::uint64_t number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || rest != text.data() + text.size()) {
    fail("`" + std::string(text) + "` is no number");
  }
  return number;
}

std::int64_t Words::millionths_of(std::string_view text) const {
  const std::size_t point = std::min(text.find('.'), text.size());
  std::string digits(text.substr(point == text.size() ? point : point + 1));
  if (digits.size() > 6) fail("a rate has at most six digits behind the point");
  digits.resize(6, '0');
  const std::uint64_t whole = number_of(text.substr(0, point));
  if (whole > 1000) fail("a clock goes at most 1000 times too fast");
  return static_cast<std::int64_t>(whole * 1'000'000 + number_of(digits));
}

bool Words::switch_of(std::string_view text) const {
  if (text != "on" && text != "off") fail("`" + std::string(text) + "` is neither on nor off");
  return text == "on";
}

}  // namespace coracle::raft::sim

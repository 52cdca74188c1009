#include "apps/chat_room.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "net/serve.h"
#include "runtime/combinators.h"
#include "runtime/error.h"
#include "runtime/log.h"
#include "runtime/shielded.h"
#include "runtime/sleep.h"

namespace coracle {
namespace {

// How long a connection that ends may take to read what it is owed. (Its stream then goes on with
// what it has accepted, for as long as it lingers.)
constexpr Duration kPartingTime = std::chrono::seconds(2);
// The same with the time to get the floor among all that leave at once.
constexpr Duration kLeavingTime = std::chrono::seconds(20);

bool is_control(char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; }
bool is_visible(char c) { return c > ' ' && c <= '~'; }

}  // namespace

Task<> ChatRoom::serve(net::TcpStream stream) {
  Member member(std::move(stream), queue_);
  co_await with_cleanup(converse(member), part(member), kLeavingTime);
}

Task<> ChatRoom::converse(Member& member) {
  try {
    co_await race(hear(member), write_outbox(member), member.dropped.wait());
  } catch (const Canceled&) {
    closing_ = true;
    member.last_word = "* the server is closing\n";
    throw;
  }
}

// --- what a member says ------------------------------------------------------------------------

Task<> ChatRoom::hear(Member& member) {
  co_await member.stream.write("* what is your name?\n");
  if (!co_await take_name(member)) co_return;
  while (const std::optional<std::string> line = co_await read_line(member)) {
    if (member.dropped.is_set()) co_return;  // it had sent this before
    if (line->starts_with('/')) {
      if (!co_await obey(member, *line)) co_return;
    } else if (!line->empty()) {
      co_await announce(&member, member.name + ": " + *line);
    }
  }
}

// Asks until it gets a name that is free. Returns false at the end of the stream.
Task<bool> ChatRoom::take_name(Member& member) {
  while (const std::optional<std::string> name = co_await read_line(member)) {
    const std::string_view objection = objection_to(*name);
    if (objection.empty()) {
      member.name = *name;
      members_.emplace(member.name, &member);
      co_await member.stream.write("* welcome; there are /who, /nick NEW and /quit\n");
      co_await announce(&member, "* " + member.name + " joined");
      co_return true;
    }
    const std::string answer = "* " + std::string(objection) + "; another one?\n";
    co_await member.stream.write(answer);
  }
  co_return false;
}

// Returns false after `/quit`. Answers go out ahead of the queue, and hold up who asks for more of
// them than it reads.
Task<bool> ChatRoom::obey(Member& member, std::string_view line) {
  if (line == "/quit") {
    member.last_word = "* bye\n";
    co_return false;
  }
  if (line.starts_with("/nick ")) {
    co_await rename(member, std::string(line.substr(6)));
  } else {
    const std::string answer = line == "/who" ? names() : "* there are /who, /nick NEW and /quit\n";
    co_await member.stream.write(answer);
  }
  co_return true;
}

Task<> ChatRoom::rename(Member& member, std::string name) {
  const std::string_view objection = objection_to(name);
  if (!objection.empty()) {
    const std::string answer = "* " + std::string(objection) + "\n";
    co_await member.stream.write(answer);
    co_return;
  }
  members_.erase(member.name);
  members_.emplace(name, &member);
  const std::string former = std::exchange(member.name, std::move(name));
  co_await announce(nullptr, "* " + former + " is now " + member.name);
}

// Returns the next line without its control characters, which could play tricks with a terminal;
// nothing at the end of the stream, and instead of a line that is too long.
Task<std::optional<std::string>> ChatRoom::read_line(Member& member) {
  try {
    const auto line = co_await member.reader.read_line();
    if (!line) co_return std::nullopt;
    std::string text(*line);
    std::erase_if(text, is_control);
    co_return text;
  } catch (const Error& error) {
    if (error.code() != net::FramingError::too_long) throw;
    member.last_word = "* that line is too long\n";
    co_return std::nullopt;
  }
}

// Returns why nobody can have this name now; nothing if there is no reason.
std::string_view ChatRoom::objection_to(std::string_view name) const {
  const bool is_valid = !name.empty() && name.size() <= kNameBytesMax &&
                        std::ranges::all_of(name, is_visible) && name.front() != '*' &&
                        name.front() != '/' && name.find(':') == name.npos;
  if (!is_valid) return "a name has 1 to 20 visible characters, no `:`, and no `*` or `/` first";
  return members_.contains(name) ? "that name is taken" : "";
}

std::string ChatRoom::names() const {
  std::string line = "*";
  for (const auto& [name, member] : members_) line += " " + name;
  return line + "\n";
}

// --- what a member is told ---------------------------------------------------------------------

// One has the floor at a time, and the next one when all writers have had their turn: a pasted
// text, or everybody at once, fills no queue of somebody who reads.
Task<> ChatRoom::announce(const Member* speaker, std::string line) {
  const Mutex::Guard floor = co_await floor_.lock();
  tell_all_but(speaker, std::move(line));
  co_await yield();
}

// Who has no room for a line is dropped, which is news for the others.
void ChatRoom::tell_all_but(const Member* speaker, std::string line) {
  std::vector<std::string> news{std::move(line)};
  for (std::size_t next = 0; next < news.size(); ++next) {
    const auto text = std::make_shared<const std::string>(news[next] + "\n");
    std::erase_if(members_, [&](const auto& entry) {
      Member& member = *entry.second;
      if (next == 0 && &member == speaker) return false;
      if (member.outbox.try_send(Text(text))) return false;
      drop(member);
      news.push_back("* " + member.name + " was dropped: it reads too slowly");
      return true;
    });
  }
}

void ChatRoom::drop(Member& member) {
  log_info("dropped name={} unsent_bytes={}", member.name, member.stream.unsent_bytes());
  member.last_word = "* you were dropped: you read too slowly\n";
  while (member.outbox.try_receive()) {  // it would get them too late
  }
  member.dropped.set();
}

Task<> ChatRoom::write_outbox(Member& member) {
  while (const auto text = co_await member.outbox.receive()) {
    co_await member.stream.write(**text);  // if it is canceled, the stream sends it all the same
  }
}

Task<> ChatRoom::part(Member& member) {
  const auto at = members_.find(member.name);
  if (at != members_.end() && at->second == &member) {
    members_.erase(at);
    if (!closing_) co_await announce(nullptr, "* " + member.name + " left");
  }
  static_cast<void>(co_await within(kPartingTime, send_rest(member)));
}

Task<> ChatRoom::send_rest(Member& member) {
  try {
    while (const auto text = member.outbox.try_receive()) co_await member.stream.write(**text);
    co_await member.stream.write(member.last_word);
  } catch (const Error& error) {  // nobody is left to be told
    log_debug("has_gone error=\"{}\"", error.what());
  }
}

Task<> serve_chat(net::TcpListener& listener, std::size_t queue) {
  ChatRoom room(queue);
  const auto handler = [&](net::TcpStream stream) { return room.serve(std::move(stream)); };
  co_await net::serve(listener, handler);
}

}  // namespace coracle

// What the narrator tells of commands: who asked for them, where their entries are, and what came
// of them.
#include <variant>

#include "raft/sim/narrator.h"
#include "runtime/duration_text.h"

namespace coracle::raft::sim {
namespace {

std::string text_of(const MapCommand& command) {
  switch (command.kind) {
    case MapCommand::Kind::get: return "get " + command.key;
    case MapCommand::Kind::put: return "put " + command.key + " = " + command.value;
    case MapCommand::Kind::append: return "append " + command.value + " to " + command.key;
    case MapCommand::Kind::compare_and_set:
      return "put " + command.key + " = " + command.value + " if it is " +
             command.expected.value_or("absent");
    case MapCommand::Kind::remove: return "remove " + command.key;
  }
  return "something";
}

std::string text_of(const ClientRequest& request) {
  if (const auto* session = std::get_if<AskedSession>(&request)) {
    return "open a session that ends when it is idle for " + print_duration(session->idle_max);
  }
  if (const auto* read = std::get_if<AskedRead>(&request)) return "read " + read->key;
  const AskedCommand& asked = std::get<AskedCommand>(request);
  std::string text = text_of(asked.command);
  if (!asked.session) return text;
  return text + " (command " + std::to_string(asked.session->sequence) + " of session " +
         std::to_string(asked.session->session) + ")";
}

std::string text_of_result(const ClientRequest& request, const ClientAnswer& answer) {
  if (std::holds_alternative<AskedSession>(request)) {
    return "session " + std::to_string(answer.session) + " is open";
  }
  if (const auto* read = std::get_if<AskedRead>(&request)) {
    return read->key + " is " + answer.value.value_or("absent");
  }
  const MapCommand& command = std::get<AskedCommand>(request).command;
  const std::string was = command.key + " was " + answer.result.found.value_or("absent");
  return answer.result.done ? "done; " + was + " before" : "not done, because " + was;
}

std::string entries(LogIndex first, LogIndex last) {
  if (first == last) return "entry " + std::to_string(first);
  return "entries " + std::to_string(first) + " to " + std::to_string(last);
}

}  // namespace

void Narrator::asked(ServerId server, const ClientRequest& request) {
  say("A client asks " + name(server) + ": " + text_of(request) + ".");
}

void Narrator::answered(ServerId server, const ClientRequest& request, const ClientAnswer& answer) {
  const std::string self = name(server);
  switch (answer.kind) {
    case ClientAnswer::Kind::done:
      return say(self + " answers the client: " + text_of_result(request, answer) + ".");
    case ClientAnswer::Kind::not_leader:
      if (answer.leader != kNobody) {
        return say(self + " does nothing, and sends the client to " + name(answer.leader) + ".");
      }
      return say(self + " does nothing: it does not lead, and knows nobody who does.");
    case ClientAnswer::Kind::unknown:
      return say(self + " tells the client that nobody knows what becomes of: " + text_of(request) +
                 ".");
    case ClientAnswer::Kind::expired:
      return say(self + " tells the client that its session has expired; it does not " +
                 text_of(request) + ".");
  }
}

void Narrator::commits(ServerId server, LogIndex first, LogIndex last) {
  const std::string self = name(server);
  const std::string what = entries(first, last);
  const bool leads = play_->cluster().state(server).role() == Role::leader;
  if (!leads)
    return say(self + " learns that " + what + (first == last ? " is" : " are") + " committed.");
  say("A majority has stored " + what + ": " + self + " commits " +
      (first == last ? "it." : "them."));
}

// Of acknowledgements only those that say something new.
void Narrator::sends(const Message& message) {
  if (message.kind == MessageKind::append_entries && message.entries > 0) {
    const LogIndex first = message.log.index + 1;
    return say(name(message.from) + " sends " + name(message.to) + " " +
               entries(first, first + message.entries - 1) + ".");
  }
  if (message.kind != MessageKind::append_entries_reply || !message.granted) return;
  Told& told = told_[message.from];
  const bool is_news = told.term != message.term || told.index < message.matched.index;
  if (message.matched.index == 0 || !is_news) return;
  told = {.term = message.term, .index = message.matched.index};
  say(name(message.from) + " has stored all that " + name(message.to) + " has up to entry " +
      std::to_string(message.matched.index) + ", and says so.");
}

}  // namespace coracle::raft::sim

#include "apps/demo_command.h"

#include <charconv>
#include <vector>

#include "runtime/duration_text.h"

namespace coracle::demo {
namespace {

using Words = std::vector<std::string_view>;

Words split(std::string_view line) {
  constexpr std::string_view kBlanks = " \t\r";
  Words words;
  for (std::size_t at = line.find_first_not_of(kBlanks); at != std::string_view::npos;
       at = line.find_first_not_of(kBlanks, at)) {
    const std::size_t end = std::min(line.find_first_of(kBlanks, at), line.size());
    words.push_back(line.substr(at, end - at));
    at = end;
  }
  return words;
}

std::optional<std::uint64_t> parse_number(std::string_view word) {
  std::uint64_t number = 0;
  const char* const end = word.data() + word.size();
  const auto [stop, error] = std::from_chars(word.data(), end, number);
  if (error != std::errc() || stop != end || number == 0) return std::nullopt;
  return number;
}

Misunderstood usage(std::string_view form) { return {"usage: " + std::string(form)}; }

template <class Command>
DemoCommand plain(const Words& words, std::string_view form) {
  if (words.size() != 1) return usage(form);
  return Command{};
}

template <class Command>
DemoCommand with_number(const Words& words, std::string_view form) {
  const auto number = words.size() == 2 ? parse_number(words[1]) : std::nullopt;
  if (!number) return usage(form);
  return Command{*number};
}

template <class Command>
DemoCommand with_server(const Words& words, std::string_view form) {
  if (words.size() == 2 && words[1] == "leader") return Command{};
  const auto number = words.size() == 2 ? parse_number(words[1]) : std::nullopt;
  if (!number) return usage(form);
  return Command{WhichServer{number}};
}

DemoCommand wait_leader(const Words& words) {
  if (words.size() == 1) return WaitLeader{kWaitLeaderTimeout};
  const auto timeout = words.size() == 2 ? parse_duration(words[1]) : std::nullopt;
  if (!timeout) return usage("wait-leader [timeout], such as wait-leader 5s");
  return WaitLeader{*timeout};
}

DemoCommand set_key(const Words& words) {
  if (words.size() != 3) return usage("set KEY VALUE");
  return SetKey{.key = std::string(words[1]), .value = std::string(words[2])};
}

DemoCommand get_key(const Words& words) {
  if (words.size() != 2) return usage("get KEY");
  return GetKey{.key = std::string(words[1])};
}

DemoCommand set_log(const Words& words) {
  if (words.size() == 2 && words[1] == "quiet") return SetLog{LogDetail::quiet};
  if (words.size() == 2 && words[1] == "normal") return SetLog{LogDetail::normal};
  if (words.size() == 2 && words[1] == "all") return SetLog{LogDetail::all};
  return usage("log quiet|normal|all");
}

}  // namespace

std::optional<DemoCommand> parse_demo_command(std::string_view line) {
  const Words words = split(line);
  if (words.empty() || words[0].starts_with('#')) return std::nullopt;
  const std::string_view verb = words[0];
  if (verb == "status") return plain<ShowStatus>(words, "status");
  if (verb == "wait-leader") return wait_leader(words);
  if (verb == "kill") return with_server<KillServer>(words, "kill N|leader");
  if (verb == "start") return with_number<StartServer>(words, "start N");
  if (verb == "pause") return with_server<PauseServer>(words, "pause N|leader");
  if (verb == "resume") return with_number<ResumeServer>(words, "resume N");
  if (verb == "tasks") return with_number<ShowTasks>(words, "tasks N");
  if (verb == "set") return set_key(words);
  if (verb == "get") return get_key(words);
  if (verb == "dump") return plain<DumpMap>(words, "dump");
  if (verb == "log") return set_log(words);
  if (verb == "help") return plain<ShowHelp>(words, "help");
  if (verb == "quit") return plain<Quit>(words, "quit");
  return Misunderstood{"no such command: " + std::string(verb) + " (help lists them)"};
}

std::string_view demo_help() {
  return "status                 one line per server\n"
         "wait-leader [timeout]  wait until a majority of the servers that are up agree on one\n"
         "kill N|leader          end a server's process at once (SIGKILL)\n"
         "start N                start it again, with the same data\n"
         "pause N|leader         stop a server's process where it is (SIGSTOP)\n"
         "resume N               let it go on\n"
         "tasks N                what each task of a server is waiting for, with file and line\n"
         "set KEY VALUE          write a key of the replicated map, through whoever leads\n"
         "get KEY                read it\n"
         "dump                   the whole map, and what each server holds of it\n"
         "log quiet|normal|all   how much of the servers' events to show\n"
         "help                   this list\n"
         "quit                   end the servers and the demo\n";
}

}  // namespace coracle::demo

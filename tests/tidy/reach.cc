// What a file may reach: the layers below it, and nothing of the world outside but through them.
#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "tests/tidy/rules.h"

namespace tidy {
namespace {

constexpr std::array<std::string_view, 4> kLayers = {"runtime", "net", "raft", "apps"};

// The one file of a layer that may make its libuv back end.
constexpr std::array<std::string_view, 2> kFactories = {"runtime/run.cc", "net/back_end.cc"};

std::size_t rank(std::string_view layer) {
  const auto found = std::find(kLayers.begin(), kLayers.end(), layer);
  return static_cast<std::size_t>(found - kLayers.begin());
}

bool begins_with(std::string_view text, std::string_view folder) {
  return text.starts_with(folder) && text.size() > folder.size() && text[folder.size()] == '/';
}

bool in_uv(const Source& source) { return source.in("runtime/uv") || source.in("net/uv"); }

bool is_factory(const Source& source, std::string_view layer) {
  return source.layer() == layer &&
         std::find(kFactories.begin(), kFactories.end(), source.path()) != kFactories.end();
}

// Says why `source` may not include `target`, which stands without quotes; empty where it may.
std::string forbidden_include(const Source& source, std::string_view target) {
  const std::string_view from = source.layer();
  const std::string_view to = target.substr(0, target.find('/'));
  const bool own_layer = rank(from) < kLayers.size();
  if (target.find('/') == std::string_view::npos) return "an include is written from the root";
  if (own_layer && (to == "tests" || to == "bench")) return "only tests include tests";
  if (own_layer && rank(to) < kLayers.size() && rank(to) > rank(from)) {
    return "arrows go apps -> raft -> net -> runtime";
  }
  if (begins_with(target, "runtime/uv") && !in_uv(source) && !is_factory(source, "runtime")) {
    return "runtime/uv/ is known to its factory and to net/uv/ only";
  }
  if (begins_with(target, "net/uv") && !source.in("net/uv") && !is_factory(source, "net")) {
    return "net/uv/ is known to its factory only";
  }
  const bool simulates = !own_layer || from == "apps" || source.in("raft/sim");
  if (begins_with(target, "runtime/sim") && !simulates && !source.in("runtime/sim") &&
      !source.in("net/sim")) {
    return "runtime/sim/ is known to the other sim/ folders, tests and apps only";
  }
  if (begins_with(target, "net/sim") && !simulates && !source.in("net/sim")) {
    return "net/sim/ is known to raft/sim/, tests and apps only";
  }
  if (begins_with(target, "raft/sim") && !simulates) {
    return "raft/sim/ is known to tests and apps only";
  }
  if (from == "raft" && to == "net" && !source.in("raft/sim") &&
      !source.path().starts_with("raft/rpc_transport.")) {
    return "raft knows net in its RPC transport only";
  }
  return {};
}

// What touches the world outside. A name ends in "(" where only its call is meant.
constexpr std::array<std::string_view, 63> kOutsideWorld = {
    // clocks
    "steady_clock", "system_clock", "high_resolution_clock", "utc_clock", "clock_gettime",
    "gettimeofday", "std::time(", "::time(", "timerfd_create", "std::clock(", "localtime_r(",
    "this_thread", "nanosleep(", "usleep(", "::sleep(",
    // random sources
    "random_device", "mt19937", "mt19937_64", "minstd_rand", "default_random_engine", "rand(",
    "srand(", "getrandom(", "getentropy(", "arc4random(",
    // sockets
    "::socket(", "socket(AF_INET", "socket(AF_INET6", "socket(AF_UNIX", "socketpair(", "::connect(",
    "::bind(", "::listen(", "::accept(", "accept4(", "::send(", "::recv(", "sendmsg(", "recvmsg(",
    "setsockopt(", "getaddrinfo(", "epoll_create1(", "epoll_wait(", "::poll(",
    // files and pipes
    "::open(", "openat(", "::read(", "::write(", "::close(", "::rename(", "::unlink(", "::mkdir(",
    "fsync(", "fdatasync(", "fopen(", "std::ifstream", "std::ofstream", "std::fstream",
    "std::filesystem", "tmpfile(", "mkstemp(", "mkdtemp(", "popen("};

constexpr std::array<std::string_view, 11> kOutsideHeaders = {
    "<uv.h>",   "<sys/socket.h>", "<sys/epoll.h>", "<sys/timerfd.h>", "<sys/stat.h>", "<fcntl.h>",
    "<poll.h>", "<fstream>",      "<filesystem>",  "<random>",        "<netdb.h>"};

// `::open(` is a call of the system, `File::open(` is none; `rand(` is a call, `x.rand(` is none.
bool uses(std::string_view code, std::string_view name, std::size_t& at) {
  for (at = find_word(code, name); at != std::string_view::npos;
       at = find_word(code, name, at + 1)) {
    const char before = at == 0 ? ' ' : code[at - 1];
    const bool of_an_object = before == '.' || (before == '>' && code[at - 2] == '-');
    const bool of_a_class = name.starts_with("::") && (is_word(before) || before == '>');
    if (!of_an_object && !of_a_class) return true;
  }
  return false;
}

// libuv's own functions and types, e.g. uv_run or uv_loop_t.
std::size_t find_libuv(std::string_view code) {
  for (std::size_t at = code.find("uv_"); at != std::string_view::npos;
       at = code.find("uv_", at + 1)) {
    const bool begins = at == 0 || !is_word(code[at - 1]);
    const std::size_t end =
        std::min(code.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_", at), code.size());
    const bool called = end < code.size() && code[end] == '(';
    const bool type = code.substr(at, end - at).ends_with("_t");
    if (begins && (called || type)) return at;
  }
  return std::string_view::npos;
}

}  // namespace

Findings check_directions(const Source& source) {
  Findings findings;
  for (const Include& include : source.includes()) {
    if (!include.target.starts_with('"')) continue;
    const std::string_view target =
        std::string_view(include.target).substr(1, include.target.size() - 2);
    const std::string why = forbidden_include(source, target);
    if (why.empty()) continue;
    findings.push_back({source.path(), include.line, std::string(target) + ": " + why});
  }
  return findings;
}

Findings check_outside_world(const Source& source) {
  if (in_uv(source) || rank(source.layer()) == kLayers.size()) return {};
  Findings findings;
  for (const Include& include : source.includes()) {
    if (std::find(kOutsideHeaders.begin(), kOutsideHeaders.end(), include.target) ==
        kOutsideHeaders.end()) {
      continue;
    }
    findings.push_back({source.path(), include.line, include.target + " belongs into uv/"});
  }
  const std::string& code = source.code();
  for (std::string_view name : kOutsideWorld) {
    std::size_t at = 0;
    if (!uses(code, name, at)) continue;
    const std::size_t line = line_at(code, at);
    if (!findings.empty() && findings.back().line == line) continue;  // two names of one thing
    findings.push_back({source.path(), line, std::string(name) + " belongs into uv/"});
  }
  const std::size_t libuv = find_libuv(code);
  if (libuv != std::string::npos) {
    findings.push_back({source.path(), line_at(code, libuv), "libuv belongs into uv/"});
  }
  return findings;
}

}  // namespace tidy

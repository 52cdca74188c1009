#include "tests/compiler/canary.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <ostream>
#include <string_view>

#include "tests/compiler/owner.h"

namespace canary {
namespace {

// Sanitizers end a process by low exit codes of their own; ours begin above them.
constexpr int kFirstExitCode = 100;

Outcome run_here(const Canary& canary) {
  try {
    canary.code().run();
  } catch (...) {
    return Outcome::failed;
  }
  if (canary.dangles != nullptr && canary.dangles()) return Outcome::dangling;
  if (Owner::destroyed > Owner::born) return Outcome::destroyed_twice;
  if (Owner::destroyed < Owner::born) return Outcome::leaked;
  return Owner::misused ? Outcome::misused : Outcome::right;
}

[[noreturn]] void be_child(const Canary& canary) {
  constexpr rlimit kNoCore{};
  setrlimit(RLIMIT_CORE, &kNoCore);
  close(STDERR_FILENO);  // a sanitizer's report of what is expected here would only mislead
  _exit(kFirstExitCode + static_cast<int>(run_here(canary)));
}

}  // namespace

std::ostream& operator<<(std::ostream& out, Outcome outcome) {
  constexpr std::array<std::string_view, 7> kNames = {
      "right", "destroyed twice", "leaked", "misused", "dangling", "failed", "crash"};
  return out << kNames.at(static_cast<std::size_t>(outcome));
}

void PrintTo(const Canary& canary, std::ostream* out) { *out << canary.shape; }

Outcome seen(const Canary& canary) {
  const pid_t child = fork();
  if (child == 0) be_child(canary);
  int status = 0;
  waitpid(child, &status, 0);
  if (!WIFEXITED(status) || WEXITSTATUS(status) < kFirstExitCode) return Outcome::crash;
  return static_cast<Outcome>(WEXITSTATUS(status) - kFirstExitCode);
}

}  // namespace canary

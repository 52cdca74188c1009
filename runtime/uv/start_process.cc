#include "runtime/uv/start_process.h"

#include <unistd.h>

namespace coracle::uv {

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  std::swap(number_, other.number_);
  return *this;
}

Descriptor::~Descriptor() {
  if (number_ >= 0) ::close(number_);
}

}  // namespace coracle::uv

#if defined(__linux__)

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/error.h"

namespace coracle::uv {
namespace {

constexpr int kExecFailed = 127;  // as shells have it

struct Pipe {
  Descriptor read_end;
  Descriptor write_end;
};

// The same descriptor, but none of the three streams: should those be closed in this process, the
// child must not overwrite it when it sets its own.
Descriptor above_streams(int descriptor, const std::string& program) {
  Descriptor low(descriptor);
  if (descriptor > STDERR_FILENO) return low;
  const int high = ::fcntl(descriptor, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  if (high < 0) throw Error(errno, "start", program);
  return Descriptor(high);
}

// Both ends are closed in processes that are started.
Pipe make_pipe(const std::string& program) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw Error(errno, "start", program);
  return {above_streams(ends[0], program), above_streams(ends[1], program)};
}

// A list of strings as execve takes it.
class StringList {
 public:
  explicit StringList(std::vector<std::string> strings) : strings_(std::move(strings)) {
    for (std::string& string : strings_) pointers_.push_back(string.data());
    pointers_.push_back(nullptr);
  }
  [[nodiscard]] char* const* pointers() const { return pointers_.data(); }

 private:
  std::vector<std::string> strings_;
  std::vector<char*> pointers_;
};

StringList arguments_of(const ProcessOptions& options) {
  std::vector<std::string> arguments = {options.program};
  arguments.insert(arguments.end(), options.arguments.begin(), options.arguments.end());
  return StringList(std::move(arguments));
}

StringList environment_of(const ProcessOptions& options) {
  std::vector<std::string> environment;
  const auto is_replaced = [&](std::string_view entry) {
    const std::string_view name = entry.substr(0, entry.find('='));
    return std::any_of(options.environment.begin(), options.environment.end(),
                       [&](const auto& added) { return added.first == name; });
  };
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (!is_replaced(*entry)) environment.emplace_back(*entry);
  }
  for (const auto& [name, value] : options.environment) environment.push_back(name + "=" + value);
  return StringList(std::move(environment));
}

// All that the child needs, made before the fork: after it, only calls that are safe in a signal
// handler are allowed, because another thread may have held any lock.
struct Plan {
  const ProcessOptions& options;
  StringList arguments;
  StringList environment;
  std::array<Descriptor, 3> streams;  // the child's ends
  pid_t parent = ::getpid();
};

// In the child: `target` becomes what `kind` says, from `end` if that is a pipe.
bool set_stream(int target, ChildStream kind, int end) {
  if (kind == ChildStream::inherit) return true;
  if (kind == ChildStream::null) end = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (end == target) return ::fcntl(end, F_SETFD, 0) == 0;  // it was closed here
  return end >= 0 && ::dup2(end, target) == target;
}

void restore_signals() {
  struct sigaction action{};
  action.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number) ::sigaction(number, &action, nullptr);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

// In the child: everything up to the exec.
//   Returns    only if something failed; errno says what.
void become_program(const Plan& plan) {
  const ProcessOptions& options = plan.options;
  if (options.dies_with_parent) {
    if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return;
    if (::getppid() != plan.parent) ::_exit(kExecFailed);  // it died before that
  }
  if (options.own_group && ::setpgid(0, 0) != 0) return;
  if (!set_stream(STDIN_FILENO, options.input, plan.streams[0].number())) return;
  if (!set_stream(STDOUT_FILENO, options.output, plan.streams[1].number())) return;
  if (!set_stream(STDERR_FILENO, options.error, plan.streams[2].number())) return;
  restore_signals();
  // What was opened without O_CLOEXEC, by whomever. Before Linux 5.11 it stays open.
  static_cast<void>(::close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC));
  ::execvpe(options.program.c_str(), plan.arguments.pointers(), plan.environment.pointers());
}

// Forks with all signals blocked, so that no handler of ours runs in the child. The child writes
// to `failure` what kept it from its program.
pid_t fork_child(const Plan& plan, int failure) {
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = ::fork();
  if (pid == 0) {
    become_program(plan);
    const int code = errno;
    static_cast<void>(!::write(failure, &code, sizeof(code)));
    ::_exit(kExecFailed);
  }
  const int code = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = code;
  return pid;
}

// Waits until the child has its program.
//   Returns    what kept it from that, 0 if nothing did.
int failure_of(int descriptor) {
  int code = 0;
  ssize_t count = 0;
  do {
    count = ::read(descriptor, &code, sizeof(code));
  } while (count < 0 && errno == EINTR);
  return count == sizeof(code) ? code : 0;
}

}  // namespace

StartedProcess start_process(const ProcessOptions& options) {
  Plan plan{.options = options,
            .arguments = arguments_of(options),
            .environment = environment_of(options),
            .streams = {}};
  StartedProcess started;
  const std::array kinds = {options.input, options.output, options.error};
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    if (kinds[i] != ChildStream::pipe) continue;
    Pipe pipe = make_pipe(options.program);
    const bool child_reads = i == STDIN_FILENO;
    plan.streams[i] = std::move(child_reads ? pipe.read_end : pipe.write_end);
    started.streams[i] = std::move(child_reads ? pipe.write_end : pipe.read_end);
  }
  Pipe failure = make_pipe(options.program);
  started.pid = fork_child(plan, failure.write_end.number());
  if (started.pid < 0) throw Error(errno, "start", options.program);
  failure.write_end = Descriptor();
  if (const int code = failure_of(failure.read_end.number()); code != 0) {
    ::waitpid(started.pid, nullptr, 0);
    throw Error(code, "start", options.program);
  }
  return started;
}

}  // namespace coracle::uv

#endif

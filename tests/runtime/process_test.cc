// Child processes: how they start, what they get, how they end.
#include "runtime/process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <optional>
#include <string>

#include "runtime/combinators.h"
#include "runtime/error.h"
#include "runtime/run.h"
#include "runtime/sleep.h"
#include "runtime/timeout.h"
#include "tests/runtime/sweep.h"
#include "tests/runtime/text_pipe.h"

namespace coracle {
namespace {

using namespace std::chrono_literals;

ProcessOptions shell(const std::string& script) { return ProcessOptions("sh", {"-c", script}); }

// Runs a script.
//   Returns    what it wrote to its output.
Task<std::string> output_of(ProcessOptions options) {
  options.output = ChildStream::pipe;
  Process process = Process::spawn(options);
  std::string text = co_await read_all(process.output());
  const ExitStatus status = co_await process.wait();
  EXPECT_TRUE(status.success());
  co_return text;
}

bool has_children() { return waitpid(-1, nullptr, WNOHANG) >= 0 || errno != ECHILD; }

// Whether there is such a process, or its remains.
bool exists(pid_t pid) { return kill(pid, 0) == 0; }

TEST(Process, EndsWithACodeOrASignal) {
  run([]() -> Task<> {
    Process process = Process::spawn(shell("exit 3"));
    const ExitStatus code = co_await process.wait();
    EXPECT_EQ(code, (ExitStatus{.code = 3, .signal = 0}));
    EXPECT_FALSE(process.kill(SIGTERM));
    const ExitStatus again = co_await process.wait();
    EXPECT_EQ(again, code);
    EXPECT_EQ(process.status(), code);
    Process killed = Process::spawn(ProcessOptions("sleep", {"1000"}));
    EXPECT_EQ(killed.status(), std::nullopt);
    EXPECT_TRUE(killed.kill(SIGTERM));
    const ExitStatus signal = co_await killed.wait();
    EXPECT_EQ(signal, (ExitStatus{.code = 0, .signal = SIGTERM}));
  }());
  EXPECT_FALSE(has_children());
}

TEST(Process, SaysWhyItCannotStart) {
  run([]() -> Task<> {
    std::string said;
    try {
      static_cast<void>(Process::spawn(ProcessOptions("coracle-no-such-program")));
    } catch (const Error& error) {
      said = error.what();
    }
    EXPECT_EQ(said, "start coracle-no-such-program: No such file or directory");
    EXPECT_THROW(static_cast<void>(Process::spawn(ProcessOptions("/"))), Error);
    co_return;
  }());
  EXPECT_FALSE(has_children());
}

TEST(Process, CarriesMoreThanAPipeHoldsBothWays) {
  run([]() -> Task<> {
    ProcessOptions options("cat");
    options.input = ChildStream::pipe;
    options.output = ChildStream::pipe;
    Process cat = Process::spawn(options);
    std::string text(1'000'000, 'x');
    for (std::size_t i = 0; i < text.size(); i += 100) text[i] = '\n';
    const auto both = co_await when_all(write_all(cat.input(), text), read_all(cat.output()));
    EXPECT_EQ(std::get<1>(both), text);
    const ExitStatus status = co_await cat.wait();
    EXPECT_TRUE(status.success());
  }());
}

TEST(Process, HasItsErrorStreamApart) {
  run([]() -> Task<> {
    ProcessOptions options = shell("echo out; echo err >&2");
    options.output = ChildStream::pipe;
    options.error = ChildStream::pipe;
    Process process = Process::spawn(options);
    PipeReader error = std::move(process.error());
    const std::string out = co_await read_all(process.output());
    const std::string err = co_await read_all(error);
    EXPECT_EQ(out, "out\n");
    EXPECT_EQ(err, "err\n");
  }());
}

TEST(Process, GetsArgumentsAndEnvironment) {
  setenv("CORACLE_TEST_KEPT", "kept", 1);
  setenv("CORACLE_TEST_REPLACED", "old", 1);
  run([]() -> Task<> {
    ProcessOptions options(
        "sh", {"-c", "echo $CORACLE_TEST_KEPT $CORACLE_TEST_REPLACED \"$1\"", "sh", "two words"});
    options.environment = {{"CORACLE_TEST_REPLACED", "new"}};
    const std::string text = co_await output_of(options);
    EXPECT_EQ(text, "kept new two words\n");
  }());
}

TEST(Process, ReadsNothingFromTheNullStream) {
  run([]() -> Task<> {
    ProcessOptions options = shell("cat; echo end; echo lost >&2");
    options.input = ChildStream::null;
    options.error = ChildStream::null;
    const std::string text = co_await output_of(options);
    EXPECT_EQ(text, "end\n");
  }());
}

TEST(Process, GetsNoneOfOurDescriptors) {
  const int ours = open("/dev/null", O_RDONLY);  // not closed on exec: somebody forgot
  run([]() -> Task<> {
    const ProcessOptions list("ls", {"/proc/self/fd"});
    const std::string text = co_await output_of(list);
    EXPECT_EQ(text, "0\n1\n2\n3\n");  // 3 is that of ls
  }());
  close(ours);
}

// The runtime ignores SIGPIPE, and a test may block signals: a program expects neither.
TEST(Process, StartsWithDefaultSignals) {
  sigset_t blocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &blocked, nullptr);
  run([]() -> Task<> {
    Process pipe = Process::spawn(shell("kill -PIPE $$; exit 0"));
    const ExitStatus by_pipe = co_await pipe.wait();
    EXPECT_EQ(by_pipe.signal, SIGPIPE);
    Process term = Process::spawn(shell("kill -TERM $$; exit 0"));
    const ExitStatus by_term = co_await term.wait();
    EXPECT_EQ(by_term.signal, SIGTERM);
  }());
  pthread_sigmask(SIG_UNBLOCK, &blocked, nullptr);
}

TEST(Process, MayHaveAGroupOfItsOwn) {
  run([]() -> Task<> {
    ProcessOptions options("sleep", {"1000"});
    Process same = Process::spawn(options);
    EXPECT_EQ(getpgid(same.pid()), getpgrp());
    options.own_group = true;
    Process own = Process::spawn(options);
    EXPECT_EQ(getpgid(own.pid()), own.pid());
    co_return;
  }());
}

TEST(Process, CanBePausedAndResumed) {
  run([]() -> Task<> {
    ProcessOptions options("cat");
    options.input = ChildStream::pipe;
    options.output = ChildStream::pipe;
    Process cat = Process::spawn(options);
    EXPECT_TRUE(cat.kill(SIGSTOP));
    int status = 0;
    EXPECT_EQ(waitpid(cat.pid(), &status, WUNTRACED), cat.pid());
    EXPECT_TRUE(WIFSTOPPED(status));
    const std::string text = "hello";
    co_await write_all(cat.input(), text);
    EXPECT_TRUE(cat.kill(SIGCONT));
    const std::string back = co_await read_all(cat.output());
    EXPECT_EQ(back, text);
  }());
}

TEST(Process, IsKilledAndReapedWhenDestroyed) {
  pid_t runs = 0;
  pid_t paused = 0;
  run([](pid_t& first, pid_t& second) -> Task<> {
    Process running = Process::spawn(ProcessOptions("sleep", {"1000"}));
    Process stopped = Process::spawn(ProcessOptions("sleep", {"1000"}));
    stopped.kill(SIGSTOP);
    first = running.pid();
    second = stopped.pid();
    co_return;
  }(runs, paused));
  EXPECT_FALSE(exists(runs));
  EXPECT_FALSE(exists(paused));
  EXPECT_FALSE(has_children());
}

TEST(Process, IsGoneSoonAfterItWasDestroyedInALoopThatGoesOn) {
  run([]() -> Task<> {
    std::optional<Process> process = Process::spawn(ProcessOptions("sleep", {"1000"}));
    const pid_t pid = process->pid();
    process.reset();
    while (exists(pid)) co_await sleep_for(1ms);  // ctest's time limit fails it
  }());
}

TEST(Process, AnExceptionOfMainLeavesNoChild) {
  EXPECT_THROW(run([]() -> Task<> {
                 Process process = Process::spawn(ProcessOptions("sleep", {"1000"}));
                 throw Error(EIO, "fail");
                 co_return;
               }()),
               Error);
  EXPECT_FALSE(has_children());
}

// Forks a process that starts a child, tells its pid, and is killed.
TEST(Process, DiesWithAParentThatIsKilled) {
  prctl(PR_SET_CHILD_SUBREAPER, 1);  // the orphan becomes ours
  int pids[2];
  ASSERT_EQ(pipe(pids), 0);
  const pid_t parent = fork();
  if (parent == 0) {
    run([](int descriptor) -> Task<> {
      Process process = Process::spawn(ProcessOptions("sleep", {"1000"}));
      const int pid = process.pid();
      if (write(descriptor, &pid, sizeof(pid)) == sizeof(pid)) pause();
      co_return;
    }(pids[1]));
    _exit(1);
  }
  close(pids[1]);
  int child = 0;
  ASSERT_EQ(read(pids[0], &child, sizeof(child)), static_cast<ssize_t>(sizeof(child)));
  close(pids[0]);
  EXPECT_EQ(kill(parent, SIGKILL), 0);
  EXPECT_EQ(waitpid(parent, nullptr, 0), parent);
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  prctl(PR_SET_CHILD_SUBREAPER, 0);
}

TEST(Process, ACanceledWaitLetsItGoOn) {
  run([]() -> Task<> {
    ProcessOptions options("cat");
    options.input = ChildStream::pipe;
    Process cat = Process::spawn(options);
    const std::optional<ExitStatus> in_time = co_await within(1ms, cat.wait());
    EXPECT_EQ(in_time, std::nullopt);
    EXPECT_EQ(cat.status(), std::nullopt);
    cat.input().close();
    const ExitStatus status = co_await cat.wait();
    EXPECT_TRUE(status.success());
  }());
}

TEST(Process, MayBeMovedWhileSomebodyWaits) {
  run([]() -> Task<> {
    ProcessOptions options("cat");
    options.input = ChildStream::pipe;
    Process cat = Process::spawn(options);
    std::optional<Process> moved;
    std::optional<ExitStatus> status;
    co_await task_group([&](TaskGroup& group) -> Task<> {
      group.spawn(
          "wait",
          [](Process& process, std::optional<ExitStatus>& ended) -> Task<> {
            ended = co_await process.wait();
          },
          std::ref(cat), std::ref(status));
      co_await yield();
      moved.emplace(std::move(cat));
      moved->input().close();
    });
    EXPECT_EQ(status, ExitStatus{});
  }());
}

TEST(PipeWriter, FailsWhenNobodyReads) {
  run([]() -> Task<> {
    ProcessOptions options = shell("exec <&-; echo closed; exec sleep 1000");
    options.input = ChildStream::pipe;
    options.output = ChildStream::pipe;
    Process process = Process::spawn(options);
    std::array<std::byte, 100> buffer{};
    EXPECT_EQ(co_await process.output().read(buffer), 7U);
    std::string said;
    try {
      co_await process.input().write(buffer);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), std::errc::broken_pipe);
      said = error.what();
    }
    EXPECT_EQ(said, "write input of sh: Broken pipe");
  }());
}

// Talks to one child, and leaves another one to be killed.
Task<> use_processes() {
  Process idle = Process::spawn(ProcessOptions("sleep", {"1000"}));
  ProcessOptions options("cat");
  options.input = ChildStream::pipe;
  options.output = ChildStream::pipe;
  Process cat = Process::spawn(options);
  const std::string text(200'000, 'x');
  const auto both = co_await when_all(write_all(cat.input(), text), read_all(cat.output()));
  EXPECT_EQ(std::get<1>(both), text);
  const ExitStatus status = co_await cat.wait();
  EXPECT_TRUE(status.success());
}

TEST(Process, CanBeCanceledAnywhere) {
  EXPECT_GT(sweep::cancel_everywhere(use_processes, [] { EXPECT_FALSE(has_children()); }), 5);
}

TEST(Process, CanCrashAnywhere) {
  EXPECT_GT(sweep::crash_everywhere(use_processes, [] { EXPECT_FALSE(has_children()); }), 5);
}

}  // namespace
}  // namespace coracle

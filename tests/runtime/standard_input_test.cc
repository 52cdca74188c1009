// Standard input, whatever it is.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <optional>
#include <string>

#include "runtime/combinators.h"
#include "runtime/error.h"
#include "runtime/pipe_reader.h"
#include "runtime/run.h"
#include "runtime/sleep.h"
#include "runtime/timeout.h"
#include "tests/runtime/sweep.h"
#include "tests/runtime/temporary_directory.h"
#include "tests/runtime/text_pipe.h"

namespace coracle {
namespace {

using namespace std::chrono_literals;

// Makes a descriptor the standard input, for as long as it lives; closes it.
class StandardInput {
 public:
  explicit StandardInput(int descriptor) : before_(fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)) {
    EXPECT_EQ(dup2(descriptor, STDIN_FILENO), STDIN_FILENO);
    close(descriptor);
  }
  StandardInput(const StandardInput&) = delete;
  StandardInput& operator=(const StandardInput&) = delete;
  ~StandardInput() {
    if (before_ < 0) {
      close(STDIN_FILENO);
    } else {
      dup2(before_, STDIN_FILENO);
      close(before_);
    }
  }

 private:
  int before_;
};

Task<> read_input(std::string& text) {
  PipeReader input = PipeReader::standard_input();
  text = co_await read_all(input);
}

std::string all_input() {
  std::string text;
  run(read_input(text));
  return text;
}

void write_text(int descriptor, const std::string& text) {
  EXPECT_EQ(write(descriptor, text.data(), text.size()), static_cast<ssize_t>(text.size()));
}

TEST(StandardInput, MayBeAFile) {
  const TemporaryDirectory directory;
  std::ofstream(directory / "file") << std::string(5000, 'x');
  const StandardInput input(open((directory / "file").c_str(), O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(all_input(), std::string(5000, 'x'));
}

TEST(StandardInput, MayBeNothing) {
  const StandardInput input(open("/dev/null", O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(all_input(), "");
}

TEST(StandardInput, MayBeAPipeThatIsWaitedFor) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const StandardInput input(ends[0]);
  std::string text;
  run([](std::string& whole, int writer) -> Task<> {
    co_await when_all(read_input(whole), [](int descriptor) -> Task<> {
      write_text(descriptor, "one ");
      co_await sleep_for(2ms);
      write_text(descriptor, "two");
      co_await sleep_for(2ms);
      close(descriptor);
    }(writer));
  }(text, ends[1]));
  EXPECT_EQ(text, "one two");
}

TEST(StandardInput, MayBeATerminal) {
  const int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  ASSERT_GE(master, 0);
  ASSERT_EQ(grantpt(master), 0);
  ASSERT_EQ(unlockpt(master), 0);
  const StandardInput input(open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC));
  std::string text;
  run([](std::string& whole, int keyboard) -> Task<> {
    co_await when_all(read_input(whole), [](int descriptor) -> Task<> {
      co_await sleep_for(2ms);
      write_text(descriptor, "a line\n");
      co_await sleep_for(2ms);
      write_text(descriptor, "\x04");  // Ctrl-D: the end
    }(keyboard));
  }(text, master));
  EXPECT_EQ(text, "a line\n");
  close(master);
}

// Whoever shares it (the shell, other processes) must not find it non-blocking.
TEST(StandardInput, KeepsItsFlags) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const StandardInput input(ends[0]);
  run([]() -> Task<> {
    PipeReader reader = PipeReader::standard_input();
    std::array<std::byte, 10> buffer{};
    const auto in_time = co_await within(1ms, reader.read(buffer));
    EXPECT_EQ(in_time, std::nullopt);
    EXPECT_EQ(fcntl(STDIN_FILENO, F_GETFL) & O_NONBLOCK, 0);
  }());
  EXPECT_EQ(fcntl(STDIN_FILENO, F_GETFL) & O_NONBLOCK, 0);
  close(ends[1]);
}

TEST(StandardInput, StaysOpenForALaterReader) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const StandardInput input(ends[0]);
  run([]() -> Task<> {
    std::array<std::byte, 10> buffer{};
    for (int i = 0; i < 2; ++i) {
      PipeReader reader = PipeReader::standard_input();
      co_await within(1ms, reader.read(buffer));
    }
  }());
  write_text(ends[1], "still there");
  close(ends[1]);
  EXPECT_EQ(all_input(), "still there");
}

// Reads three messages of a pipe. What a canceled read had not taken, the next reader finds.
Task<> read_thrice(int writer, std::string& text) {
  PipeReader input = PipeReader::standard_input();
  std::array<char, 100> buffer{};
  for (int i = 0; i < 3; ++i) {
    co_await yield();
    if (i > 0) write_text(writer, "x");
    const std::size_t count = co_await input.read(std::as_writable_bytes(std::span(buffer)));
    text.append(buffer.data(), count);
  }
}

TEST(StandardInput, CanBeStoppedAnywhereAndLosesNothing) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  const StandardInput input(ends[0]);
  std::string text;
  std::size_t written = 0;
  const auto scenario = [&]() -> Task<> {
    text.clear();
    write_text(ends[1], "x");
    return read_thrice(ends[1], text);
  };
  const auto drain = [&] {
    std::array<char, 100> rest{};
    const ssize_t count = recv(STDIN_FILENO, rest.data(), rest.size(), MSG_DONTWAIT);
    written = text.size() + (count > 0 ? static_cast<std::size_t>(count) : 0);
    EXPECT_GE(written, 1U);  // the first was written in any case
    EXPECT_LE(written, 3U);
  };
  EXPECT_GE(sweep::cancel_everywhere(scenario, drain), 3);
  const auto drop = [] {
    std::array<char, 100> rest{};
    static_cast<void>(recv(STDIN_FILENO, rest.data(), rest.size(), MSG_DONTWAIT));
  };
  EXPECT_GE(sweep::crash_everywhere(scenario, drop), 3);
  close(ends[1]);
}

}  // namespace
}  // namespace coracle

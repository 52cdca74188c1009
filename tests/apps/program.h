// A program under test: started with arguments, what it prints, how it ends.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

namespace coracle {

// A child process, with its standard input in one pipe, its standard output and error in another.
// Killed if it still runs when this object ends.
class Program {
 public:
  // Returns    where one of our programs was built; the environment's APPS names the folder.
  static std::string path(const std::string& name) {
    const char* folder = std::getenv("APPS");
    return (folder == nullptr ? "APPS is not set" : folder) + ("/" + name);
  }

  explicit Program(std::vector<std::string> command) {
    std::array<int, 2> ends{};
    std::array<int, 2> input{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) ADD_FAILURE() << "no pipe";
    if (pipe2(input.data(), O_CLOEXEC) != 0) ADD_FAILURE() << "no pipe";
    pid_ = fork();
    if (pid_ == 0) {
      dup2(input[0], STDIN_FILENO);
      dup2(ends[1], STDOUT_FILENO);
      dup2(ends[1], STDERR_FILENO);
      std::vector<char*> arguments;
      for (std::string& word : command) arguments.push_back(word.data());
      arguments.push_back(nullptr);
      execvp(arguments[0], arguments.data());
      _exit(127);
    }
    close(ends[1]);
    close(input[0]);
    output_ = ends[0];
    input_ = input[1];
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  ~Program() {
    if (pid_ > 0) {
      send(SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
    close_input();
    close(output_);
  }

  [[nodiscard]] pid_t pid() const { return pid_; }
  void send(int signal) const { kill(pid_, signal); }

  // Types a line, or ends the input.
  void type(const std::string& line) const {
    const std::string typed = line + "\n";
    const ssize_t bytes = write(input_, typed.data(), typed.size());
    EXPECT_EQ(bytes, static_cast<ssize_t>(typed.size()));
  }
  void close_input() {
    if (input_ >= 0) close(std::exchange(input_, -1));
  }

  // Reads on until what was printed contains `text`.
  //   Returns    all that was printed so far; a test fails if nothing more comes for a minute.
  const std::string& read_until(const std::string& text) {
    while (printed_.find(text) == std::string::npos) {
      if (!read_on()) {
        ADD_FAILURE() << "`" << text << "` was not printed, but:\n" << printed_;
        break;
      }
    }
    return printed_;
  }

  // Waits for its end, or until it prints nothing for a minute.
  //   Returns    its exit code; 128 + the signal that killed it.
  int wait() {
    while (read_on()) {
    }
    int status = 0;
    waitpid(std::exchange(pid_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

  [[nodiscard]] const std::string& printed() const { return printed_; }

  // Reads what comes next.
  //   Returns    false at the end of the output, and when nothing comes for a minute.
  bool read_on() {
    constexpr int kMinute = 60'000;
    pollfd readable{output_, POLLIN, 0};
    if (poll(&readable, 1, kMinute) <= 0) return false;
    std::array<char, 4096> part;
    const ssize_t bytes = read(output_, part.data(), part.size());
    if (bytes > 0) printed_.append(part.data(), static_cast<std::size_t>(bytes));
    return bytes > 0;
  }

 private:
  pid_t pid_ = -1;
  int input_ = -1;
  int output_ = -1;
  std::string printed_;
};

// How a program ended, and all that it printed.
struct Ended {
  int status;
  std::string printed;
};

// Runs `coracle` with these arguments, to its end.
inline Ended coracle(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), Program::path("coracle"));
  Program program(std::move(arguments));
  const int status = program.wait();
  return {status, program.printed()};
}

}  // namespace coracle

// Child processes in a simulated world.
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <stdexcept>
#include <string>

#include "runtime/error.h"
#include "runtime/log.h"
#include "runtime/process.h"
#include "runtime/sim/simulation.h"
#include "runtime/sleep.h"
#include "runtime/task_group.h"

namespace coracle {
namespace {

using namespace std::chrono_literals;

// Reads a pipe to its end.
Task<std::string> read_all(PipeReader& pipe) {
  std::string text;
  std::string part(4096, '\0');
  for (;;) {
    const std::size_t bytes = co_await pipe.read(std::as_writable_bytes(std::span(part)));
    if (bytes == 0) co_return text;
    text.append(part, 0, bytes);
  }
}

// Writes back what it reads, in capitals, and logs how much that was.
Task<> shout(sim::ProgramStart start) {
  PipeReader input = PipeReader::standard_input();
  std::string text = co_await read_all(input);
  for (char& letter : text) letter = static_cast<char>(std::toupper(letter));
  if (!start.arguments.empty()) text += start.arguments.front();
  co_await start.output.write(std::as_bytes(std::span(text)));
  log_info("shouted bytes={}", text.size());
}

Task<> sleep_long(sim::ProgramStart /*start*/) { co_await sleep_for(1h); }

Task<> fail(sim::ProgramStart /*start*/) {
  co_await sleep_for(1s);
  throw std::runtime_error("no luck");
}

// Runs `main` on a host whose world has these programs.
template <class... Args>
void run_with_programs(Task<> (*main)(Args...), Args... args) {
  sim::Simulation world(1);
  world.add_program("/bin/shout", shout);
  world.add_program("/bin/sleep", sleep_long);
  world.add_program("/bin/fail", fail);
  sim::Host& host = world.add_host("a");
  host.start(main, args...);
  world.run();
  ASSERT_EQ(host.failure(), nullptr) << describe_exception(host.failure());
}

Task<> talk() {
  ProcessOptions options("shout", {"!"});
  options.input = options.output = options.error = ChildStream::pipe;
  Process child = Process::spawn(options);
  const std::string text(200'000, 'a');  // more than a pipe holds
  std::string echoed;
  co_await task_group([&](TaskGroup& group) -> Task<> {
    group.spawn(
        "write",
        [](Process& to, const std::string& sent) -> Task<> {
          co_await to.input().write(std::as_bytes(std::span(sent)));
          to.input().close();
        },
        std::ref(child), std::cref(text));
    echoed = co_await read_all(child.output());
  });
  EXPECT_EQ(echoed, std::string(200'000, 'A') + "!");
  const std::string logged = co_await read_all(child.error());
  EXPECT_NE(logged.find("shouted bytes=200001"), std::string::npos) << logged;
  const ExitStatus status = co_await child.wait();
  EXPECT_TRUE(status.success());
}

TEST(SimulatedChild, TalksThroughPipes) { run_with_programs(talk); }

Task<> see_ends() {
  Process failing = Process::spawn(ProcessOptions("/bin/fail"));
  const ExitStatus failed = co_await failing.wait();
  EXPECT_EQ(failed, (ExitStatus{.code = 1, .signal = 0}));
  EXPECT_FALSE(failing.kill(SIGTERM)) << "it has ended";

  Process killed = Process::spawn(ProcessOptions("sleep"));
  co_await sleep_for(1s);
  EXPECT_FALSE(killed.status());
  EXPECT_TRUE(killed.kill(SIGKILL));
  const ExitStatus how = co_await killed.wait();
  EXPECT_EQ(how, (ExitStatus{.code = 0, .signal = SIGKILL}));

  Process asked = Process::spawn(ProcessOptions("sleep"));
  asked.kill(SIGTERM);
  const ExitStatus canceled = co_await asked.wait();
  EXPECT_TRUE(canceled.success()) << "run() returns when a signal canceled main";
  EXPECT_GT(asked.pid(), killed.pid());
}

TEST(SimulatedChild, TellsHowItEnded) { run_with_programs(see_ends); }

Task<> start_nothing() {
  std::string why;
  try {
    const Process child = Process::spawn(ProcessOptions("/bin/nothing"));
    ADD_FAILURE() << child.pid();
  } catch (const Error& error) {
    why = error.what();
  }
  EXPECT_EQ(why, "start /bin/nothing: No such file or directory");
  co_return;
}

TEST(SimulatedChild, MustBeAProgramOfTheWorld) { run_with_programs(start_nothing); }

Task<> be_a_parent() {
  Process child = Process::spawn(ProcessOptions("sleep"));
  co_await sleep_for(1h);
}

// It goes with its parent, however that ends; nothing is left that the world would wait for.
TEST(SimulatedChild, GoesWithItsParent) {
  for (const int number : {SIGKILL, SIGTERM}) {
    sim::Simulation world(1);
    world.add_program("/bin/sleep", sleep_long);
    sim::Host& host = world.add_host("a");
    host.start(be_a_parent);
    world.run_for(1s);
    host.signal(number);
    world.run_for(1s);
    EXPECT_FALSE(host.running());
    EXPECT_FALSE(world.step()) << "nothing is left";
  }
}

}  // namespace
}  // namespace coracle

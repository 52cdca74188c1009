#include "runtime/process.h"

#include <utility>

#include "runtime/back_end.h"
#include "runtime/check.h"

namespace coracle {

// Stays where it is when the Process is moved.
class Process::State final : public ChildSink {
 public:
  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    CORACLE_CHECK(waiter == nullptr, "a process is destroyed while somebody waits for it");
  }

  void child_ended(ExitStatus ended) override {
    status = ended;
    if (waiter != nullptr) std::exchange(waiter, nullptr)->complete();
  }

  std::unique_ptr<Child> child;
  std::optional<ExitStatus> status;
  WaitForExitOperation* waiter = nullptr;
};

bool WaitForExitOperation::try_complete() const { return process_.status.has_value(); }

void WaitForExitOperation::start() {
  CORACLE_CHECK(process_.waiter == nullptr, "one at a time waits for a process");
  process_.waiter = this;
}

ExitStatus WaitForExitOperation::take() const { return *process_.status; }

void WaitForExitOperation::on_cancel() {
  process_.waiter = nullptr;
  finish_canceled();
}

void WaitForExitOperation::on_tear_down() {
  if (waiting()) process_.waiter = nullptr;
}

Process::Process(std::unique_ptr<State> state) : state_(std::move(state)) {}
Process::Process(Process&& other) noexcept = default;
Process& Process::operator=(Process&& other) noexcept = default;
Process::~Process() = default;

Process Process::spawn(const ProcessOptions& options) {
  Process process(std::make_unique<State>());
  ChildPipes pipes;
  process.state_->child = Loop::current().back_end().spawn_child(options, *process.state_, pipes);
  if (pipes.input != nullptr) process.input_.emplace(std::move(pipes.input));
  if (pipes.output != nullptr) process.output_.emplace(std::move(pipes.output));
  if (pipes.error != nullptr) process.error_.emplace(std::move(pipes.error));
  return process;
}

int Process::pid() const { return state_->child->pid(); }

std::optional<ExitStatus> Process::status() const { return state_->status; }

bool Process::kill(int signal) { return state_->child->kill(signal); }

WaitForExitOperation Process::wait() { return WaitForExitOperation(*state_); }

PipeWriter& Process::input() {
  CORACLE_CHECK(input_.has_value(), "the input of this process is no pipe");
  return *input_;
}

PipeReader& Process::output() {
  CORACLE_CHECK(output_.has_value(), "the output of this process is no pipe");
  return *output_;
}

PipeReader& Process::error() {
  CORACLE_CHECK(error_.has_value(), "the error stream of this process is no pipe");
  return *error_;
}

std::string this_program() { return Loop::current().back_end().program_path(); }

}  // namespace coracle

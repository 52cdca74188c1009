#include "runtime/sim/sim_child.h"

#include <cerrno>
#include <csignal>
#include <optional>

#include "runtime/error.h"
#include "runtime/sim/sim_pipe.h"
#include "runtime/sim/sim_process.h"
#include "runtime/sim/simulation.h"

namespace coracle::sim {
namespace {

class SimChild final : public Child, private Notice {
 public:
  SimChild(SimBackEnd& parent, ChildSink& sink, bool dies_with_parent)
      : parent_(parent), sink_(sink), dies_with_parent_(dies_with_parent) {}
  SimChild(const SimChild&) = delete;
  SimChild& operator=(const SimChild&) = delete;
  // Nobody is told any more.
  ~SimChild() override {
    parent_.withdraw(*this);
    if (process_ == nullptr) return;
    process_->at_end(nullptr);
    const bool is_orphaned = Loop::current().tearing_down() && !dies_with_parent_;
    if (!is_orphaned) process_->signal(SIGKILL);
  }

  void watch(SimProcess& process) {
    process_ = &process;
    pid_ = process.pid();
    process.at_end([this](ExitStatus status) {
      process_ = nullptr;
      status_ = status;
      parent_.post(*this);
    });
  }

  [[nodiscard]] int pid() const override { return pid_; }
  bool kill(int signal) override {
    if (process_ == nullptr) return false;
    process_->signal(signal);
    return true;
  }

 private:
  void arrived() override { sink_.child_ended(*status_); }

  SimBackEnd& parent_;
  ChildSink& sink_;
  const bool dies_with_parent_;
  SimProcess* process_ = nullptr;  // while it runs
  int pid_ = 0;
  std::optional<ExitStatus> status_;
};

// Programs are found by their path, or by the last part of it where no slash is given.
const Program& find_program(Simulation& world, const std::string& name) {
  for (const auto& [path, program] : world.programs()) {
    const bool is_short = name.find('/') == std::string::npos;
    if (path == name || (is_short && path.ends_with("/" + name))) return program;
  }
  throw Error(ENOENT, "start", name);
}

// The child's end of one of its streams, and ours.
std::unique_ptr<PipeEnd> make_input(ChildStream stream, SimBackEnd& child, SimBackEnd& parent,
                                    const std::string& name, std::unique_ptr<PipeEnd>& ours) {
  if (stream != ChildStream::pipe) return make_null_end(name);
  PipeEnds ends = make_pipe(child, parent, name);
  ours = std::move(ends.writing);
  return std::move(ends.reading);
}

std::unique_ptr<PipeEnd> make_output(ChildStream stream, SimBackEnd& child, SimBackEnd& parent,
                                     const std::string& name, std::unique_ptr<PipeEnd>& ours) {
  if (stream != ChildStream::pipe) return make_null_end(name);
  PipeEnds ends = make_pipe(parent, child, name);
  ours = std::move(ends.reading);
  return std::move(ends.writing);
}

}  // namespace

std::unique_ptr<Child> start_child(SimBackEnd& parent, const ProcessOptions& options,
                                   ChildSink& sink, ChildPipes& pipes) {
  Host& host = parent.host();
  const Program& program = find_program(host.world(), options.program);
  SimProcess& process = host.add_process();
  SimBackEnd& back_end = process.back_end();
  const std::string of = " of " + options.program;
  process.set_standard_input(
      make_input(options.input, back_end, parent, "input" + of, pipes.input));
  process.set_standard_error(
      make_output(options.error, back_end, parent, "error output" + of, pipes.error));
  auto output = make_output(options.output, back_end, parent, "output" + of, pipes.output);

  auto child = std::make_unique<SimChild>(parent, sink, options.dies_with_parent);
  child->watch(process);
  host.trace("started_child", {{"pid", process.pid()}, {"program", options.program}});
  process.start([&]() {
    return program(
        ProgramStart(options.arguments, options.environment, PipeWriter(std::move(output))));
  });
  return child;
}

}  // namespace coracle::sim

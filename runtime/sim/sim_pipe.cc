#include "runtime/sim/sim_pipe.h"

#include <algorithm>
#include <cerrno>
#include <deque>

#include "runtime/check.h"

namespace coracle::sim {
namespace {

constexpr std::size_t kPipeBytes = 64 * 1024;

class SimPipeEnd;

// Lives as long as one of its ends.
struct Pipe {
  std::deque<std::byte> bytes;
  SimPipeEnd* reading = nullptr;
  SimPipeEnd* writing = nullptr;
};

class SimPipeEnd final : public PipeEnd, private Notice {
 public:
  SimPipeEnd(std::shared_ptr<Pipe> pipe, SimBackEnd& back_end, bool reads, std::string_view name)
      : PipeEnd(name), pipe_(std::move(pipe)), back_end_(back_end), reads_(reads) {
    (reads ? pipe_->reading : pipe_->writing) = this;
  }
  ~SimPipeEnd() override {
    CORACLE_CHECK(sink_ == nullptr, "a pipe is closed while somebody waits for it");
    back_end_.withdraw(*this);
    (reads_ ? pipe_->reading : pipe_->writing) = nullptr;
    tell(reads_ ? pipe_->writing : pipe_->reading);
  }

  PipeResult read(std::span<std::byte> buffer) override {
    const std::size_t count = std::min(buffer.size(), pipe_->bytes.size());
    if (count == 0) return {.blocked = pipe_->writing != nullptr};
    const auto end = pipe_->bytes.begin() + static_cast<std::ptrdiff_t>(count);
    std::copy(pipe_->bytes.begin(), end, buffer.begin());
    pipe_->bytes.erase(pipe_->bytes.begin(), end);
    tell(pipe_->writing);
    return {.bytes = count};
  }

  PipeResult write(std::span<const std::byte> bytes) override {
    if (pipe_->reading == nullptr) return {.error = EPIPE};
    const std::size_t count = std::min(bytes.size(), kPipeBytes - pipe_->bytes.size());
    if (count == 0 && !bytes.empty()) return {.blocked = true};
    pipe_->bytes.insert(pipe_->bytes.end(), bytes.begin(),
                        bytes.begin() + static_cast<std::ptrdiff_t>(count));
    tell(pipe_->reading);
    return {.bytes = count};
  }

  void wait(PipeSink& sink) override {
    CORACLE_CHECK(sink_ == nullptr, "one at a time reads from a pipe, or writes to it");
    sink_ = &sink;
    if (may_go_on()) back_end_.post(*this);
  }

  void stop_waiting() override {
    sink_ = nullptr;
    back_end_.withdraw(*this);
  }

 private:
  [[nodiscard]] bool may_go_on() const {
    if (reads_) return !pipe_->bytes.empty() || pipe_->writing == nullptr;
    return pipe_->bytes.size() < kPipeBytes || pipe_->reading == nullptr;
  }

  // The other end may have something to do now.
  static void tell(SimPipeEnd* other) {
    if (other != nullptr && other->sink_ != nullptr) other->back_end_.post(*other);
  }

  void arrived() override {
    if (sink_ != nullptr && may_go_on()) std::exchange(sink_, nullptr)->ready();
  }

  std::shared_ptr<Pipe> pipe_;
  SimBackEnd& back_end_;
  const bool reads_;
  PipeSink* sink_ = nullptr;
};

// /dev/null
class NullEnd final : public PipeEnd {
 public:
  using PipeEnd::PipeEnd;

  PipeResult read(std::span<std::byte> /*buffer*/) override { return {}; }
  PipeResult write(std::span<const std::byte> bytes) override { return {.bytes = bytes.size()}; }
  void wait(PipeSink& /*sink*/) override { CORACLE_CHECK(false, "this never blocks"); }
  void stop_waiting() override {}
};

}  // namespace

PipeEnds make_pipe(SimBackEnd& reader, SimBackEnd& writer, std::string_view name) {
  const auto pipe = std::make_shared<Pipe>();
  PipeEnds ends;
  ends.reading = std::make_unique<SimPipeEnd>(pipe, reader, /*reads=*/true, name);
  ends.writing = std::make_unique<SimPipeEnd>(pipe, writer, /*reads=*/false, name);
  return ends;
}

std::unique_ptr<PipeEnd> make_null_end(std::string_view name) {
  return std::make_unique<NullEnd>(name);
}

}  // namespace coracle::sim

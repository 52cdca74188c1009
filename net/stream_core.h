// What every stream does whatever its back end: armed reads, accepted writes, sticky ends, linger.
// A back end derives from StreamCore and gives the few primitives at its end. Mechanism; users
// read stream.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "runtime/leaf.h"
#include "runtime/time.h"
#include "runtime/timer_heap.h"

namespace coracle::net {

class StreamCore;

class [[nodiscard]] ReadOperation final : public Leaf {
 public:
  ReadOperation(StreamCore& core, std::span<std::byte> buffer) : core_(&core), buffer_(buffer) {}

  bool try_complete();
  void start();
  [[nodiscard]] std::size_t take() const;
  void on_cancel() override;
  void on_tear_down() override;
  [[nodiscard]] const char* waits_for() const override { return "bytes to read"; }

 private:
  friend class StreamCore;

  StreamCore* core_;
  std::span<std::byte> buffer_;
  std::size_t bytes_ = 0;
};

class [[nodiscard]] WriteOperation final : public Leaf {
 public:
  WriteOperation(StreamCore& core, std::span<const std::byte> bytes)
      : core_(&core), bytes_(bytes) {}

  bool try_complete();
  void start();
  void take() const;
  void canceled_at_once();
  void on_cancel() override;
  void on_tear_down() override;
  [[nodiscard]] const char* waits_for() const override { return "room to write"; }

 private:
  friend class StreamCore;

  StreamCore* core_;
  std::span<const std::byte> bytes_;  // what is left of it
  bool failed_ = false;
};

class [[nodiscard]] FinishOperation final : public Leaf, private TimerNode {
 public:
  explicit FinishOperation(StreamCore& core) : core_(&core) {}
  FinishOperation(FinishOperation&& other) noexcept : core_(other.core_) {}
  FinishOperation& operator=(FinishOperation&&) = delete;

  bool try_complete();
  void start();
  void take() const;
  void canceled_at_once();
  void on_cancel() override;
  void on_tear_down() override;
  [[nodiscard]] const char* waits_for() const override { return "the peer to have it all"; }

 private:
  friend class StreamCore;

  // Looks whether the peer has acknowledged everything; else looks again later.
  void look();
  void end();
  void stop();
  void expired() override { look(); }

  StreamCore* core_;
  Duration pause_{};
};

// The life of one connection. Made by a back end; owned by the one Stream that refers to it, and
// after that by itself, until its handle is closed.
class StreamCore : private TimerNode {
 public:
  // How much the stream holds that its user has not read, or the kernel not taken, at most (but
  // for canceled writes).
  static constexpr std::size_t kReadBufferBytes = 64 * 1024;
  static constexpr std::size_t kHighWaterBytes = 64 * 1024;

  explicit StreamCore(std::string name);
  StreamCore(const StreamCore&) = delete;
  StreamCore& operator=(const StreamCore&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::size_t unsent_bytes() const;
  [[nodiscard]] std::size_t unacknowledged_bytes();
  void set_linger(Duration linger) { linger_ = linger; }

  // The Stream is gone: goes on sending for at most the linger time, then closes.
  void release();
  // Closes at once, with a reset.
  void abort();

 protected:
  virtual ~StreamCore() = default;

  // --- what the back end reports -----------------------------------------------------------
  // Where the next bytes go: the waiting reader's buffer, else the stream's own. Empty when the
  // reader was served in this pass and has not come back: ask again in the next one.
  [[nodiscard]] std::span<std::byte> provide_buffer();
  // `bytes` were put into what provide_buffer() gave.
  void received(std::size_t bytes);
  // The peer has finished (0), or the connection broke (an errno value).
  void ended(int error);
  // What flush() was given has been taken (0), or the connection broke (an errno value).
  void flushed(int error);
  // shut_down() has been carried out.
  void shut_down_done(int error);

  // --- what the back end gives --------------------------------------------------------------
  virtual void start_reading() = 0;
  virtual void stop_reading() = 0;
  // Offers bytes to the kernel. Returns how many it took (0 when it is full), or -errno.
  virtual std::ptrdiff_t try_write(std::span<const std::byte> bytes) = 0;
  // Writes all of `bytes`, which stay in place until it calls flushed().
  virtual void flush(std::span<const std::byte> bytes) = 0;
  // Sends the end of the stream; calls shut_down_done().
  virtual void shut_down() = 0;
  // How many sent bytes the peer's machine has not acknowledged, or -errno.
  virtual std::ptrdiff_t unacknowledged() = 0;
  // Closes (with a reset, or in order), and deletes this when the handle is gone.
  virtual void close(bool with_reset) = 0;
  // From now on the loop waits for this stream by itself, until it is closed.
  virtual void linger_begins() = 0;

 private:
  friend class ReadOperation;
  friend class WriteOperation;
  friend class FinishOperation;

  // Bytes that are accepted or offered, and not yet taken by the kernel.
  struct Unsent {
    std::span<const std::byte> rest;     // of `owned`, or of the writer's own buffer
    std::unique_ptr<std::byte[]> owned;  // set once the stream has accepted the rest
    WriteOperation* writer;              // who waits; null once accepted
  };
  enum class Sending : std::uint8_t { open, finishing, shutting_down, shut_down };

  [[nodiscard]] bool read_at_once(ReadOperation& reader);
  [[nodiscard]] bool write_at_once(WriteOperation& writer);
  void enqueue(WriteOperation& writer);
  void accept_rest(Unsent& unsent);
  void accept(std::span<const std::byte> bytes);
  void accept_canceled(WriteOperation& writer);
  void forget(const WriteOperation& writer);
  void send_more();
  void flush_chunk();
  void release_writers();
  void begin_finish();
  void begin_linger();
  void linger_on();
  void fail_sending(int error);
  void close_now(bool with_reset);
  void expired() override;
  [[noreturn]] void throw_broken(int error, const char* operation) const;

  std::string name_;
  Loop& loop_;

  ReadOperation* reader_ = nullptr;
  std::unique_ptr<std::byte[]> read_buffer_;  // made when bytes arrive that nobody waits for
  std::size_t read_begin_ = 0;
  std::size_t read_end_ = 0;
  std::uint64_t served_in_pass_ = 0;
  int read_error_ = 0;
  bool read_ended_ = false;
  bool reading_ = false;

  bool flushing_ = false;
  bool released_ = false;
  bool closed_ = false;
  Sending sending_ = Sending::open;
  int write_error_ = 0;
  std::vector<Unsent> unsent_;
  std::unique_ptr<std::byte[]> chunk_;
  std::size_t chunk_bytes_ = 0;
  FinishOperation* finisher_ = nullptr;
  Duration linger_;
  TimePoint linger_end_ = kNever;
};

}  // namespace coracle::net

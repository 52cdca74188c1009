// Messages of many fibers to one stream, those of a moment in one system call. Mechanism of RPC.
#pragma once

#include <cstddef>
#include <span>

#include "net/buffered_writer.h"
#include "net/stream.h"
#include "runtime/leaf.h"
#include "runtime/task.h"

namespace coracle::net {

// The end of the ready queue: all that is ready now runs first. Also where the scope is canceled:
// what others have left here is to be sent all the same.
class [[nodiscard]] LastTurn final : public Leaf {
 public:
  static constexpr bool kJoin = true;
  static bool try_complete() { return false; }
  void start() { complete(); }
  void take() const {}
  void on_cancel() override {}
  void on_tear_down() override {}
  [[nodiscard]] const char* waits_for() const override { return "others that write"; }
};

class MessageWriter {
 public:
  //   Borrows    `stream`, which must live as long.
  explicit MessageWriter(Stream& stream) : stream_(stream), gathered_(stream) {}

  // Writes a message, in the order of the calls. The first that comes to an idle stream lets all
  // fibers run that are ready, and sends what they write with its own; they do not wait, which is
  // then no turn of theirs either. Where the
  // peer is slow everybody waits, as for Stream::write(): so memory stays bounded.
  //   Throws     Error when the connection is known to be broken: but one that another fiber sends
  //              is lost without a word.
  //   Canceled   the message is accepted whole all the same; the call may throw.
  //   Borrows    `message` until it returns.
  [[nodiscard]] Task<> write(std::span<const std::byte> message);

 private:
  Stream& stream_;
  BufferedWriter gathered_;
  bool is_sent_soon_ = false;
};

}  // namespace coracle::net

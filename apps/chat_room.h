// A chat room over TCP: lines of text, each for everybody else.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "net/buffered_reader.h"
#include "net/tcp.h"
#include "runtime/channel.h"
#include "runtime/event.h"
#include "runtime/mutex.h"
#include "runtime/task.h"

namespace coracle {

// Who connects gives a name in the first line, and becomes a member: all others see each further
// line as `name: text`. `/who`, `/nick NEW` and `/quit` are for the room itself; what it says
// begins with `*`. A member has one fiber that reads and one that writes, with a bounded queue
// before it, so that nobody waits for anybody; who lets that queue fill up is dropped. A text is
// kept once, however many queues it is in.
class ChatRoom {
 public:
  static constexpr std::size_t kLineBytesMax = 1024;
  static constexpr std::size_t kNameBytesMax = 20;

  // `queue`: how many lines may wait for a member.
  explicit ChatRoom(std::size_t queue) : queue_(queue) {}

  // Serves one connection until it quits, ends, is dropped or writes too long a line; then sends
  // what it is still owed, as far as it reads that in time.
  //   Throws     Error when the connection breaks.
  //   Canceled   everybody is told that the server is closing.
  //   Borrows    this room.
  [[nodiscard]] Task<> serve(net::TcpStream stream);

 private:
  using Text = std::shared_ptr<const std::string>;
  struct Member {
    Member(net::TcpStream accepted, std::size_t queue)
        : stream(std::move(accepted)), reader(stream, kLineBytesMax), outbox(queue) {}

    net::TcpStream stream;
    net::BufferedReader reader;
    Channel<Text> outbox;  // what others said
    Event dropped;
    std::string name;            // empty until it is a member
    std::string_view last_word;  // what it is told at the end
  };

  [[nodiscard]] Task<> converse(Member& member);
  [[nodiscard]] Task<> hear(Member& member);
  [[nodiscard]] Task<bool> take_name(Member& member);
  [[nodiscard]] Task<bool> obey(Member& member, std::string_view line);
  [[nodiscard]] Task<> rename(Member& member, std::string name);
  [[nodiscard]] Task<std::optional<std::string>> read_line(Member& member);
  [[nodiscard]] static Task<> write_outbox(Member& member);
  [[nodiscard]] Task<> part(Member& member);
  [[nodiscard]] static Task<> send_rest(Member& member);

  [[nodiscard]] Task<> announce(const Member* speaker, std::string line);
  void tell_all_but(const Member* speaker, std::string line);
  static void drop(Member& member);
  [[nodiscard]] std::string_view objection_to(std::string_view name) const;
  [[nodiscard]] std::string names() const;

  std::size_t queue_;
  bool closing_ = false;
  Mutex floor_;
  std::map<std::string, Member*, std::less<>> members_;
};

// Runs a room for those who connect to `listener`.
//   Throws     Error when the listener fails.
//   Canceled   tells all members, and throws once they have ended.
//   Borrows    `listener` until it has ended.
[[nodiscard]] Task<> serve_chat(net::TcpListener& listener, std::size_t queue);

}  // namespace coracle

// Somebody who chats: a connection to a chat room, line by line.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "net/buffered_reader.h"
#include "net/tcp.h"
#include "runtime/error.h"
#include "runtime/task.h"
#include "runtime/timeout.h"

namespace coracle {

class Guest {
 public:
  explicit Guest(net::TcpStream stream) : stream_(std::move(stream)) {}

  // Connects, without a name so far.
  static Task<std::unique_ptr<Guest>> arrive(net::Address room) {
    net::TcpStream stream = co_await net::TcpStream::connect(room);
    auto guest = std::make_unique<Guest>(std::move(stream));
    const std::string question = co_await guest->hear();
    EXPECT_EQ(question, "* what is your name?");
    co_return guest;
  }

  // Connects and becomes a member.
  static Task<std::unique_ptr<Guest>> enter(net::Address room, std::string name) {
    std::unique_ptr<Guest> guest = co_await arrive(room);
    co_await guest->say(name);
    const std::string welcome = co_await guest->hear();
    EXPECT_EQ(welcome, "* welcome; there are /who, /nick NEW and /quit");
    co_return guest;
  }

  Task<> say(std::string line) {
    line += '\n';
    co_await stream_.write(line);
  }

  // Returns    the next line; `(end)` or `(reset)` when there is none any more; `(silence)` when
  //            none comes for a minute.
  Task<std::string> hear() {
    try {
      const auto line = co_await with_timeout(std::chrono::minutes(1), reader_.read_line());
      co_return std::string(line ? *line : "(end)");
    } catch (const TimedOut&) {
      co_return "(silence)";
    } catch (const Error&) {
      co_return "(reset)";
    }
  }

  // Expects that this line comes next.
  Task<> expect(std::string_view line) {
    const std::string heard = co_await hear();
    EXPECT_EQ(heard, line);
  }

  [[nodiscard]] net::TcpStream& stream() { return stream_; }

 private:
  net::TcpStream stream_;
  net::BufferedReader reader_{stream_};
};

}  // namespace coracle

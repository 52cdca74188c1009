// The time of day over datagrams: who answers, and who asks.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "net/udp.h"
#include "runtime/task.h"
#include "runtime/time.h"

namespace coracle {

enum class Answer : std::uint8_t {
  time,  // the question, a space, and the time: `hello 2026-11-22T08:50:38.042317Z`
  echo,  // the question, unchanged
};

// Answers every datagram. A question so long that no answer holds it is not answered, which is
// logged in ever rarer lines.
//   Canceled   throws; nothing is left behind.
Task<> answer_questions(net::UdpSocket socket, Answer answer);

struct AskOptions {
  Duration timeout = std::chrono::seconds(1);  // how long to wait for an answer before asking again
  int tries = 3;
};

struct TimeAnswer {
  std::string text;  // as it came
  int tries = 1;
  Duration round_trip{};  // since the first try
  // How far the server's clock is ahead of ours, right to half of the round trip (RFC 5905,
  // section 8); nothing if the answer had no time.
  std::optional<Duration> ahead;
};

// Sends `question` until its answer comes. Datagrams that do not begin with it are ignored: they
// answer an earlier question.
//   Returns    the answer; nothing if none came to any try.
//   Throws     Error when nobody listens: `receive 127.0.0.1:7000: Connection refused`.
//   Canceled   throws; a late answer stays in the socket.
//   Borrows    `socket` and `question`.
//   Requires   a connected socket; a question that no other question begins with.
Task<std::optional<TimeAnswer>> ask_time(net::UdpSocket& socket, std::string_view question,
                                         AskOptions options);

}  // namespace coracle

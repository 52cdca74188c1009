#include "apps/time_service.h"

#include <algorithm>
#include <bit>
#include <span>
#include <system_error>
#include <vector>

#include "runtime/log.h"
#include "runtime/timeout.h"
#include "runtime/wall_time.h"

namespace coracle {
namespace {

constexpr std::size_t kBatch = 32;
constexpr std::size_t kLongest = 65'527;  // over IPv6
constexpr std::string_view kTimeForm = "2000-01-01T00:00:00.000000Z";

// Adds a space and the time to each.
void add_time(net::DatagramBatch& batch) {
  const std::string time = " " + print_wall_time(wall_time_now());
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const std::size_t bytes = batch.bytes(i).size();
    batch.resize(i, bytes + time.size());
    const auto end = std::as_bytes(std::span(time));
    std::ranges::copy(end, batch.bytes(i).begin() + static_cast<std::ptrdiff_t>(bytes));
  }
}

// Logs the 1st, 2nd, 4th, 8th ... answer that could not be sent.
class Unsent {
 public:
  void note(const net::DatagramBatch& batch) {
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if (batch.error(i) == 0 || !std::has_single_bit(++count_)) continue;
      log_warn("not_answered peer={} reason=\"{}\" count={}", batch.address(i).to_string(),
               std::generic_category().message(batch.error(i)), count_);
    }
  }

 private:
  std::uint64_t count_ = 0;
};

// The time at the end of an answer, if there is one.
std::optional<WallTime> time_of(std::string_view answer, std::string_view question) {
  answer.remove_prefix(question.size());
  if (!answer.starts_with(' ')) return std::nullopt;
  return parse_wall_time(answer.substr(1));
}

// Waits for what answers `question`.
Task<std::string> receive_answer(net::UdpSocket& socket, std::string_view question) {
  std::vector<char> buffer(kLongest);
  for (;;) {
    const net::ReceivedDatagram received =
        co_await socket.receive(std::as_writable_bytes(std::span(buffer)));
    const std::string_view answer(buffer.data(), received.bytes);
    if (answer.starts_with(question)) co_return std::string(answer);
  }
}

}  // namespace

Task<> answer_questions(net::UdpSocket socket, Answer answer) {
  net::DatagramBatch batch(kBatch, kLongest + 1 + kTimeForm.size());
  Unsent unsent;
  for (;;) {
    co_await socket.receive_batch(batch);
    if (answer == Answer::time) add_time(batch);
    if (co_await socket.send_batch(batch) < batch.size()) unsent.note(batch);
  }
}

Task<std::optional<TimeAnswer>> ask_time(net::UdpSocket& socket, std::string_view question,
                                         AskOptions options) {
  TimeAnswer answer;
  // The answer may be one to the first try.
  const TimePoint asked = now();
  const WallTime asked_at = wall_time_now();
  for (; answer.tries <= options.tries; ++answer.tries) {
    co_await socket.send(question);
    std::optional<std::string> text =
        co_await within(options.timeout, receive_answer(socket, question));
    if (!text) continue;
    answer.text = *std::move(text);
    answer.round_trip = now() - asked;
    const auto time = time_of(answer.text, question);
    if (time) answer.ahead = *time - (asked_at + answer.round_trip / 2);
    co_return answer;
  }
  co_return std::nullopt;
}

}  // namespace coracle

// Asks udp_time: udp_ask HOST:PORT [TEXT] [--count 1] [--timeout 1s] [--tries 3].
#include <iostream>

#include "apps/flags.h"
#include "apps/time_service.h"
#include "net/resolve.h"
#include "runtime/error.h"
#include "runtime/run.h"

using namespace coracle;

void print(const TimeAnswer& answer) {
  const auto in_ms = [](Duration span) {
    return std::chrono::duration<double, std::milli>(span).count();
  };
  std::cout << "answer=\"" << answer.text << "\" tries=" << answer.tries
            << " round_trip_ms=" << in_ms(answer.round_trip);
  if (answer.ahead) std::cout << " clock_ahead_ms=" << in_ms(*answer.ahead);
  std::cout << std::endl;
}

Task<> ask(std::string where, std::string text, int count, AskOptions options) {
  const auto addresses = co_await net::resolve(where);
  auto socket = net::UdpSocket::connect(addresses.front());
  for (int number = 1; number <= count; ++number) {
    const std::string question = std::to_string(number) + " " + text;
    const auto answer = co_await ask_time(socket, question, options);
    if (!answer) throw TimedOut("ask", where);
    print(*answer);
  }
}

int main(int argc, char** argv) try {
  Flags flags("Asks a time server (udp_time), and says how far its clock is ahead.");
  std::string where;
  std::string text = "hello";
  int count = 1;
  AskOptions options;
  flags.add_option("address", where, "HOST:PORT of the server")->required();
  flags.add_option("text", text, "What to send, behind a number")->capture_default_str();
  flags.add_option("--count", count, "How often to ask")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  add_duration(flags, "--timeout", options.timeout, "How long to wait before asking again");
  flags.add_option("--tries", options.tries, "How often to send one question")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  CLI11_PARSE(flags, argc, argv);
  run(ask(where, text, count, options));
} catch (const Error& error) {
  std::cerr << "udp_ask: " << error.what() << '\n';
  return 1;
}

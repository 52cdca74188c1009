// Answers datagrams: udp_time HOST:PORT [--echo]. Ctrl-C ends it.
#include <iostream>

#include "apps/flags.h"
#include "apps/time_service.h"
#include "net/resolve.h"
#include "runtime/error.h"
#include "runtime/log.h"
#include "runtime/run.h"

using namespace coracle;

Task<> serve(std::string where, Answer answer) {
  const auto addresses = co_await net::resolve(where);
  auto socket = net::UdpSocket::bind(addresses.front());
  log_info("listening address={}", socket.local_address().to_string());
  co_await answer_questions(std::move(socket), answer);
}

int main(int argc, char** argv) try {
  Flags flags("Answers each datagram with itself and the time of day, until Ctrl-C.");
  std::string where;
  bool echo = false;
  flags.add_option("address", where, "HOST:PORT to hear datagrams on")->required();
  flags.add_flag("--echo", echo, "Sends each datagram back unchanged, without the time");
  CLI11_PARSE(flags, argc, argv);
  run(serve(where, echo ? Answer::echo : Answer::time));
} catch (const Error& error) {
  std::cerr << "udp_time: " << error.what() << '\n';
  return 1;
}

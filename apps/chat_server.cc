// A chat room: chat_server HOST:PORT [--queue 256]. Ctrl-C closes it.
#include <iostream>

#include "apps/chat_room.h"
#include "apps/flags.h"
#include "net/resolve.h"
#include "runtime/run.h"

using namespace coracle;

Task<> chat(std::string where, std::size_t queue) {
  const auto addresses = co_await net::resolve(where);
  auto listener = net::TcpListener::listen(addresses.front());
  log_info("listening address={}", listener.local_address().to_string());
  co_await serve_chat(listener, queue);
}

int main(int argc, char** argv) try {
  Flags flags("A chat room for `nc`: each line goes to all others, until Ctrl-C.");
  std::string where;
  std::size_t queue = 256;
  flags.add_option("address", where, "HOST:PORT to listen on")->required();
  flags.add_option("--queue", queue, "How many lines may wait for a member; one more drops it")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  CLI11_PARSE(flags, argc, argv);
  run(chat(where, queue));
} catch (const Error& error) {
  std::cerr << "chat_server: " << error.what() << '\n';
  return 1;
}

// A client in another language: Python, with Debian's msgpack and plain sockets.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <string>

#include "runtime/run_blocking.h"
#include "tests/net/rpc_service.h"

namespace coracle::net {
namespace {

constexpr const char* kClient = R"(
import msgpack, socket, sys

connection = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 10)
unpacker = msgpack.Unpacker()

def send(message):
    connection.sendall(msgpack.packb(message))

def receive():
    while True:
        for message in unpacker:
            return message
        part = connection.recv(4096)
        assert part, "the server closed the connection"
        unpacker.feed(part)

def call(id, method, *params):
    send([0, id, method, params])
    return receive()

print(call(1, "sum", 20, 22))
print(call(4294967295, "echo", "gr\u00fc\u00df dich"))
print(call(2, "move", [5, "point"]))
print(call(3, "move", [5, "point"], 10))
print(call(4, "zeros", 3))
print(call(5, "nothing"))
print(call(6, "sum", 1, "x"))
print(call(7, "fail", "rpc"))
send([2, "note", ["from Python"]])
send([0, 8, "hold", ["gate"]])
send([0, 9, "open", ["gate"]])
print(receive(), receive())
send("rubbish")
print(connection.recv(4096))
)";

std::string run_client(std::uint16_t port) {
  const std::string command =
      "/usr/bin/python3 - " + std::to_string(port) + " 2>&1 <<'END'\n" + kClient + "END\n";
  std::FILE* pipe = ::popen(command.c_str(), "r");
  std::string output;
  std::array<char, 4096> part;
  while (pipe != nullptr && std::fgets(part.data(), part.size(), pipe) != nullptr) {
    output += part.data();
  }
  if (pipe != nullptr) ::pclose(pipe);
  return output;
}

TEST(RpcPython, ClientGetsTheSameService) {
  with_service([](Service& service, Address address) -> Task<> {
    const std::string output =
        co_await run_blocking([port = address.port()] { return run_client(port); });
    EXPECT_EQ(output,
              "[1, 1, None, 42]\n"
              "[1, 4294967295, None, 'grüß dich']\n"
              "[1, 2, None, [6, 'point']]\n"
              "[1, 3, None, [15, 'point']]\n"
              "[1, 4, None, b'\\x00\\x00\\x00']\n"
              "[1, 5, ['unknown_method', 'there is no method \"nothing\"'], None]\n"
              "[1, 6, ['bad_params', 'parameter 2 of `sum`: expected integer, got string'], None]\n"
              "[1, 7, ['not_leader', 'ask 3'], None]\n"
              "[1, 9, None, None] [1, 8, None, 'gate']\n"
              "b''\n");
    EXPECT_EQ(service.notes, std::vector<std::string>{"from Python"});
  });
}

}  // namespace
}  // namespace coracle::net

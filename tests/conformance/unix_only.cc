// What Unix sockets have and other streams have not.
#include <array>
#include <string>

#include "runtime/timeout.h"
#include "tests/conformance/meeting_ends.h"
#include "tests/conformance/streams.h"

namespace coracle::conformance {
namespace {

Task<> nothing(Meeting& /*meeting*/) { co_return; }

Task<> know_each_other(Meeting& meeting) {
  UnixListener listener = UnixListener::listen(meeting.path);
  EXPECT_EQ(listener.path(), meeting.path);
  const UnixStream client = co_await UnixStream::connect(meeting.path);
  const UnixStream server = co_await listener.accept();
  const net::PeerCredentials of_client = server.peer_credentials();
  EXPECT_GT(of_client.pid, 0);
  EXPECT_EQ(of_client, client.peer_credentials()) << "one process is both";
  EXPECT_EQ(client.peer_name(), meeting.path);
  EXPECT_EQ(server.peer_name(), meeting.path + " pid=" + std::to_string(of_client.pid));
}

Task<> connect_where_nobody_listens(Meeting& meeting) {
  std::error_code code = co_await code_of(UnixStream::connect(meeting.path));
  EXPECT_EQ(code, std::errc::no_such_file_or_directory);
  code = co_await code_of(UnixStream::connect("@coracle of nobody"));
  EXPECT_EQ(code, std::errc::connection_refused);
  {
    const Listener listener = meeting.listen();
  }
  code = co_await code_of(UnixStream::connect(meeting.path));
  EXPECT_EQ(code, std::errc::no_such_file_or_directory) << "it takes its file with it";
}

std::error_code code_of_listening(const std::string& path) {
  try {
    static_cast<void>(UnixListener::listen(path));
  } catch (const Error& error) {
    return error.code();
  }
  return {};
}

Task<> listen_twice(Meeting& meeting) {
  const std::array<std::string, 2> paths{meeting.path, "@" + meeting.path};
  for (const std::string& path : paths) {
    {
      UnixListener listener = UnixListener::listen(path);
      const std::error_code code = code_of_listening(path);
      EXPECT_EQ(code, std::errc::address_in_use);
      const UnixStream client = co_await UnixStream::connect(path);
      const UnixStream server = co_await listener.accept();
      EXPECT_EQ(server.connected(), client.connected()) << "nobody has hurt it";
    }
    EXPECT_EQ(code_of_listening(path), std::error_code());
  }
}

Task<> try_bad_paths(Meeting& meeting) {
  const std::string longest = "@" + meeting.path + std::string(107 - meeting.path.size(), 'x');
  EXPECT_EQ(code_of_listening(longest), std::error_code());
  const std::string zero("/tmp/a\0b", 8);
  const std::array<std::string, 3> invalid{std::string(), std::string("@"), zero};
  for (const std::string& path : invalid) {
    EXPECT_EQ(code_of_listening(path), std::errc::invalid_argument);
    const std::error_code code = co_await code_of(UnixStream::connect(path));
    EXPECT_EQ(code, std::errc::invalid_argument);
  }
  const std::array<std::string, 2> too_long{longest + "x", std::string(108, 'x')};
  for (const std::string& path : too_long) {
    EXPECT_EQ(code_of_listening(path), std::errc::filename_too_long);
    const std::error_code code = co_await code_of(UnixStream::connect(path));
    EXPECT_EQ(code, std::errc::filename_too_long);
  }
}

Task<> accept_one_later(Meeting& meeting) {
  Listener listener = listen(meeting, /*backlog=*/0);
  co_await meeting.reached(1);
  const Stream first = co_await listener.accept();
  const Stream second = co_await listener.accept();
  EXPECT_TRUE(second.connected());
}

Task<> wait_for_room(Meeting& meeting) {
  const Stream first = co_await connect_to(meeting);
  auto second = co_await within(5ms, connect_to(meeting));
  EXPECT_FALSE(second);
  meeting.step = 1;
  second = co_await within(10s, connect_to(meeting));
  EXPECT_TRUE(second);
}

Task<> accept_what_has_ended(Meeting& meeting) {
  Listener listener = listen(meeting);
  co_await meeting.reached(1);
  Stream stream = co_await listener.accept();
  const std::string all = co_await read_to_end(stream);
  EXPECT_EQ(all, "and gone");
}

Task<> write_and_reset(Meeting& meeting) {
  Stream stream = co_await connect_to(meeting);
  co_await stream.write("and gone");
  stream.reset();
  meeting.step = 1;
}

// Who finishes does not wait for the peer's process.
Task<> finish_both_before_reading(Meeting& meeting) {
  Listener listener = listen(meeting);
  Stream client = co_await connect_to(meeting);
  Stream server = co_await listener.accept();
  co_await client.write("question");
  co_await with_timeout(10s, client.finish());
  co_await server.write("answer");
  co_await with_timeout(10s, server.finish());
  const std::string question = co_await read_to_end(server);
  EXPECT_EQ(question, "question");
  const std::string answer = co_await read_to_end(client);
  EXPECT_EQ(answer, "answer");
}

constexpr Scenario kScenarios[] = {
    {"EachEndKnowsTheOther", know_each_other, nothing},
    {"NobodyListens", connect_where_nobody_listens, nothing},
    {"ThePathIsInUseUntilTheListenerGoes", listen_twice, nothing},
    {"PathsThatCannotBe", try_bad_paths, nothing},
    {"AFullQueueIsWaitedFor", accept_one_later, wait_for_room},
    {"AResetThatLeavesNothingUnreadIsAnEnd", accept_what_has_ended, write_and_reset},
    {"FinishDoesNotWaitForTheReader", finish_both_before_reading, nothing},
};

}  // namespace

std::span<const Scenario> unix_scenarios() { return kScenarios; }

}  // namespace coracle::conformance

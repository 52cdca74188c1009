// Unix sockets on the real back end: files and permissions. Who the peer is:
// unix_peer_test.cc; what they share with other streams is tested with those.
#include "net/unix.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/fsuid.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <atomic>
#include <barrier>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>

#include "runtime/sleep.h"
#include "runtime/task_group.h"
#include "runtime/timeout.h"
#include "tests/net/transport.h"

namespace coracle::net {
namespace {

namespace fs = std::filesystem;

// What listening there says; nothing if it goes well.
std::string error_of_listening(const std::string& path, const UnixListenOptions& options = {}) {
  try {
    static_cast<void>(UnixListener::listen(path, options));
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

// What a server that was killed leaves.
void leave_stale_file(const std::string& path) {
  const int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  path.copy(name.sun_path, sizeof(name.sun_path) - 1);
  ASSERT_EQ(bind(descriptor, reinterpret_cast<const sockaddr*>(&name), sizeof name), 0) << path;
  close(descriptor);
}

bool is_socket(const std::string& path) { return fs::is_socket(fs::symlink_status(path)); }

// --- the file ----------------------------------------------------------------------------------

TEST(Unix, TheFileGoesWithItsListener) {
  in_loop([]() -> Task<> {
    const std::string path = new_socket_path();
    {
      const UnixListener listener = UnixListener::listen(path);
      EXPECT_TRUE(is_socket(path));
    }
    EXPECT_FALSE(is_socket(path));
    co_return;
  });
}

TEST(Unix, AFileThatSomebodyElsePutThereStays) {
  in_loop([]() -> Task<> {
    const std::string path = new_socket_path();
    {
      const UnixListener listener = UnixListener::listen(path);
      fs::remove(path);
      leave_stale_file(path);
    }
    EXPECT_TRUE(is_socket(path)) << "it is another one";
    fs::remove(path);
    co_return;
  });
}

TEST(Unix, TheFileGoesAlsoAfterAChangeOfTheWorkingDirectory) {
  in_loop([]() -> Task<> {
    const fs::path before = fs::current_path();
    const fs::path path = new_socket_path();
    fs::current_path(path.parent_path());
    {
      const UnixListener listener = UnixListener::listen(path.filename().string());
      EXPECT_TRUE(is_socket(path));
      fs::current_path("/");
    }
    fs::current_path(before);
    EXPECT_FALSE(is_socket(path));
    co_return;
  });
}

TEST(Unix, APathInUseIsRefusedAndItsServerGoesOn) {
  in_loop([]() -> Task<> {
    const std::string path = new_socket_path();
    UnixListener listener = UnixListener::listen(path);
    EXPECT_EQ(error_of_listening(path), "listen " + path + ": Address already in use");
    UnixStream client = co_await UnixStream::connect(path);
    co_await client.write("here");
    UnixStream server = co_await listener.accept();
    const std::string text = co_await read_once(server);
    EXPECT_EQ(text, "here") << "it has not seen the question whether it is alive";
  });
}

TEST(Unix, APathInUseIsRefusedAlsoWhenItsQueueIsFull) {
  in_loop([]() -> Task<> {
    const std::string path = new_socket_path();
    const UnixListener listener = UnixListener::listen(path, {.backlog = 0});
    const UnixStream queued = co_await UnixStream::connect(path);
    EXPECT_EQ(error_of_listening(path), "listen " + path + ": Address already in use");
    EXPECT_TRUE(is_socket(path));
  });
}

TEST(Unix, AStaleFileIsReplaced) {
  in_loop([]() -> Task<> {
    const std::string path = new_socket_path();
    leave_stale_file(path);
    const std::string error = co_await error_of(UnixStream::connect(path));
    EXPECT_EQ(error, "connect " + path + ": Connection refused");
    UnixListener listener = UnixListener::listen(path);
    const UnixStream client = co_await UnixStream::connect(path);
    const UnixStream server = co_await listener.accept();
    EXPECT_TRUE(server.connected());
  });
}

// Anyone who may read the directory can lock it: he must not stop our loop.
TEST(Unix, ALockedDirectoryHoldsUpNobody) {
  in_loop([]() -> Task<> {
    const std::string directory = new_socket_path();
    fs::create_directory(directory);
    const std::string path = directory + "/a.sock";
    leave_stale_file(path);
    const int lock = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    EXPECT_EQ(flock(lock, LOCK_SH), 0);
    EXPECT_EQ(error_of_listening(path), "listen " + path + ": Address already in use");
    close(lock);
    EXPECT_EQ(error_of_listening(path), "");
    fs::remove_all(directory);
    co_return;
  });
}

TEST(Unix, AServerThatIsKilledLeavesItsFileToTheNext) {
  const std::string path = new_socket_path();
  const pid_t child = fork();
  if (child == 0) {
    in_loop([&]() -> Task<> {
      const UnixListener listener = UnixListener::listen(path);
      raise(SIGKILL);
      co_return;
    });
  }
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
  EXPECT_TRUE(is_socket(path));
  in_loop([&]() -> Task<> {
    EXPECT_EQ(error_of_listening(path), "");
    co_return;
  });
}

TEST(Unix, AFileThatIsNoSocketStays) {
  in_loop([]() -> Task<> {
    const std::string path = new_socket_path();
    std::ofstream(path) << "precious";
    EXPECT_EQ(error_of_listening(path), "listen " + path + ": Address already in use");
    std::string text;
    std::ifstream(path) >> text;
    EXPECT_EQ(text, "precious");
    const std::string link = new_socket_path();
    fs::create_symlink(path, link);
    EXPECT_EQ(error_of_listening(link), "listen " + link + ": Address already in use");
    fs::remove(link);
    fs::remove(path);
    co_return;
  });
}

// All of them find a file that nobody has; none may remove that of one that has just replaced it.
TEST(Unix, OfServersThatStartAtTheSameTimeOneGetsThePath) {
  constexpr int kServers = 4;
  for (int round = 0; round < 50; ++round) {
    const std::string path = new_socket_path();
    leave_stale_file(path);
    std::atomic<int> listening = 0;
    std::barrier both(kServers);
    {
      std::vector<std::jthread> servers;
      for (int i = 0; i < kServers; ++i) {
        servers.emplace_back([&] {
          in_loop([&]() -> Task<> {
            std::optional<UnixListener> listener;
            both.arrive_and_wait();
            try {
              listener = UnixListener::listen(path);
              ++listening;
            } catch (const Error&) {  // another one was first
            }
            both.arrive_and_wait();  // it still listens
            co_return;
          });
        });
      }
    }
    ASSERT_EQ(listening, 1) << "round " << round;
    ASSERT_FALSE(is_socket(path));
  }
}

TEST(Unix, AnAbstractNameIsNoFile) {
  in_loop([]() -> Task<> {
    const std::string name = "@coracle test " + std::to_string(getpid());
    {
      UnixListener listener = UnixListener::listen(name);
      UnixStream client = co_await UnixStream::connect(name);
      const UnixStream server = co_await listener.accept();
      EXPECT_EQ(client.peer_name(), name);
      EXPECT_FALSE(fs::exists(name));
    }
    const std::string error = co_await error_of(UnixStream::connect(name));
    EXPECT_EQ(error, "connect " + name + ": Connection refused");
  });
}

// --- what may not be ---------------------------------------------------------------------------

TEST(Unix, ALongPathIsAnErrorThatShowsIt) {
  in_loop([]() -> Task<> {
    const std::string path = testing::TempDir() + std::string(100, 'x') + ".sock";
    EXPECT_EQ(error_of_listening(path), "listen " + path + ": File name too long");
    const std::string error = co_await error_of(UnixStream::connect(path));
    EXPECT_EQ(error, "connect " + path + ": File name too long");
    const std::string longest =
        testing::TempDir() + std::string(107 - testing::TempDir().size(), 'x');
    EXPECT_EQ(error_of_listening(longest), "");
  });
}

TEST(Unix, ADirectoryThatIsNotThere) {
  in_loop([]() -> Task<> {
    const std::string path = new_socket_path() + "/a.sock";
    EXPECT_EQ(error_of_listening(path), "listen " + path + ": No such file or directory");
    co_return;
  });
}

// This thread is nobody, as far as files are concerned.
class AsNobody {
 public:
  AsNobody() : before_(setfsuid(kNobody)) {}
  AsNobody(const AsNobody&) = delete;
  AsNobody& operator=(const AsNobody&) = delete;
  ~AsNobody() { setfsuid(static_cast<uid_t>(before_)); }

 private:
  static constexpr uid_t kNobody = 65534;
  int before_;
};

TEST(Unix, TheModeSaysWhoMayConnect) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can be somebody else";
  in_loop([]() -> Task<> {
    const std::string path = new_socket_path();
    UnixListener listener = UnixListener::listen(path, {.mode = 0600});
    {
      const AsNobody nobody;
      const std::string error = co_await error_of(UnixStream::connect(path));
      EXPECT_EQ(error, "connect " + path + ": Permission denied");
    }
    listener = UnixListener();
    listener = UnixListener::listen(path, {.mode = 0666});
    const AsNobody nobody;
    const std::string error = co_await error_of(UnixStream::connect(path));
    EXPECT_EQ(error, "no error");
  });
}

TEST(Unix, TheModeHoldsWhateverTheUmask) {
  in_loop([]() -> Task<> {
    const std::string path = new_socket_path();
    const mode_t before = umask(0077);
    {
      const UnixListener listener = UnixListener::listen(path, {.mode = 0666});
      EXPECT_EQ(fs::status(path).permissions(), fs::perms(0666));
    }
    {
      const UnixListener listener = UnixListener::listen(path);
      EXPECT_EQ(fs::status(path).permissions(), fs::perms(0700));
    }
    umask(before);
    co_return;
  });
}

TEST(Unix, ADirectoryWhereOneMayNotWrite) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can be somebody else";
  in_loop([]() -> Task<> {
    const std::string directory = new_socket_path();
    fs::create_directory(directory);
    const std::string path = directory + "/a.sock";
    leave_stale_file(path);
    {
      const AsNobody nobody;
      EXPECT_EQ(error_of_listening(path), "listen " + path + ": Address already in use")
          << "it is stale, but nobody may remove it";
      const std::string other = directory + "/b.sock";
      EXPECT_EQ(error_of_listening(other), "listen " + other + ": Permission denied");
    }
    EXPECT_TRUE(is_socket(path));
    fs::remove_all(directory);
    co_return;
  });
}

}  // namespace
}  // namespace coracle::net

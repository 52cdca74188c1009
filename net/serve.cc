#include "net/serve.h"

#include <cstddef>
#include <string>

#include "runtime/error.h"
#include "runtime/event.h"
#include "runtime/log.h"
#include "runtime/shielded.h"
#include "runtime/sleep.h"
#include "runtime/timeout.h"

namespace coracle::net::serve_detail {
namespace {

// How long to wait for descriptors or memory.
constexpr Duration kShortagePause = std::chrono::milliseconds(20);

class Server {
 public:
  Server(Listener& listener, Handler& handler, ServeOptions options)
      : listener_(listener), handler_(handler), options_(options) {}

  Task<> run() {
    co_await task_group([this](TaskGroup& group) { return accept_and_serve(group); });
    co_await yield();  // throws: only a request to stop ends the accepting task without an Error
  }

 private:
  // However the accepting task ends, the connections must hear of it.
  struct EndOfAccepting {
    Event& event;
    ~EndOfAccepting() { event.set(); }
  };
  struct EndOfConnection {
    Server& server;
    ~EndOfConnection() {
      if (--server.open_ == 0) server.none_open_.notify_all();
    }
  };

  // Two groups: a request to stop reaches the accepting task at once, and the connections only
  // from here, after their time to drain. So they are behind a shield.
  Task<> accept_and_serve(TaskGroup& group) {
    group.spawn("accept " + listener_.name(), &Server::accept, this);
    co_await shielded(Duration::max(),
                      task_group([this](TaskGroup& connections) { return hold(connections); }));
  }

  Task<> hold(TaskGroup& connections) {
    connections_ = &connections;
    co_await accepting_ended_.wait();
    const TimePoint deadline = deadline_after(now(), options_.drain);
    while (open_ > 0 && now() < deadline) co_await none_open_.wait_until(deadline);
    connections.cancel();
  }

  Task<> accept() {
    const EndOfAccepting end{accepting_ended_};
    for (;;) {
      Stream stream = co_await accept_one();
      ++open_;
      const std::string name = stream.peer_name();
      connections_->spawn(name, &Server::serve_one, this, std::move(stream));
    }
  }

  Task<Stream> accept_one() {
    for (bool paused = false;;) {
      try {
        Stream stream = co_await listener_.accept();
        if (paused) log_info("accepts_again connections={}", open_);
        co_return stream;
      } catch (const Error& error) {
        if (!is_shortage(error)) throw;
        if (!std::exchange(paused, true)) {
          log_warn("cannot_accept connections={} error=\"{}\"", open_, error.what());
        }
      }
      co_await sleep_for(kShortagePause);
    }
  }

  static bool is_shortage(const Error& error) {
    return error.code() == std::errc::too_many_files_open ||            // EMFILE: this process's
           error.code() == std::errc::too_many_files_open_in_system ||  // ENFILE
           error.code() == std::errc::not_enough_memory ||
           error.code() == std::errc::no_buffer_space;
  }

  Task<> serve_one(Stream stream) {
    const EndOfConnection end{*this};
    try {
      co_await handler_.handle(std::move(stream));
    } catch (const Error& error) {
      log_info("connection_failed error=\"{}\"", error.what());
    }
  }

  Listener& listener_;
  Handler& handler_;
  ServeOptions options_;
  TaskGroup* connections_ = nullptr;
  std::size_t open_ = 0;
  Event accepting_ended_;
  Condition none_open_;
};

}  // namespace

Task<> serve_with(Listener& listener, Handler& handler, ServeOptions options) {
  Server server(listener, handler, options);
  co_await server.run();
}

}  // namespace coracle::net::serve_detail

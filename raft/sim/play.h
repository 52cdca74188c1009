// A scenario while it is played: the cluster, what it has said so far, and since when one asks.
// Mechanism of Scenario.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "raft/sim/cluster.h"
#include "raft/sim/script.h"

namespace coracle::raft::sim {

// A message at one of its ends.
struct Heard {
  enum class Where { sent, received, lost };

  TimePoint when{};
  Where where = Where::sent;
  Message message;
};

// What a client was answered; nothing as long as it waits.
using GivenAnswer = std::optional<ClientAnswer>;

class Play final : private ClusterObserver {
 public:
  // Passes everything that happens on to `audience`, if there is one. Borrows it.
  explicit Play(ClusterObserver* audience) : audience_(audience) {}
  Play(const Play&) = delete;
  Play& operator=(const Play&) = delete;
  ~Play() { end(); }

  // Makes the cluster.
  void begin(const ClusterSetup& setup);
  void end();

  [[nodiscard]] bool begun() const { return cluster_ != nullptr; }
  //   Requires   begin() before.
  [[nodiscard]] RaftCluster& cluster() const { return *cluster_; }

  // Returns    what clients were answered, by the names of their questions.
  [[nodiscard]] std::map<std::string, GivenAnswer>& answers() { return answers_; }
  [[nodiscard]] const std::map<std::string, GivenAnswer>& answers() const { return answers_; }

  // From here on `expect event` and its like look.
  void mark();
  [[nodiscard]] TimePoint marked_at() const { return marked_at_; }
  [[nodiscard]] std::span<const Happened> events() const;
  [[nodiscard]] std::span<const Heard> messages() const;

 private:
  void event(const Happened& happened) override;
  void sends(const Message& message) override { hear(Heard::Where::sent, message); }
  void receives(const Message& message) override { hear(Heard::Where::received, message); }
  void loses(const Message& message) override { hear(Heard::Where::lost, message); }
  void asked(ServerId server, const ClientRequest& request) override;
  void answered(ServerId server, const ClientRequest& request, const ClientAnswer& answer) override;
  void commits(ServerId server, LogIndex first, LogIndex last) override;
  void hear(Heard::Where where, const Message& message);

  ClusterObserver* audience_;
  std::map<std::string, GivenAnswer> answers_;  // outlives the cluster, which fills it in
  std::unique_ptr<RaftCluster> cluster_;
  std::vector<Heard> messages_;
  TimePoint marked_at_{};
  std::size_t marked_events_ = 0;  // that came before it
  std::size_t marked_messages_ = 0;
};

// An expectation that was not met.
class Unmet : public std::runtime_error {
 public:
  Unmet(const std::string& expected, const std::string& found)
      : std::runtime_error("expected " + expected + "\n  found: " + found) {}
};

// Fails the line unless this is so: what it asks cannot be done now.
inline void demand(bool possible, const std::string& why_not) {
  if (!possible) throw std::runtime_error(why_not);
}

// What a line of a script does.
using Action = std::function<void(Play& play)>;

}  // namespace coracle::raft::sim

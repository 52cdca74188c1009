#include "raft/sim/play.h"

namespace coracle::raft::sim {

void Play::begin(const ClusterSetup& setup) {
  cluster_ = std::make_unique<RaftCluster>(setup);
  cluster_->observe(this);
}

void Play::end() { cluster_.reset(); }

void Play::mark() {
  marked_at_ = cluster_->now();
  marked_events_ = cluster_->events().size();
  marked_messages_ = messages_.size();
}

std::span<const Happened> Play::events() const {
  return std::span(cluster_->events()).subspan(marked_events_);
}

std::span<const Heard> Play::messages() const {
  return std::span(messages_).subspan(marked_messages_);
}

void Play::event(const Happened& happened) {
  if (audience_ != nullptr) audience_->event(happened);
}

void Play::asked(ServerId server, const ClientRequest& request) {
  if (audience_ != nullptr) audience_->asked(server, request);
}

void Play::answered(ServerId server, const ClientRequest& request, const ClientAnswer& answer) {
  if (audience_ != nullptr) audience_->answered(server, request, answer);
}

void Play::commits(ServerId server, LogIndex first, LogIndex last) {
  if (audience_ != nullptr) audience_->commits(server, first, last);
}

void Play::hear(Heard::Where where, const Message& message) {
  messages_.push_back({cluster_->now(), where, message});
  if (audience_ == nullptr) return;
  switch (where) {
    case Heard::Where::sent: return audience_->sends(message);
    case Heard::Where::received: return audience_->receives(message);
    case Heard::Where::lost: return audience_->loses(message);
  }
}

}  // namespace coracle::raft::sim

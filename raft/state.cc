#include "raft/state.h"

#include <algorithm>
#include <exception>

#include "raft/proposal_errors.h"
#include "runtime/check.h"

namespace coracle::raft {

State::State(const Identity& identity, const Options& options, Configuration configuration,
             Recovered recovered, Random& random, EventSink sink, TimePoint now,
             TimeoutSource timeouts)
    : identity_(identity),
      options_(options),
      configuration_(std::move(configuration)),
      log_(std::move(recovered.log)),
      random_(random),
      sink_(std::move(sink)),
      timeouts_(std::move(timeouts)),
      hard_state_(recovered.hard_state),
      last_change_(recovered.change),
      hard_state_change_(recovered.change),
      durable_change_(recovered.change) {
  CORACLE_CHECK(validate(options_).empty(), "options are validated before a server starts");
  CORACLE_CHECK(identity_.self != kNobody, "0 is no server's id");
  CORACLE_CHECK(hard_state_.term >= log_.last().term, "no entry is of a term still to come");
  for (const ServerId member : configuration_.members_except(identity_.self)) peers_[member];
  draw_deadline(now);
  const bool is_alone = configuration_.is_voter(identity_.self) && configuration_.majority() == 1;
  if (is_alone) election_deadline_ = now;  // nobody to wait for (V14)
  emit({.kind = EventKind::started, .position = log_.last()});
}

std::string_view State::role_name() const {
  return asks_for_pre_votes_ ? "pre-candidate" : to_string(role_);
}

void State::durable_up_to(ChangeNumber change, TimePoint now) {
  CORACLE_CHECK(change <= last_change_, "only changes that were made become durable");
  CORACLE_CHECK(change >= durable_change_, "what is durable stays durable");
  durable_change_ = change;
  stored_ = now;
  log_.durable_up_to(change);
  if (role_ == Role::leader) advance_commit_index();
  forget_entries();
}

// (TLA+ UpdateTerm; §5.1, T1) The timer goes on (V5), except that a leader had none (T4).
void State::update_term(Term term, ServerId from, TimePoint now) {
  CORACLE_CHECK(term > hard_state_.term, "terms never fall (Raft §5.1)");
  end_pre_vote();
  if (role_ != Role::follower) step_down(StepDown::higher_term, now);
  change_hard_state({.term = term, .vote = kNobody}, now);
  leader_ = kNobody;
  enter_next_epoch();
  emit({.kind = EventKind::adopted_term, .peer = from});
}

// The vote is kept: it was given in a term that goes on. (T4, B03)
void State::step_down(StepDown reason, TimePoint now) {
  CORACLE_CHECK(role_ != Role::follower, "a follower has nothing to step down from");
  if (role_ == Role::leader) {
    leader_ = kNobody;
    draw_deadline(now);
    proposals_.fail_all(std::make_exception_ptr(OutcomeUnknown("propose")));  // (L4, R4)
  }
  role_ = Role::follower;
  leadership_transfer_ = false;
  enter_next_epoch();
  emit({.kind = EventKind::stepped_down, .reason = reason});
}

void State::end_pre_vote() {
  if (!asks_for_pre_votes_) return;
  asks_for_pre_votes_ = false;
  enter_next_epoch();
}

// (V2) One record, one number.
void State::change_hard_state(HardState changed, TimePoint now) {
  hard_state_ = changed;
  hard_state_change_ = add_change(changed, now);
}

ChangeNumber State::add_change(decltype(Change::what) what, TimePoint now) {
  if (is_durable(last_change_)) stored_ = now;
  changes_.push_back({.number = ++last_change_, .what = std::move(what)});
  return last_change_;
}

// ---- The log ----

void State::add_entry(Entry entry, TimePoint now) {
  const ChangeNumber change =
      add_change(AppendedEntry{.index = log_.last().index + 1, .entry = entry}, now);
  log_.append(std::move(entry), change);
}

void State::commit_up_to(LogIndex index) {
  CORACLE_CHECK(index <= log_.last().index, "only entries we hold can be committed");
  commit_index_ = std::max(commit_index_, index);
}

void State::applied_up_to(LogIndex index) {
  CORACLE_CHECK(index >= applied_index_, "no entry is applied twice");
  CORACLE_CHECK(index <= commit_index_, "only committed entries are applied (Raft Figure 2)");
  applied_index_ = index;
  forget_entries();
}

// What is applied and durable everywhere is needed by nobody; of what this server alone could give
// to a follower that is behind, as much stays in memory as is allowed.
void State::forget_entries() {
  if (role_ == Role::leader) {
    LogIndex everywhere = applied_index_;
    for (const ServerId peer : peers()) {
      everywhere = std::min(everywhere, peers_.at(peer).progress.matched());
    }
    log_.forget_up_to(everywhere);
  }
  log_.forget_beyond(options_.replication.cache_bytes);
}

// No grant outlives its round.
void State::enter_next_epoch() {
  epoch_ = static_cast<Epoch>(static_cast<std::uint64_t>(epoch_) + 1);
  grants_.clear();
}

// A new draw for each wait. (§5.2, C7)
void State::draw_deadline(TimePoint now) {
  const Timing& timing = options_.timing;
  const Duration timeout = timeouts_ ? timeouts_(random_, timing)
                                     : random_.between(timing.timeout_min, timing.timeout_max);
  election_deadline_ = deadline_after(now, timeout);
}

RequestHeader State::header_to(ServerId peer) {
  CORACLE_CHECK(peer != identity_.self, "a server does not write to itself");
  return {.cluster = identity_.cluster,
          .from = identity_.self,
          .to = peer,
          .incarnation = identity_.incarnation,
          .request = ++last_request_};
}

ReplyHeader State::answer_to(const RequestHeader& request) const {
  return {.cluster = identity_.cluster,
          .from = identity_.self,
          .to = request.from,
          .incarnation = identity_.incarnation,
          .request = request.request,
          .asker = request.incarnation};
}

void State::emit(Event event) const {
  if (!sink_) return;
  event.role = role_;
  event.own_term = hard_state_.term;
  sink_(event);
}

}  // namespace coracle::raft

// What happened in a simulated world: one event after the other, as facts of the simulation only
// (no pointers, no places in the source, no floating point), so that equal seeds give equal traces
// whatever compiled them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <iosfwd>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "runtime/time.h"

namespace coracle::sim {

// One fact of an event: `bytes=120`, `path=/data/log`.
struct Fact {
  std::string_view name;
  std::variant<std::int64_t, std::string_view> value;

  Fact(std::string_view fact, std::int64_t number) : name(fact), value(number) {}
  Fact(std::string_view fact, std::string_view text) : name(fact), value(text) {}
};

// One event, as it is read back.
struct TraceEvent {
  Duration at{};      // since the world began
  std::string host;   // empty: the world itself
  std::string event;  // a verb phrase: "delivered"
  std::vector<std::pair<std::string, std::variant<std::int64_t, std::string>>> facts;

  // Returns    `12.350123 host=a delivered from=b bytes=120`.
  [[nodiscard]] std::string to_text() const;
  // Returns    `{"time":12.350123,"host":"a","event":"delivered","from":"b","bytes":120}`, the time
  //            in seconds, with all nine digits after the point.
  [[nodiscard]] std::string to_json() const;
};

// Belongs to one world.
class Trace {
 public:
  // Adds an event; costs some 50 ns. `host`, `event` and the facts are copied.
  //   Requires   texts of at most 64 KiB each.
  void add(TimePoint at, std::string_view host, std::string_view event,
           std::initializer_list<Fact> facts = {});

  // Keeps the last `events` only (at least; it forgets in larger steps). All of them unless set.
  // The hash and the count are always of all.
  void keep_last(std::size_t events) { kept_max_ = events; }

  // Calls `observer` with each event from now on, at once, inside add(). An empty function ends it.
  void observe(std::function<void(const TraceEvent&)> observer) { observer_ = std::move(observer); }

  // Returns    a hash of all events so far, in their order.
  [[nodiscard]] std::uint64_t hash() const { return hash_; }
  // Returns    how many events there were, and how many of them are still kept.
  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] std::size_t kept() const { return ends_.size(); }
  // Returns    the event `index` of those that are kept, the oldest being 0.
  //   Requires   index < kept().
  [[nodiscard]] TraceEvent at(std::size_t index) const;

  // Write what is kept, one line per event; the last one only the last `events` of it.
  void write_text(std::ostream& out) const;
  void write_ndjson(std::ostream& out) const;
  void write_tail(std::ostream& out, std::size_t events) const;

 private:
  void forget_oldest();

  std::string bytes_;              // the events that are kept, packed
  std::vector<std::size_t> ends_;  // of each of them in `bytes_`
  std::size_t kept_max_ = static_cast<std::size_t>(-1);
  std::uint64_t count_ = 0;
  std::uint64_t hash_ = 0;
  std::function<void(const TraceEvent&)> observer_;
};

}  // namespace coracle::sim

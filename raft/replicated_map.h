// A map of keys to values as a state machine: small, and enough to try a cluster with. The
// simulator, `coracle ten-steps` and the commands `get`, `set` and `dump` use it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "raft/shared_bytes.h"
#include "raft/state_machine.h"

namespace coracle::raft {

struct MapCommand {
  enum class Kind : std::uint8_t {
    get,              // changes nothing, but in the order of the log
    put,              // `value` stands there then
    append,           // `value` stands behind what was there
    compare_and_set,  // `value`, if what stands there is `expected`
    remove,
  };

  Kind kind = Kind::get;
  std::string key{};
  std::string value{};
  std::optional<std::string> expected{};  // nothing: that there is no such key

  friend bool operator==(const MapCommand&, const MapCommand&) = default;
};

struct MapResult {
  bool done = false;                   // false where something else stood there than was expected
  std::optional<std::string> found{};  // what stood there before

  friend bool operator==(const MapResult&, const MapResult&) = default;
};

// Encode and decode both; nothing comes back of bytes that are none.
[[nodiscard]] SharedBytes encode(const MapCommand& command);
[[nodiscard]] SharedBytes encode(const MapResult& result);
[[nodiscard]] std::optional<MapCommand> decode_map_command(std::span<const std::byte> bytes);
[[nodiscard]] std::optional<MapResult> decode_map_result(std::span<const std::byte> bytes);

class ReplicatedMap final : public StateMachine {
 public:
  // A command that is none changes nothing, and its result is empty.
  [[nodiscard]] Task<std::vector<SharedBytes>> apply(std::span<const Command> commands) override;

  // Returns    what stands there; nothing where there is no such key. Linearizable right after
  //            Node::read_barrier().
  [[nodiscard]] std::optional<std::string> find(std::string_view key) const;
  [[nodiscard]] const std::map<std::string, std::string, std::less<>>& all() const {
    return values_;
  }

 private:
  [[nodiscard]] MapResult apply_one(const MapCommand& command);

  std::map<std::string, std::string, std::less<>> values_;
};

}  // namespace coracle::raft

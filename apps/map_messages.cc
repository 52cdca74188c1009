#include "apps/map_messages.h"

#include <algorithm>
#include <array>

namespace coracle::demo {
namespace {

// In the order of the enumerators.
constexpr std::array<std::string_view, 5> kKinds = {"get", "put", "append", "compare_and_set",
                                                    "remove"};
static_assert(static_cast<std::size_t>(raft::MapCommand::Kind::remove) == kKinds.size() - 1);

}  // namespace

std::string_view name_of(raft::MapCommand::Kind kind) {
  return kKinds.at(static_cast<std::size_t>(kind));
}

std::optional<raft::MapCommand::Kind> kind_named(std::string_view name) {
  const auto found = std::ranges::find(kKinds, name);
  if (found == kKinds.end()) return std::nullopt;
  return static_cast<raft::MapCommand::Kind>(found - kKinds.begin());
}

}  // namespace coracle::demo

#include "apps/map_service.h"

#include <cerrno>
#include <system_error>
#include <utility>

#include "net/describe_value.h"
#include "net/rpc_fault.h"
#include "raft/proposal_errors.h"
#include "runtime/check.h"

namespace coracle::demo {
namespace {

constexpr std::size_t kPageBytes = std::size_t{1} << 20;

net::RpcError refusal(std::string_view code, std::string text) {
  return {std::string(code), std::move(text)};
}

}  // namespace

void MapService::add_to(net::RpcServer& server) {
  server.handle("open_session", [this](std::int64_t idle_max) { return open_session(idle_max); });
  server.handle("close_session", [this](std::uint64_t session) { return close_session(session); });
  server.handle("command",
                [this](std::string kind, std::string key, std::string value,
                       std::optional<std::string> expected, std::optional<InSession> session) {
                  const auto known = kind_named(kind);
                  if (!known)
                    throw refusal(kBadCommand, "there is no command " + net::quoted(kind));
                  raft::MapCommand command{.kind = *known,
                                           .key = std::move(key),
                                           .value = std::move(value),
                                           .expected = std::move(expected)};
                  return carry_out(std::move(command), session);
                });
  server.handle("read", [this](std::string key) { return read(std::move(key)); });
  server.handle("dump", [this](std::optional<std::string> behind, std::optional<bool> held) {
    return dump(std::move(behind), held.value_or(false));
  });
}

Task<std::uint64_t> MapService::open_session(std::int64_t idle_max) {
  if (idle_max <= 0) throw refusal(kBadCommand, "a session lives longer than 0 nanoseconds");
  co_return co_await with_codes(node_.open_session(Duration(idle_max)));
}

Task<> MapService::close_session(std::uint64_t session) {
  co_await with_codes(node_.close_session(session));
}

Task<MapAnswer> MapService::carry_out(raft::MapCommand command, std::optional<InSession> session) {
  raft::SharedBytes bytes = encode(command);
  raft::SharedBytes result;
  if (session) {
    const raft::SessionCommand once{.session = session->session,
                                    .sequence = session->sequence,
                                    .lowest_unanswered = session->lowest_unanswered};
    result = co_await with_codes(node_.propose(std::move(bytes), once));
  } else {
    result = co_await with_codes(node_.propose(std::move(bytes)));
  }
  std::optional<raft::MapResult> decoded = decode_map_result(result);
  CORACLE_CHECK(decoded.has_value(), "a command of the map has a result of the map");
  co_return MapAnswer{.done = decoded->done, .found = std::move(decoded->found)};
}

Task<std::optional<std::string>> MapService::read(std::string key) {
  co_await with_codes(node_.read_barrier());
  co_return map_.find(key);
}

Task<MapPage> MapService::dump(std::optional<std::string> behind, bool held) {
  if (!held) co_await with_codes(node_.read_barrier());
  MapPage page;
  page.applied = node_.status().applied_index;
  auto next = behind ? map_.all().upper_bound(*behind) : map_.all().begin();
  for (std::size_t bytes = 0; next != map_.all().end() && bytes < kPageBytes; ++next) {
    bytes += next->first.size() + next->second.size();
    page.pairs.insert(page.pairs.end(), *next);
  }
  page.more = next != map_.all().end();
  co_return page;
}

template <class Result>
Task<Result> MapService::with_codes(Task<Result> task) {
  try {
    co_return co_await std::move(task);
  } catch (const raft::NotLeader& refused) {
    throw refusal(kNotLeader, address_of(refused.leader()));
  } catch (const raft::OutcomeUnknown& lost) {
    throw refusal(kOutcomeUnknown, lost.what());
  } catch (const raft::SessionExpired& expired) {
    throw refusal(kSessionExpired, expired.what());
  } catch (const Error& error) {
    if (error.code() != std::errc::argument_list_too_long) throw;
    throw refusal(kBadCommand, error.what());
  }
}

std::string MapService::address_of(raft::ServerId server) const {
  const auto member = members_.find(server);
  return member == members_.end() ? "" : member->second.to_string();
}

}  // namespace coracle::demo

// Registers every row in the order in which the table shows it, contender beside contender, so
// that those which are compared run one right after the other.
#include "bench/micro/rows.h"

namespace {

struct Entry {
  const char* name;  // row/contender
  void (*measure)(benchmark::State&);
};

constexpr Entry kEntries[] = {
    {"await a ready child/floor", bench::floor::await_ready_child},
    {"await a ready child/asio", bench::asio_peer::await_ready_child},
    {"await a ready child/coracle", bench::ours::await_ready_child},
    {"chain of 64 awaits, per level/floor", bench::floor::await_chain},
    {"chain of 64 awaits, per level/asio", bench::asio_peer::await_chain},
    {"chain of 64 awaits, per level/coracle", bench::ours::await_chain},
    {"yield through the loop/floor", bench::floor::yield_turn},
    {"yield through the loop/asio", bench::asio_peer::yield_turn},
    {"yield through the loop/coracle", bench::ours::yield_turn},
    {"spawn and join/floor", bench::floor::spawn_and_join},
    {"spawn and join/asio", bench::asio_peer::spawn_and_join},
    {"spawn and join/coracle", bench::ours::spawn_and_join},
    {"spawn in a group of 64, per child/coracle", bench::ours::spawn_in_group},
    {"channel, two messages back and forth/floor", bench::floor::channel_both_ways},
    {"channel, two messages back and forth/asio", bench::asio_peer::channel_both_ways},
    {"channel, two messages back and forth/coracle", bench::ours::channel_both_ways},
    {"operation with a timeout that does not fire/asio", bench::asio_peer::operation_with_timeout},
    {"operation with a timeout that does not fire/coracle", bench::ours::operation_with_timeout},
    {"arm and cancel a timer, 100,000 armed/libuv", bench::uv::arm_and_cancel_timer},
    {"arm and cancel a timer, 100,000 armed/asio", bench::asio_peer::arm_and_cancel_timer},
    {"arm and cancel a timer, 100,000 armed/coracle", bench::ours::arm_and_cancel_timer},
    {"100,000 sleeping fibers, CPU per sleep/libuv", bench::uv::sleep_many},
    {"100,000 sleeping fibers, CPU per sleep/asio", bench::asio_peer::sleep_many},
    {"100,000 sleeping fibers, CPU per sleep/coracle", bench::ours::sleep_many},
    {"cancel a fiber four awaits deep/asio", bench::asio_peer::cancel_four_deep},
    {"cancel a fiber four awaits deep/coracle", bench::ours::cancel_four_deep},
};

}  // namespace

int main(int argc, char** argv) {
  for (const Entry& entry : kEntries) benchmark::RegisterBenchmark(entry.name, entry.measure);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}

// Clients of the map, and a simulated cluster whose servers die, hang, and are cut off: what the
// clients saw is linearizable, and each append that was acknowledged is there once. So many writes
// are acknowledged that this says something, and the last healing lets them go on.
#include <chrono>
#include <string>
#include <vector>

#include "runtime/task_group.h"
#include "tests/apps/map_load.h"
#include "tests/apps/map_world.h"

namespace coracle::demo {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t kWritesPerSecond = 3;  // at least, on the average

// Chances come from the world's seed.
class Torment {
 public:
  explicit Torment(MapWorld& world) : world_(world), random_(world.world.random()) {}

  void once() {
    sim::Host& server = *world_.servers[random_.below(world_.servers.size())];
    switch (random_.below(8)) {
      case 0:
        if (server.running()) server.crash();
        break;
      case 1:
        if (server.running()) server.crash_machine();
        break;
      case 2:
        for (sim::Host* each : world_.servers) {
          if (each->running()) each->crash();
        }
        break;
      case 3: world_.network.partition({&server}, all_but(server)); break;
      case 4: world_.network.cut(server, world_.clients); break;
      case 5: world_.network.reset(server, world_.clients); break;
      case 6:
        if (server.running() && !server.paused()) server.pause();
        break;
      default: end();
    }
  }

  // Ends all that goes on.
  void end() {
    world_.network.heal();
    for (sim::Host* server : world_.servers) {
      if (!server->running()) {
        server->restart();
      } else if (server->paused()) {
        server->resume();
      }
    }
  }

 private:
  std::vector<sim::Host*> all_but(const sim::Host& one) const {
    std::vector<sim::Host*> others{&world_.clients};
    for (sim::Host* server : world_.servers) {
      if (server != &one) others.push_back(server);
    }
    return others;
  }

  MapWorld& world_;
  Random& random_;
};

void torment(std::uint64_t seed, Duration length) {
  MapWorld world(seed, seed % 4 == 0 ? 5 : 3);
  MapLoad load;
  Torment torment(world);
  world.start([&]() -> Task<> {
    co_await task_group([&](TaskGroup& group) -> Task<> {
      for (const LoadClient& client : all_manners(world.addresses, 40ms)) {
        group.spawn("client", &MapLoad::run, &load, client);
      }
      co_return;
    });
    co_await load.read_all(world.addresses);
  });
  const TimePoint end = world.world.now() + length;
  while (world.world.now() < end) {
    const Duration pause = world.world.random().between(100ms, 1s);
    world.world.run_for(pause);
    torment.once();
  }
  torment.end();
  const TimePoint healed = world.world.now();
  const auto least = static_cast<std::size_t>(length / 1s * kWritesPerSecond);
  EXPECT_GE(load.acknowledged_writes(), least) << "seed " << seed;
  EXPECT_TRUE(world.world.run_until([&] { return load.acknowledged_writes(healed) > 0; }, 10s))
      << "seed " << seed << ": no write that came after the last healing is acknowledged";
  load.stop();
  world.run_to_the_end();
  EXPECT_EQ(load.verdict(), "") << "seed " << seed << "\n" << load.history().to_json_lines();
}

TEST(MapChaos, LosesAndDoublesNothing) {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) torment(seed, 20s);
}

TEST(LongMapChaos, LosesAndDoublesNothing) {
  for (std::uint64_t seed = 1001; seed <= 1200; ++seed) torment(seed, 60s);
}

}  // namespace
}  // namespace coracle::demo

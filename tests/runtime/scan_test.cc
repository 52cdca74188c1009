// Debug builds look at what spawn() stores: a reference to a local that may be gone while the child
// runs is caught, and legal forms are let through.
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "runtime/event.h"
#include "runtime/frame_pool.h"
#include "runtime/run.h"
#include "runtime/sleep.h"
#include "runtime/task_group.h"
#include "runtime/timeout.h"

namespace coracle {
namespace {

Task<> use_reference(int& value) {
  ++value;
  co_return;
}
Task<> use_pointer(int* value) {
  ++*value;
  co_return;
}
Task<> use_view(std::string_view /*text*/) { co_return; }
Task<> use_span(std::span<int> /*values*/) { co_return; }
Task<> use_string(std::string /*text*/) { co_return; }

// --- Caught -------------------------------------------------------------------------------------

Task<> reference_to_a_local_of_the_body() {
  co_await task_group([](TaskGroup& group) -> Task<> {
    int local = 0;
    group.spawn("careless", use_reference, std::ref(local));
    co_await yield();
  });
}

Task<> pointer_to_a_local_of_the_body() {
  co_await task_group([](TaskGroup& group) -> Task<> {
    int local = 0;
    group.spawn("careless", use_pointer, &local);
    co_await yield();
  });
}

Task<> closure_that_captures_a_local_of_the_body() {
  co_await task_group([](TaskGroup& group) -> Task<> {
    int local = 0;
    group.spawn("careless", [&]() -> Task<> { return use_reference(local); });
    co_await yield();
  });
}

Task<> view_of_a_local_of_the_body() {
  co_await task_group([](TaskGroup& group) -> Task<> {
    const std::string local = "short";
    group.spawn("careless", use_view, std::string_view(local));
    co_await yield();
  });
}

Task<> span_of_a_local_of_the_body() {
  co_await task_group([](TaskGroup& group) -> Task<> {
    int local[4] = {};
    group.spawn("careless", use_span, std::span<int>(local));
    co_await yield();
  });
}

Task<> reference_to_a_local_of_a_task_that_the_body_awaits() {
  co_await task_group([](TaskGroup& group) -> Task<> {
    const auto below = [](TaskGroup& outer) -> Task<> {
      int local = 0;
      outer.spawn("careless", use_reference, std::ref(local));
      co_await yield();
    };
    co_await below(group);
  });
}

Task<> spawn_with_an_own_local(TaskGroup& group) {
  int local = 0;
  group.spawn("careless", use_reference, std::ref(local));
  co_await yield();
}

Task<> reference_to_a_local_of_the_child_that_spawns() {
  co_await task_group([](TaskGroup& group) -> Task<> {
    group.spawn("parent", spawn_with_an_own_local, std::ref(group));
    co_return;
  });
}

Task<> take_a_parameter(int parameter, TaskGroup& group) {
  group.spawn("careless", use_reference, std::ref(parameter));
  co_await yield();
}

Task<> reference_to_a_parameter_of_the_child_that_spawns() {
  co_await task_group([](TaskGroup& group) -> Task<> {
    group.spawn("parent", take_a_parameter, 1, std::ref(group));
    co_return;
  });
}

Task<> spawn_in_a_timeout(TaskGroup& group) {
  int local = 0;
  group.spawn("careless", use_pointer, &local);
  co_await yield();
}

Task<> reference_to_a_local_inside_a_timeout() {
  co_await task_group([](TaskGroup& group) -> Task<> {
    co_await with_timeout(std::chrono::hours(1), spawn_in_a_timeout(group));
  });
}

Task<> spawn_in_outer(TaskGroup& outer, int& middles) {
  outer.spawn("careless", use_reference, std::ref(middles));
  co_return;
}

// The middle's local outlives its own children, but not those of the outer group.
Task<> open_a_group_and_spawn_outside(TaskGroup& outer) {
  int middles = 0;
  co_await task_group([&](TaskGroup& inner) -> Task<> {
    inner.spawn("inner", spawn_in_outer, std::ref(outer), std::ref(middles));
    co_return;
  });
}

Task<> reference_to_a_local_of_a_fiber_in_between() {
  co_await task_group([](TaskGroup& group) -> Task<> {
    group.spawn("middle", open_a_group_and_spawn_outside, std::ref(group));
    co_return;
  });
}

TEST(ScanDeathTest, CatchesReferencesToLocalsBelowTheGroup) {
  if (!kDebugChecks) GTEST_SKIP() << "debug builds scan";
  const std::map<std::string, Task<> (*)()> scenarios = {
      {"std::ref", reference_to_a_local_of_the_body},
      {"pointer", pointer_to_a_local_of_the_body},
      {"[&]", closure_that_captures_a_local_of_the_body},
      {"string_view", view_of_a_local_of_the_body},
      {"span", span_of_a_local_of_the_body},
      {"below the body", reference_to_a_local_of_a_task_that_the_body_awaits},
      {"child's local", reference_to_a_local_of_the_child_that_spawns},
      {"child's parameter", reference_to_a_parameter_of_the_child_that_spawns},
      {"in a timeout", reference_to_a_local_inside_a_timeout},
      {"fiber in between", reference_to_a_local_of_a_fiber_in_between},
  };
  for (const auto& [what, scenario] : scenarios) {
    EXPECT_DEATH(run(scenario()), "task `careless` refers to a local that may be gone") << what;
  }
}

// --- Let through --------------------------------------------------------------------------------

struct Padded {
  char small = 1;
  int* pointer = nullptr;
};
Task<> use_padded(Padded /*value*/, char /*more*/) { co_return; }
Task<> use_many(std::optional<std::string> /*first*/, std::unique_ptr<int> /*second*/,
                std::variant<int, std::string> /*third*/, std::vector<int> /*fourth*/,
                std::shared_ptr<int> /*fifth*/) {
  co_return;
}

struct Service {
  int count = 0;
  Task<> serve(TaskGroup& group) {
    group.spawn("again", &Service::finish, this);
    co_return;
  }
  Task<> finish() {
    ++count;
    co_return;
  }
};

// Leaves addresses of its own frame all over the memory that frames and the stack use next.
Task<> litter() {
  void* addresses[64];
  for (void*& address : addresses) address = static_cast<void*>(&address);
  co_await yield();
  std::string small = "x";
  small.append(std::to_string(addresses[0] == nullptr));
  co_await use_string(small);
}

Task<> legal_forms() {
  int before = 0;
  Event event;
  Service service;
  const std::string name = "declared before";
  co_await task_group([&](TaskGroup& group) -> Task<> {
    group.spawn("reference", use_reference, std::ref(before));
    group.spawn("pointer", use_pointer, &before);
    group.spawn("closure", [&]() -> Task<> { return use_reference(before); });
    group.spawn("view", use_view, std::string_view(name));
    group.spawn("group", &Service::serve, &service, std::ref(group));
    group.spawn("member", &Service::finish, &service);
    co_await litter();
    for (int round = 0; round < 10; ++round) {
      const std::string small = "small";
      const std::string large = "a string that is too long to be kept in itself";
      group.spawn("a small string", use_string, small);
      group.spawn("a large string", use_string, large);
      group.spawn("moved", use_string, std::string("x"));
      group.spawn("padded", use_padded, Padded(), 'x');
      group.spawn("many", use_many, std::nullopt, std::make_unique<int>(1),
                  std::variant<int, std::string>(2), std::vector<int>{1, 2, 3},
                  std::make_shared<int>(3));
      group.spawn("others", use_many, std::optional<std::string>("set"), nullptr,
                  std::variant<int, std::string>("text"), std::vector<int>(), nullptr);
      const int value = round;
      group.spawn("by value", [value, small]() -> Task<> {
        return use_string(small + std::string(static_cast<std::size_t>(value), ' '));
      });
      std::function<Task<>()> function = [value]() -> Task<> {
        return value < 0 ? use_string("x") : use_string("y");
      };
      group.spawn("function", function);
      co_await litter();
    }
    const auto own = std::make_unique<int>(0);
    group.spawn("what a local owns elsewhere stays unseen", use_view, std::string_view(name));
    co_await yield();
  });
  EXPECT_EQ(before, 3);
  EXPECT_EQ(service.count, 2);
}

TEST(Scan, LetsLegalFormsThrough) { run(legal_forms()); }

Task<> use_both(int& first, int& second) {
  ++first;
  ++second;
  co_return;
}

// A group opened by a child may use the child's locals, and everything above.
Task<> open_a_group_below(int& outer) {
  int own = 0;
  co_await task_group([&](TaskGroup& group) -> Task<> {
    group.spawn("below", use_both, std::ref(outer), std::ref(own));
    co_return;
  });
  EXPECT_EQ(own, 1);
}

Task<> nested_groups() {
  int mains = 0;
  co_await task_group([&](TaskGroup& group) -> Task<> {
    group.spawn("child", open_a_group_below, std::ref(mains));
    co_await open_a_group_below(mains);
  });
  EXPECT_EQ(mains, 2);
}

TEST(Scan, LetsChildrenUseWhatOutlivesTheirGroup) { run(nested_groups()); }

// A fiber beside the group, not below it: its own frames are looked at, nobody else's.
Task<> spawn_beside(TaskGroup*& inner, int& shared) {
  inner->spawn("beside", use_reference, std::ref(shared));
  co_return;
}

Task<> open_a_group_for_others(TaskGroup*& published) {
  co_await task_group([&](TaskGroup& group) -> Task<> {
    published = &group;
    co_await yield();
    co_await yield();
  });
}

Task<> spawn_into_a_group_beside() {
  int shared = 0;
  TaskGroup* published = nullptr;
  co_await task_group([&](TaskGroup& group) -> Task<> {
    group.spawn("opens", open_a_group_for_others, std::ref(published));
    group.spawn("spawns", spawn_beside, std::ref(published), std::ref(shared));
    co_return;
  });
  EXPECT_EQ(shared, 1);
}

TEST(Scan, LetsAFiberBesideTheGroupSpawnIntoIt) { run(spawn_into_a_group_beside()); }

}  // namespace
}  // namespace coracle

// What may stand as an argument, or as the object, inside one co_await expression.
#include <gtest/gtest.h>

#include <vector>

#include "tests/compiler/callees.h"
#include "tests/compiler/canary.h"

namespace canary {
namespace {

using enum Outcome;

// What destroying a frame twice comes to.
#if defined(__SANITIZE_THREAD__)
constexpr Outcome kTwiceFreed = destroyed_twice;  // its allocator takes a block back twice
#else
constexpr Outcome kTwiceFreed = crash;
#endif

// Set where the shape's fault is that an argument dies before its user runs.
bool died_early = false;

Task<> look_later(const Aggregate& /*dies*/) {
  died_early = Owner::destroyed == Owner::born - 1;  // all but the caller's own is gone
  co_return;
}

Task<> take_vector(std::vector<Owner> owners) {
  co_await suspend_once();
  for (const Owner& owner : owners) owner.use();
}

std::vector<Owner> two(const Owner& n) { return std::vector<Owner>(2, n); }

const std::vector<Canary> kUnsafeWithGcc12 = {
    {"co_await f([n]() -> Task<> {...})",
     []() -> Task<> {
       Owner n;
       co_await call([n]() -> Task<> { co_await look(n); });
     },
     destroyed_twice, right},
    {"co_await f(std::function<Task<>()>([n]() -> Task<> {...}))",
     []() -> Task<> {
       Owner n;
       co_await call_function(std::function<Task<>()>([n]() -> Task<> { co_await look(n); }));
     },
     destroyed_twice, right},
    {"co_await takes_function([n]() -> Task<> {...})",
     []() -> Task<> {
       Owner n;
       co_await call_function([n]() -> Task<> { co_await look(n); });
     },
     destroyed_twice, right},
    {"co_await f({.name = n})",
     []() -> Task<> {
       Owner n;
       co_await take<Aggregate>({.name = n});
     },
     destroyed_twice, right},
    {"co_await takes_reference({.name = n})",
     []() -> Task<> {
       Owner n;
       co_await look<Aggregate>({.name = n});
     },
     destroyed_twice, right},
    {"co_await f(Agg{n, 1})",
     []() -> Task<> {
       Owner n;
       co_await take(Aggregate{n, 1});
     },
     destroyed_twice, right},
    {"co_await takes_reference(Agg{n, 1})",
     []() -> Task<> {
       Owner n;
       co_await look(Aggregate{n, 1});
     },
     destroyed_twice, right},
    {"co_await Agg{n}.method(make())",
     []() -> Task<> {
       Owner n;
       co_await AggregateWithMethod{n}.look_at(Thing());
     },
     destroyed_twice, right},
    {"co_await f(Wrap(Agg{n}))",
     []() -> Task<> {
       Owner n;
       co_await take(Wrap(Aggregate{n, 1}));
     },
     destroyed_twice, right},
    {"(co_await g()).h(Agg{n})",
     []() -> Task<> {
       Owner n;
       (co_await make_thing_with_method()).use_plainly(Aggregate{n, 1});
     },
     destroyed_twice, right},
    {"co_await (co_await g()).h(Agg{n})",
     []() -> Task<> {
       Owner n;
       co_await (co_await make_thing_with_method()).look_at(Aggregate{n, 1});
     },
     destroyed_twice, right},
    {"co_await (c ? f() : g())",
     []() -> Task<> {
       Owner n;
       co_await (Owner::born > 0 ? take(n) : suspend_once());
     },
     kTwiceFreed, right},
};

const std::vector<Canary> kSafe = {
    {"co_await f([&]() -> Task<> {...})",
     []() -> Task<> {
       Owner n;
       co_await call([&]() -> Task<> { co_await look(n); });
     },
     right, right},
    {"co_await f([p = &n]() -> Task<> {...})",
     []() -> Task<> {
       Owner n;
       co_await call([p = &n]() -> Task<> { co_await look(*p); });
     },
     right, right},
    {"co_await f(Thing(n))",
     []() -> Task<> {
       Owner n;
       co_await take(Thing(n));
     },
     right, right},
    {"co_await f(Thing{})", []() -> Task<> { co_await take(Thing{}); }, right, right},
    {"co_await takes_reference(Thing{})", []() -> Task<> { co_await look(Thing{}); }, right, right},
    {"co_await f(n)",
     []() -> Task<> {
       Owner n;
       co_await take(n);
     },
     right, right},
    {"co_await f(make())",
     []() -> Task<> {
       auto make = [] { return Aggregate(); };
       co_await take(make());
     },
     right, right},
    {"co_await f(make_vector(n))",
     []() -> Task<> {
       Owner n;
       co_await take_vector(two(n));
     },
     right, right},
    {"Agg a{n}; co_await f(a);",
     []() -> Task<> {
       Owner n;
       Aggregate a{n, 1};
       co_await take(a);
     },
     right, right},
    {"Agg a{n}; co_await takes_reference(a);",
     []() -> Task<> {
       Owner n;
       Aggregate a{n, 1};
       co_await look(a);
     },
     right, right},
    {"Agg a{n}; co_await f(std::move(a));",
     []() -> Task<> {
       Owner n;
       Aggregate a{n, 1};
       co_await take(std::move(a));
     },
     right, right},
    {"co_await when_all(f(n), g(make()))",
     []() -> Task<> {
       Owner n;
       co_await both(take(n), take(Thing()));
     },
     right, right},
    {"co_await f(std::make_unique<T>())",
     []() -> Task<> { co_await take_pointer(std::make_unique<Owner>()); }, right, right},
    {"co_await f() with a default argument", []() -> Task<> { co_await take_default(); }, right,
     right},
    {"spawn-like: f([n]() -> Task<> {...}) without co_await",
     []() -> Task<> {
       Owner n;
       Task<> later = call([n]() -> Task<> { co_await look(n); });
       co_await std::move(later);
     },
     right, right},
};

const std::vector<Canary> kValuesMovedIn = {
    {"co_await channel.send(Agg{n})",
     []() -> Task<> {
       Owner n;
       (co_await send(Aggregate{n, 1})).use();
     },
     destroyed_twice, right},
    {"co_await channel.send({.name = n})",
     []() -> Task<> {
       Owner n;
       (co_await send<Aggregate>({.name = n})).use();
     },
     destroyed_twice, right},
    {"Agg a{n}; co_await channel.send(std::move(a));",
     []() -> Task<> {
       Owner n;
       Aggregate a{n, 1};
       (co_await send(std::move(a))).use();
     },
     right, right},
    {"co_await channel.send(Thing(n))",
     []() -> Task<> {
       Owner n;
       (co_await send(Thing(n))).use();
     },
     right, right},
    {"co_await channel.send(make())",
     []() -> Task<> {
       auto make = [] { return Aggregate(); };
       (co_await send(make())).use();
     },
     right, right},
};

// Wrong by the language, so on every compiler.
const std::vector<Canary> kNever = {
    {"auto task = takes_reference(Agg{n}); co_await std::move(task);",
     []() -> Task<> {
       Owner n;
       auto task = look_later(Aggregate{n, 1});
       co_await std::move(task);
     },
     dangling, dangling, [] { return died_early; }},
    {"co_await takes_reference(Agg(make())): the temporary lives until the task has ended",
     []() -> Task<> {
       Owner n;
       auto make = [&] { return Aggregate{n, 1}; };
       co_await look_later(make());
     },
     right, right, [] { return died_early; }},
};

class Arguments : public testing::TestWithParam<Canary> {};

TEST_P(Arguments, AreTreatedAsStatedInTheTable) {
  const Canary& canary = GetParam();
  EXPECT_EQ(seen(canary), kGcc12 ? canary.with_gcc12 : canary.elsewhere) << canary.shape;
}

INSTANTIATE_TEST_SUITE_P(UnsafeWithGcc12, Arguments, testing::ValuesIn(kUnsafeWithGcc12));
INSTANTIATE_TEST_SUITE_P(Safe, Arguments, testing::ValuesIn(kSafe));
INSTANTIATE_TEST_SUITE_P(ValuesMovedIn, Arguments, testing::ValuesIn(kValuesMovedIn));
INSTANTIATE_TEST_SUITE_P(Never, Arguments, testing::ValuesIn(kNever));

}  // namespace
}  // namespace canary

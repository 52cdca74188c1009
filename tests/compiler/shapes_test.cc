// Shapes of code around co_await that every compiler treats right, so that we may write them.
#include <gtest/gtest.h>

#include <stdexcept>
#include <vector>

#include "tests/compiler/callees.h"
#include "tests/compiler/canary.h"

namespace canary {
namespace {

Task<int> add(int left, int right) {
  co_await suspend_once();
  co_return left + right;
}

Task<std::vector<Owner>> list() { co_return std::vector<Owner>(3); }

Task<> fail(Thing thing) {
  co_await look(thing);
  throw std::runtime_error("expected");
}

struct Shape {
  std::string text;
  Task<> (*code)();
};

void PrintTo(const Shape& shape, std::ostream* out) { *out << shape.text; }

void require(bool held) {
  if (!held) throw std::logic_error("wrong value");
}

const std::vector<Shape> kConditions = {
    {"co_await f(Thing(n)) && co_await g(Thing(n))",
     []() -> Task<> {
       Owner n;
       const bool both = co_await truth(n) && co_await truth(Owner());
       require(both);
     }},
    {"co_await f(n) || co_await g(n)",
     []() -> Task<> {
       Owner n;
       const bool any = co_await truth(n) || co_await truth(Owner());
       require(any);
     }},
    {"!co_await f(n)",
     []() -> Task<> {
       const bool none = !co_await truth(Owner());
       require(!none);
     }},
    {"co_await f(n), co_await g(n)",
     []() -> Task<> {
       Owner n;
       co_await take(n), co_await take(Thing(n));
     }},
    {"if (co_await f(n)) co_await g(n); else co_await h(n);",
     []() -> Task<> {
       Owner n;
       if (co_await truth(n)) {
         co_await take(n);
       } else {
         co_await take(Thing(n));
       }
     }},
    {"if (Owner o = co_await f(); co_await g(o))",
     []() -> Task<> {
       if (Owner o = co_await make_owner(); co_await truth(o)) co_await take(o);
     }},
    {"switch (co_await f())",
     []() -> Task<> {
       switch (co_await add(1, 1)) {
         case 2: co_await take(Thing()); break;
         default: require(false);
       }
     }},
    {"const int v = c ? co_await f() : co_await g();",
     []() -> Task<> {
       const int value = Owner::born == 0 ? co_await add(1, 2) : co_await add(3, 4);
       require(value == 3);
     }},
};

const std::vector<Shape> kLoops = {
    {"while (co_await f(n))",
     []() -> Task<> {
       Owner n;
       int rounds = 0;
       while (co_await truth(n)) {
         if (++rounds < 3) continue;
         break;
       }
       require(rounds == 3);
     }},
    {"do {...} while (co_await f(n))",
     []() -> Task<> {
       int rounds = 0;
       do {
         ++rounds;
       } while (co_await truth(Owner()) && rounds < 3);
       require(rounds == 3);
     }},
    {"for (co_await f(); co_await g(); co_await h()) with continue",
     []() -> Task<> {
       Owner n;
       int rounds = 0;
       for (co_await take(n); co_await truth(n) && rounds < 3; co_await take(Thing(n))) {
         ++rounds;
         if (rounds == 2) continue;
         co_await look(n);
       }
       require(rounds == 3);
     }},
    {"for (const Owner& o : co_await f())",
     []() -> Task<> {
       int seen_owners = 0;
       for (const Owner& o : co_await list()) {
         co_await look(o);
         ++seen_owners;
       }
       require(seen_owners == 3);
     }},
};

const std::vector<Shape> kNestings = {
    {"co_await f(co_await g(), 1)",
     []() -> Task<> {
       const int sum = co_await add(co_await add(1, 2), 3);
       require(sum == 6);
     }},
    {"co_await f(co_await make())", []() -> Task<> { co_await take(co_await make_owner()); }},
    {"co_await f(Thing(co_await make()))",
     []() -> Task<> { co_await take(Thing(co_await make_owner())); }},
    {"co_await f(co_await g(), co_await h())",
     []() -> Task<> {
       const int sum = co_await add(co_await add(1, 2), co_await add(3, 4));
       require(sum == 10);
     }},
    {"h(co_await f(), co_await g())",
     []() -> Task<> {
       auto subtract = [](int left, int right) { return left - right; };
       const int difference = subtract(co_await add(3, 4), co_await add(1, 2));
       require(difference == 4);
     }},
    {"(co_await f()).method(Thing())",
     []() -> Task<> {
       Owner n;
       Aggregate a{n, 1};
       co_await (co_await make_thing_with_method()).look_at(a);
     }},
    {"co_await [&]() -> Task<> {...}()",
     []() -> Task<> {
       Owner n;
       co_await [&]() -> Task<> { co_await look(n); }();
     }},
    {"Owner o = co_await f();",
     []() -> Task<> {
       Owner o = co_await give(Owner());
       co_await look(o);
     }},
    {"co_return co_await f();",
     []() -> Task<> {
       auto forward = []() -> Task<Owner> { co_return co_await make_owner(); };
       co_await take(co_await forward());
     }},
};

const std::vector<Shape> kThrows = {
    {"a throw through a temporary: co_await f(Thing(n)) throws",
     []() -> Task<> {
       Owner n;
       bool caught = false;
       try {
         co_await fail(Thing(n));
       } catch (const std::runtime_error&) {
         caught = true;
       }
       require(caught);
     }},
    {"a throw in a nested argument: co_await f(co_await g())",
     []() -> Task<> {
       auto failing = []() -> Task<int> {
         co_await fail(Thing());
         co_return 1;
       };
       Owner n;
       bool caught = false;
       try {
         co_await add(co_await failing(), 2);
       } catch (const std::runtime_error&) {
         caught = true;
       }
       require(caught);
     }},
    {"try in a loop, co_await after the catch",
     []() -> Task<> {
       int failures = 0;
       for (int i = 0; i < 3; ++i) {
         Owner n;
         bool again = false;
         try {
           co_await fail(Thing(n));
         } catch (const std::runtime_error&) {
           again = true;
         }
         if (again) {
           co_await take(n);
           ++failures;
           continue;
         }
         break;
       }
       require(failures == 3);
     }},
};

class Shapes : public testing::TestWithParam<Shape> {};

TEST_P(Shapes, AreRightOnEveryCompiler) {
  const Shape& shape = GetParam();
  const Canary canary = {shape.text, shape.code, Outcome::right, Outcome::right};
  EXPECT_EQ(seen(canary), Outcome::right) << shape.text;
}

INSTANTIATE_TEST_SUITE_P(Conditions, Shapes, testing::ValuesIn(kConditions));
INSTANTIATE_TEST_SUITE_P(Loops, Shapes, testing::ValuesIn(kLoops));
INSTANTIATE_TEST_SUITE_P(Nestings, Shapes, testing::ValuesIn(kNestings));
INSTANTIATE_TEST_SUITE_P(Throws, Shapes, testing::ValuesIn(kThrows));

}  // namespace
}  // namespace canary

// Code that a compiler does not take, or must not take.
#include <gtest/gtest.h>

#include <cstdio>
#include <string>
#include <vector>

#include "tests/compiler/canary.h"

namespace canary {
namespace {

enum class Verdict { accepted, rejected };

void PrintTo(Verdict verdict, std::ostream* out) {
  *out << (verdict == Verdict::accepted ? "accepted" : "rejected");
}

struct Snippet {
  std::string shape;
  std::string code;
  Verdict with_gcc12;
  Verdict elsewhere;
  std::string options = "-c -o /dev/null";
};

void PrintTo(const Snippet& snippet, std::ostream* out) { *out << snippet.shape; }

const std::string kPreamble = R"(
#include <initializer_list>
#include <vector>
#include "tests/compiler/callees.h"
using namespace canary;
)";

// A task that refuses rvalue references among what its coroutine is given.
const std::string kStrictTask = R"(
struct Strict {};
template <class... Parameters>
struct std::coroutine_traits<Strict, Parameters...> {
  static_assert((!std::is_rvalue_reference_v<Parameters> && ...));
  struct promise_type : PromiseBase {
    Strict get_return_object() { return {}; }
    void return_void() const noexcept {}
  };
};
)";

Verdict compile(const Snippet& snippet) {
  const std::string command = std::string(CANARY_COMPILER) + " -std=c++20 -I " + CANARY_ROOT +
                              " -x c++ " + snippet.options + " - 2>/dev/null";
  std::FILE* compiler = popen(command.c_str(), "w");
  const std::string code = kPreamble + snippet.code;
  std::fwrite(code.data(), 1, code.size(), compiler);
  return pclose(compiler) == 0 ? Verdict::accepted : Verdict::rejected;
}

const std::vector<Snippet> kSnippets = {
    {"co_await f({n, n}) with an initializer_list",
     R"(Task<> f(std::initializer_list<Owner> owners);
        Task<> g(Owner n) { co_await f({n, n}); })",
     Verdict::rejected, Verdict::accepted},
    {"co_await f({n, n}) with a vector",
     R"(Task<> f(std::vector<Owner> owners);
        Task<> g(Owner n) { co_await f({n, n}); })",
     Verdict::rejected, Verdict::accepted},
    {"co_await f(std::vector<N>{n, n})",
     R"(Task<> f(std::vector<Owner> owners);
        Task<> g(Owner n) { co_await f(std::vector<Owner>{n, n}); })",
     Verdict::rejected, Verdict::accepted},
    {"std::vector<N> list{n, n}; co_await f(list);",
     R"(Task<> f(std::vector<Owner> owners);
        Task<> g(Owner n) { std::vector<Owner> list{n, n}; co_await f(list); })",
     Verdict::accepted, Verdict::accepted},
    {"co_await in a catch block",
     R"(Task<> f() { try { co_await suspend_once(); } catch (...) { co_await suspend_once(); } })",
     Verdict::rejected, Verdict::rejected},
    {"co_await after the catch block",
     R"(Task<> f() {
          bool failed = false;
          try { co_await suspend_once(); } catch (...) { failed = true; }
          if (failed) co_await suspend_once();
        })",
     Verdict::accepted, Verdict::accepted},
};

const std::vector<Snippet> kTraits = {
    {"coroutine_traits lets values and references pass",
     kStrictTask + R"(struct S { Strict m(Owner&) const& { co_return; } };
        Strict f(Owner, const Owner&) { co_return; }
        auto l = [](Owner, Owner&) -> Strict { co_return; };
        void g(Owner& n) { f(n, n); S().m(n); l(n, n); })",
     Verdict::accepted, Verdict::accepted},
    {"coroutine_traits sees T&& of a function", kStrictTask + "Strict f(Owner&&) { co_return; }",
     Verdict::rejected, Verdict::rejected},
    {"coroutine_traits sees T&& of a member",
     kStrictTask + "struct S { Strict m(Owner&&) { co_return; } };", Verdict::rejected,
     Verdict::rejected},
    {"coroutine_traits sees T&& of a lambda",
     kStrictTask + "auto l = [](Owner&&) -> Strict { co_return; };", Verdict::rejected,
     Verdict::rejected},
    {"coroutine_traits sees an && member (g++ 12 shows it an lvalue)",
     kStrictTask + "struct S { Strict m() && { co_return; } };", Verdict::accepted,
     Verdict::rejected},
};

const std::vector<Snippet> kTools = {
    {"AddressSanitizer links (clang needs a package of its own for it)", "int main() {}",
     Verdict::accepted, Verdict::accepted, "-fsanitize=address -o /dev/null"},
};

class Compiling : public testing::TestWithParam<Snippet> {};

TEST_P(Compiling, EndsAsStatedInTheTable) {
  const Snippet& snippet = GetParam();
  EXPECT_EQ(compile(snippet), kGcc12 ? snippet.with_gcc12 : snippet.elsewhere) << snippet.code;
}

INSTANTIATE_TEST_SUITE_P(Snippets, Compiling, testing::ValuesIn(kSnippets));
INSTANTIATE_TEST_SUITE_P(Traits, Compiling, testing::ValuesIn(kTraits));
INSTANTIATE_TEST_SUITE_P(Tools, Compiling, testing::ValuesIn(kTools));

}  // namespace
}  // namespace canary

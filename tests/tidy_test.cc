// The rules of the tree: each is proven on a snippet that breaks it, then holds for every file.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "tests/tidy/rules.h"

namespace tidy {
namespace {

namespace fs = std::filesystem;

// Where `rule` finds fault with a file of this path and text.
template <class Rule>
std::vector<std::size_t> lines_found(Rule rule, std::string path, std::string text) {
  std::vector<std::size_t> lines;
  for (const Finding& finding : rule(Source(std::move(path), std::move(text)))) {
    lines.push_back(finding.line);
  }
  return lines;
}

using Lines = std::vector<std::size_t>;

Lines directions(std::string path, std::string include) {
  return lines_found(check_directions, std::move(path), "\n#include \"" + include + "\"\n");
}

Lines outside_world(std::string path, std::string text) {
  return lines_found(check_outside_world, std::move(path), std::move(text));
}

Lines draws(std::string text) { return lines_found(check_draws, "raft/a.cc", std::move(text)); }

Lines awaited_braces(std::string text) {
  return lines_found(check_awaited_braces, "net/a.cc", std::move(text));
}

TEST(Directions, GoOneWay) {
  EXPECT_EQ(directions("runtime/a.cc", "net/tcp.h"), Lines{2});
  EXPECT_EQ(directions("net/a.cc", "raft/state.h"), Lines{2});
  EXPECT_EQ(directions("raft/state.cc", "apps/a.h"), Lines{2});
  EXPECT_EQ(directions("raft/a.cc", "tests/a.h"), Lines{2});
  EXPECT_EQ(directions("net/a.cc", "tcp.h"), Lines{2});
  EXPECT_EQ(directions("net/a.cc", "runtime/task.h"), Lines{});
  EXPECT_EQ(directions("apps/a.cc", "raft/node.h"), Lines{});
  EXPECT_EQ(directions("tests/net/a.cc", "net/tcp.h"), Lines{});
}

TEST(Directions, KeepBackEndsApart) {
  EXPECT_EQ(directions("runtime/file.cc", "runtime/uv/pool.h"), Lines{2});
  EXPECT_EQ(directions("net/tcp.cc", "runtime/uv/uv_back_end.h"), Lines{2});
  EXPECT_EQ(directions("apps/a.cc", "net/uv/uv_net.h"), Lines{2});
  EXPECT_EQ(directions("tests/a.cc", "net/uv/uv_net.h"), Lines{2});
  EXPECT_EQ(directions("net/tcp.cc", "net/sim/network.h"), Lines{2});
  EXPECT_EQ(directions("raft/a.cc", "runtime/sim/host.h"), Lines{2});
  EXPECT_EQ(directions("runtime/run.cc", "runtime/uv/uv_back_end.h"), Lines{});
  EXPECT_EQ(directions("net/uv/uv_tcp.cc", "runtime/uv/uv_back_end.h"), Lines{});
  EXPECT_EQ(directions("apps/a.cc", "runtime/sim/simulation.h"), Lines{});
}

TEST(Directions, KnowNetInRaftsTransportOnly) {
  EXPECT_EQ(directions("raft/node.cc", "net/rpc_client.h"), Lines{2});
  EXPECT_EQ(directions("raft/rpc_transport.cc", "net/rpc_client.h"), Lines{});
}

TEST(Directions, KeepTheSimulationOfRaftApart) {
  EXPECT_EQ(directions("raft/node.cc", "raft/sim/cluster.h"), Lines{2});
  EXPECT_EQ(directions("raft/rpc_transport.cc", "net/sim/network.h"), Lines{2});
  EXPECT_EQ(directions("net/sim/fabric.cc", "raft/sim/cluster.h"), Lines{2});
  EXPECT_EQ(directions("raft/sim/cluster.cc", "raft/node.h"), Lines{});
  EXPECT_EQ(directions("raft/sim/cluster.cc", "net/sim/network.h"), Lines{});
  EXPECT_EQ(directions("raft/sim/cluster.cc", "runtime/sim/simulation.h"), Lines{});
  EXPECT_EQ(directions("raft/sim/cluster.cc", "net/uv/uv_net.h"), Lines{2});
  EXPECT_EQ(directions("apps/a.cc", "raft/sim/cluster.h"), Lines{});
}

TEST(Sizes, AreLimited) {
  auto found = [](std::string text) {
    return lines_found(check_sizes, "net/a.cc", std::move(text));
  };
  auto repeated = [](std::string line, int times) {
    std::string text;
    for (int i = 0; i < times; ++i) text += line;
    return text;
  };
  EXPECT_EQ(found(repeated("int x;\n", 400)), Lines{});
  EXPECT_EQ(found(repeated("int x;\n", 401)), Lines{0});
  EXPECT_EQ(found("//" + std::string(98, 'x') + "\n"), Lines{});
  EXPECT_EQ(found("\n//" + std::string(99, 'x') + "\n"), Lines{2});
  EXPECT_EQ(found("// " + repeated("\u00e9", 97) + "\n"), Lines{});
  const std::string body = repeated("  f();\n", 59);
  EXPECT_EQ(found("\nvoid f() {\n" + body + "}\n"), Lines{2});
  EXPECT_EQ(found("\nvoid f() {\n" + body.substr(7) + "}\n"), Lines{});
  EXPECT_EQ(found("class A {\n void f() const {\n" + body + "}\n};\n"), Lines{2});
  EXPECT_EQ(found("auto f = [](int x) {\n" + body + "};\n"), Lines{1});
  EXPECT_EQ(found("g(1,\n  [](int x) {\n" + body + "});\n"), Lines{2});
  EXPECT_EQ(found("TEST(A, B) {\n" + body + "}\n"), Lines{1});
  EXPECT_EQ(found("namespace a {\nclass B : C<int (*)()> {\n" + body + "};\n}\n"), Lines{});
  EXPECT_EQ(found("const int kTable[] = {\n" + repeated("  f(1),\n", 59) + "};\n"), Lines{});
}

TEST(OutsideWorld, IsTouchedByBackEndsOnly) {
  for (std::string bad :
       {"auto t = std::chrono::steady_clock::now();", "auto t = std::chrono::system_clock::now();",
        "clock_gettime(CLOCK_REALTIME, &t);", "std::random_device seed;", "std::mt19937 g(1);",
        "int i = rand();", "int i = std::rand();", "int s = ::socket(AF_INET, 0, 0);",
        "int s = socket(AF_INET, 0, 0);", "int f = ::open(path, 0);",
        "auto* f = fopen(path, mode);", "std::ifstream in(path);", "std::ofstream out(path);",
        "std::filesystem::path p;", "#include <fstream>", "#include <uv.h>", "uv_run(loop, 0);",
        "uv_loop_t loop;"}) {
    for (std::string path : {"runtime/a.cc", "net/a.h", "raft/a.cc", "apps/a.cc"}) {
      EXPECT_EQ(outside_world(path, "int x;\n" + bad + "\n"), Lines{2}) << path << ": " << bad;
    }
    EXPECT_EQ(outside_world("net/uv/a.cc", bad), Lines{}) << bad;
    EXPECT_EQ(outside_world("tests/net/a.cc", bad), Lines{}) << bad;
    EXPECT_EQ(outside_world("bench/peer.cc", bad), Lines{}) << bad;
  }
}

TEST(OutsideWorld, IsNotMeantByNamesThatOnlyLookAlike) {
  for (std::string good :
       {"// steady_clock is not used", "auto text = \"std::random_device\";",
        "File f = co_await File::open(path, mode);", "operand(1);", "dice.rand();",
        "back_end->socket(AF_INET);", "std::cout << 1;", "auto f = make_uv_back_end();"}) {
    EXPECT_EQ(outside_world("net/a.cc", good), Lines{}) << good;
  }
}

TEST(Draws, HappenOnceInAFullExpression) {
  EXPECT_EQ(draws("void f() {\n  g(random().next(), random().below(3));\n}\n"), Lines{2});
  EXPECT_EQ(draws("int x = random_.next() - random_.next();\n"), Lines{1});
  EXPECT_EQ(draws("auto x = coracle::random().next()\n  + coracle::random().next();"), Lines{1});
  EXPECT_EQ(draws("auto a = random().next();\nauto b = random().next();\n"), Lines{});
  EXPECT_EQ(draws("if (random().chance(0.5)) {\n  g(random().next());\n}\n"), Lines{});
  EXPECT_EQ(draws("if (random().chance(0.5)) g(random().next());\n"), Lines{});
  EXPECT_EQ(draws("if (random().chance(random().next())) g();\n"), Lines{1});
  EXPECT_EQ(draws("sort(v, [] { return random().next(); }, [] { return random().next(); });"),
            Lines{});
}

TEST(AwaitedBraces, AreFound) {
  EXPECT_EQ(awaited_braces("void f() {\n  co_await g(Agg{n, 1});\n}\n"), Lines{2});
  EXPECT_EQ(awaited_braces("auto x = co_await g(std::vector<N>{n, n});\n"), Lines{1});
  EXPECT_EQ(awaited_braces("co_await Agg{n}.method();\n"), Lines{1});
  EXPECT_EQ(awaited_braces("(co_await g()).h(Agg{n});\n"), Lines{1});
  EXPECT_EQ(awaited_braces("co_await f(1,\n  Options{n});\n"), Lines{1});
  EXPECT_EQ(awaited_braces("co_await f([&]() -> Task<> {\n  g();\n}, Agg{n});\n"), Lines{1});
  EXPECT_EQ(awaited_braces("Agg a{n};\nco_await f(a);\n"), Lines{});
  EXPECT_EQ(awaited_braces("co_await f([&]() -> Task<> {\n  g(Agg{n});\n  co_return;\n});\n"),
            Lines{});
  EXPECT_EQ(awaited_braces("if (co_await f()) {\n  g(Agg{n});\n}\n"), Lines{});
  EXPECT_EQ(awaited_braces("// co_await f(Agg{n})\n"), Lines{});
}

TEST(Headers, SayWhatTheyGive) {
  auto found = [](std::string text) {
    return lines_found(check_header, "net/a.h", std::move(text));
  };
  EXPECT_EQ(found("#pragma once\n"), Lines{1});
  EXPECT_EQ(found("// Addresses.\nint x;\n"), Lines{0});
  EXPECT_EQ(found("// Addresses.\n#pragma once\n"), Lines{});
}

TEST(Folders, AreNamedAfterConcepts) {
  EXPECT_EQ(check_folders("net/utils/a.h").size(), 1U);
  EXPECT_EQ(check_folders("common/a.h").size(), 1U);
  EXPECT_EQ(check_folders("raft/detail/a.h").size(), 1U);
  EXPECT_EQ(check_folders("net/detail.h").size(), 0U);
  EXPECT_EQ(check_folders("net/uv/a.h").size(), 0U);
}

TEST(Listed, IsEverySource) {
  auto list = [](const std::string& folder) -> std::string {
    return folder == "net" ? "SOURCES tcp.cc uv/uv_tcp.cc" : "";
  };
  EXPECT_EQ(check_listed("net/tcp.cc", list).size(), 0U);
  EXPECT_EQ(check_listed("net/uv/uv_tcp.cc", list).size(), 0U);
  EXPECT_EQ(check_listed("net/cp.cc", list).size(), 1U);
  EXPECT_EQ(check_listed("net/uv/tcp.cc", list).size(), 1U);
}

TEST(PublicHeaders, IncludePublicHeadersOnly) {
  auto found = [](std::string path, std::string text) {
    auto list = [](const std::string& folder) -> std::string {
      return folder == "net" ? "SOURCES a.cc\n HEADERS\n  tcp.h\n  udp.h\n USES runtime" : "";
    };
    auto rule = [&](const Source& source) { return check_public_header(source, list); };
    return lines_found(rule, std::move(path), std::move(text));
  };
  EXPECT_EQ(found("net/tcp.h", "#include <span>\n#include \"net/udp.h\"\n"), Lines{});
  EXPECT_EQ(found("net/tcp.h", "#include <span>\n#include \"net/tcp_core.h\"\n"), Lines{2});
  EXPECT_EQ(found("net/tcp.h", "#include \"net/uv/udp.h\"\n"), Lines{1});
  EXPECT_EQ(found("net/other.h", "#include \"net/tcp_core.h\"\n"), Lines{});
}

// ---- the tree

std::string read(const fs::path& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string read_list(const std::string& folder) {
  return read(fs::path(TIDY_ROOT) / folder / "CMakeLists.txt");
}

// Every header and source of ours, by its path from the root.
std::vector<Source> read_tree() {
  std::vector<Source> sources;
  for (std::string_view folder : {"runtime", "net", "raft", "apps", "tests", "bench"}) {
    for (const auto& entry : fs::recursive_directory_iterator(fs::path(TIDY_ROOT) / folder)) {
      const fs::path extension = entry.path().extension();
      if (extension != ".h" && extension != ".cc") continue;
      std::string path = entry.path().lexically_relative(TIDY_ROOT).generic_string();
      sources.emplace_back(std::move(path), read(entry.path()));
    }
  }
  std::sort(sources.begin(), sources.end(),
            [](const Source& a, const Source& b) { return a.path() < b.path(); });
  return sources;
}

void report(const Findings& findings) {
  for (const Finding& finding : findings) {
    ADD_FAILURE() << finding.path << ":" << finding.line << ": " << finding.message;
  }
}

TEST(Tree, IsTidy) {
  const std::vector<Source> sources = read_tree();
  EXPECT_GT(sources.size(), 50U);
  for (const Source& source : sources) {
    const bool consumer = source.in("tests/consumer");  // a user's project, not a part of ours
    const bool canary = source.in("tests/compiler");    // writes what is forbidden elsewhere
    report(check_sizes(source));
    report(check_folders(source.path()));
    report(check_outside_world(source));
    report(check_draws(source));
    if (!consumer) report(check_directions(source));
    if (!canary) report(check_awaited_braces(source));
    if (source.path().ends_with(".h")) report(check_header(source));
    report(check_public_header(source, read_list));
    if (source.path().ends_with(".cc")) report(check_listed(source.path(), read_list));
  }
}

}  // namespace
}  // namespace tidy

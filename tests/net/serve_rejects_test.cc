// Handlers that serve() does not take: it says so at compile time, and names the cure.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <string>

namespace coracle::net {
namespace {

// What the compiler says of a program that awaits `expression`; empty if it takes it.
std::string complaint(const std::string& expression) {
  const std::string code =
      "#include <string>\n#include \"net/serve.h\"\nusing namespace coracle;\n"
      "Task<> f(net::TcpListener& listener, std::string name) {\n"
      "  auto named = [name](net::TcpStream) -> Task<> { co_return; };\n"
      "  static_cast<void>(named);\n  co_await " +
      expression + ";\n}\n";
  const std::string file = testing::TempDir() + "/serve_rejects_" +
                           std::to_string(std::hash<std::string>()(expression)) + ".cc";
  std::FILE* source = std::fopen(file.c_str(), "w");
  std::fputs(code.c_str(), source);
  std::fclose(source);
  const std::string command = std::string(NET_TESTS_COMPILER) + " -std=c++20 -fsyntax-only -I " +
                              NET_TESTS_ROOT + " " + file + " 2>&1";
  std::FILE* compiler = popen(command.c_str(), "r");
  std::string output;
  std::array<char, 4096> part;
  while (const std::size_t bytes = std::fread(part.data(), 1, part.size(), compiler)) {
    output.append(part.data(), bytes);
  }
  const bool accepted = pclose(compiler) == 0;
  std::remove(file.c_str());
  return accepted ? "" : output;
}

TEST(ServeRejects, NothingThatIsSafe) {
  EXPECT_EQ(complaint("net::serve(listener, named);\n"
                      "co_await net::serve(listener, [&](net::TcpStream) -> Task<> {co_return;})"),
            "");
}

TEST(ServeRejects, AnOwningLambdaInsideTheAwait) {
  const std::string text =
      complaint("net::serve(listener, [name](net::TcpStream) -> Task<> { co_return; })");
  EXPECT_NE(text.find("auto handler = ...; co_await net::serve(listener, handler);"), text.npos)
      << text;
}

}  // namespace
}  // namespace coracle::net

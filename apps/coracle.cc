// The program `coracle`: Raft servers, a cluster of them to play with, and questions to one.
#include <CLI/CLI.hpp>
#include <iostream>

#include "apps/commands.h"
#include "runtime/error.h"

int main(int argc, char** argv) try {
  CLI::App app("Raft servers, and a cluster of them to play with.");
  app.require_subcommand(1);
  coracle::demo::add_demo(app);
  coracle::demo::add_serve(app);
  coracle::demo::add_status(app);
  CLI11_PARSE(app, argc, argv);
  return 0;
} catch (const std::exception& error) {
  std::cerr << "coracle: " << error.what() << '\n';
  return 1;
}

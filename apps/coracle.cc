// The program `coracle`: Raft servers, a cluster of them to play with, questions to one, and
// simulations.
#include <CLI/CLI.hpp>
#include <iostream>

#include "apps/commands.h"
#include "runtime/error.h"

int main(int argc, char** argv) try {
  CLI::App app("Raft servers, a cluster of them to play with, and simulations.");
  app.require_subcommand(1);
  coracle::demo::add_demo(app);
  coracle::demo::add_serve(app);
  coracle::demo::add_status(app);
  coracle::demo::add_scenario(app);
  coracle::demo::add_simulate(app);
  coracle::demo::add_log(app);
  CLI11_PARSE(app, argc, argv);
  return 0;
} catch (const std::exception& error) {
  std::cerr << "coracle: " << error.what() << '\n';
  return 1;
}

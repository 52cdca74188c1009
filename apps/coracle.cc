// The program `coracle`: Raft servers that replicate a map, its clients, a cluster to play with,
// and simulations.
#include <CLI/CLI.hpp>
#include <iostream>

#include "apps/commands.h"
#include "runtime/error.h"

int main(int argc, char** argv) try {
  CLI::App app("Raft servers, a cluster of them to play with, and simulations.");
  app.require_subcommand(1);
  coracle::demo::add_demo(app);
  coracle::demo::add_serve(app);
  coracle::demo::add_get(app);
  coracle::demo::add_set(app);
  coracle::demo::add_dump(app);
  coracle::demo::add_status(app);
  coracle::demo::add_scenario(app);
  coracle::demo::add_simulate(app);
  coracle::demo::add_log(app);
  coracle::demo::add_ten_steps(app);
  CLI11_PARSE(app, argc, argv);
  return 0;
} catch (const std::exception& error) {
  std::cerr << "coracle: " << error.what() << '\n';
  return 1;
}

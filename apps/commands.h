// The subcommands of `coracle`.
#pragma once

#include <CLI/App.hpp>

namespace coracle::demo {

// Each adds its subcommand to `app`: its flags, its help, and what it does when it is chosen.
// Errors of the environment come out of the parse as exceptions.
void add_serve(CLI::App& app);
void add_demo(CLI::App& app);
void add_get(CLI::App& app);
void add_set(CLI::App& app);
void add_dump(CLI::App& app);
void add_status(CLI::App& app);
void add_scenario(CLI::App& app);
void add_simulate(CLI::App& app);
void add_log(CLI::App& app);
void add_ten_steps(CLI::App& app);

}  // namespace coracle::demo

// A program that listens: started, and where.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "net/address.h"
#include "tests/apps/program.h"

namespace coracle {

// Our program `name` with these arguments. It logs `listening address=...` first.
struct ListeningProgram {
  ListeningProgram(const std::string& name, std::vector<std::string> arguments)
      : program(command(name, std::move(arguments))) {
    const std::string event = "listening address=";
    const std::string& line = program.read_until("\n");
    const std::size_t at = line.find(event);
    if (at == line.npos) return;
    const std::size_t begin = at + event.size();
    address = net::Address::from(line.substr(begin, line.find_first_of(" \n", begin) - begin));
  }

  static std::vector<std::string> command(const std::string& name,
                                          std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), Program::path(name));
    return arguments;
  }

  Program program;
  net::Address address;
};

// Returns    what a program prints for arguments that it refuses.
inline std::string refused(const std::string& name, std::vector<std::string> arguments) {
  Program program(ListeningProgram::command(name, std::move(arguments)));
  EXPECT_NE(program.wait(), 0);
  return program.printed();
}

}  // namespace coracle

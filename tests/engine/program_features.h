// What kinds of operations, codes and weights a program has, by name: for tests of what a set of programs covers.
#pragma once

#include <set>
#include <string>

#include "engine/program/program.h"

namespace intvit::test {

std::set<std::string> features_of(const Program& program);

// All of them that a program can have.
std::set<std::string> all_features();

}  // namespace intvit::test

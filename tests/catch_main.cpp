// SPDX-License-Identifier: MIT
//
// The main function of Catch2 2. That of Catch2 3 is in a library of its own.
#define CATCH_CONFIG_MAIN
#include "catch.hpp"

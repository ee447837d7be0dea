# SPDX-License-Identifier: MIT
#
# The README's twenty lines are examples/minimal.cpp, to the letter: what is shown is what compiles.
file(READ ${SOURCE}/README.md readme)
file(READ ${SOURCE}/examples/minimal.cpp program)
string(FIND "${program}" "#include" begin)
string(SUBSTRING "${program}" ${begin} -1 program)
string(FIND "${readme}" "```cpp\n${program}```" found)
if(found EQUAL -1)
    message(FATAL_ERROR "README.md does not show examples/minimal.cpp as it is, from its first #include on")
endif()

# SPDX-License-Identifier: MIT
#
# cmake -DCASE=<file> -DCOMPILER=<c++> -DINCLUDE=<dir> -P refused.cmake: the file must not compile,
# for the reason in its `// refused:` line, and must compile with -DTWIN.
file(STRINGS ${CASE} lines REGEX "^// (refused|flags): ")
set(flags -std=c++20)
foreach(line IN LISTS lines)
    if(line MATCHES "^// refused: (.*)$")
        set(message "${CMAKE_MATCH_1}")
    elseif(line MATCHES "^// flags: (.*)$")
        set(flags ${CMAKE_MATCH_1})
    endif()
endforeach()
if(NOT message)
    message(FATAL_ERROR "${CASE} does not say why it is refused")
endif()
set(compile ${COMPILER} -fsyntax-only -Wall -Wextra -Werror -I${INCLUDE} ${CASE})

execute_process(COMMAND ${compile} -std=c++20 -DTWIN RESULT_VARIABLE failed ERROR_VARIABLE out)
if(failed)
    message(FATAL_ERROR "the twin of ${CASE} does not compile:\n${out}")
endif()
execute_process(COMMAND ${compile} ${flags} RESULT_VARIABLE failed ERROR_VARIABLE out)
if(NOT failed)
    message(FATAL_ERROR "${CASE} compiles")
endif()
if(NOT out MATCHES "${message}")
    message(FATAL_ERROR "${CASE} is refused for another reason than \"${message}\":\n${out}")
endif()

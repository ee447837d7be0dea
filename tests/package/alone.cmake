# SPDX-License-Identifier: MIT
#
# Configures each program alone where neither clang nor libbpf is found, and builds and installs it where BUILD is on.
# A program whose packages are missing is refused in words that name Debian's.
#   -DSOURCE -DWORK -DCOMPILER -DBUILD -DREPORT=whether dmabuf_report can be built here
cmake_minimum_required(VERSION 3.25)
file(REMOVE_RECURSE ${WORK})
# Comes before the real one: including it is an error.
file(WRITE ${WORK}/none/bpf/libbpf.h "#error \"libbpf is for dmabuf_pin alone\"\n")
# Fetches nothing.
file(WRITE ${WORK}/npm "#!/bin/sh\nexit 1\n")
file(CHMOD ${WORK}/npm PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE)

set(no_clang -DDMABUF_BPF_CLANG=OFF)
set(no_libbpf -DCMAKE_DISABLE_FIND_PACKAGE_PkgConfig=ON)

# run(COMMAND...) sets `failed` and `out`.
macro(run)
    execute_process(COMMAND ${ARGN} RESULT_VARIABLE failed OUTPUT_VARIABLE out ERROR_VARIABLE out)
endmacro()

# configure(PROGRAMS OPTION...) sets `failed`, `out` and `words`. Nothing is known of the last program's packages; the
# compiler and the objects that programs share stay.
macro(configure programs)
    file(REMOVE ${WORK}/build/CMakeCache.txt)
    run(${CMAKE_COMMAND} -S ${SOURCE} -B ${WORK}/build -G Ninja -DCMAKE_CXX_COMPILER=${COMPILER}
        -DCMAKE_CXX_FLAGS=-I${WORK}/none -DDMABUF_TESTS=OFF "-DDMABUF_EXAMPLES=${programs}" ${ARGN})
    string(REGEX REPLACE "[ \n]+" " " words "${out}") # CMake breaks its lines
endmacro()

# Sets in the caller `executables` to those that are to be built.
function(list_executables)
    run(${CMAKE_COMMAND} --build ${WORK}/build -- -t targets all)
    string(REGEX MATCHALL "CXX_EXECUTABLE_LINKER__[a-z_]+" rules "${out}")
    list(TRANSFORM rules REPLACE "CXX_EXECUTABLE_LINKER__([a-z_]+)_$" "\\1")
    list(REMOVE_DUPLICATES rules)
    set(executables "${rules}" PARENT_SCOPE)
endfunction()

function(build_and_install program)
    run(${CMAKE_COMMAND} --build ${WORK}/build)
    if(failed)
        message(FATAL_ERROR "${program} alone is not built:\n${out}")
    endif()
    file(REMOVE_RECURSE ${WORK}/prefix)
    execute_process(COMMAND ${CMAKE_COMMAND} --install ${WORK}/build --prefix ${WORK}/prefix
        OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
    file(GLOB installed RELATIVE ${WORK}/prefix ${WORK}/prefix/*bin/*)
    if(NOT program MATCHES "^(minimal|own_system|profiler)$" AND NOT installed STREQUAL "bin/${program}")
        message(FATAL_ERROR "instead of ${program} alone there is installed: ${installed}")
    endif()
endfunction()

function(expect_alone program)
    configure(${program} ${no_clang} ${ARGN})
    if(failed)
        message(FATAL_ERROR "${program} alone is not configured:\n${out}")
    endif()
    list_executables()
    if(NOT executables STREQUAL program)
        message(FATAL_ERROR "instead of ${program} alone there is: ${executables}")
    endif()
    if(BUILD)
        build_and_install(${program})
    endif()
    message(STATUS "${program} is alone")
endfunction()

function(expect_refusal program reason)
    configure(${program} ${ARGN})
    if(NOT failed OR NOT words MATCHES "${reason}")
        message(FATAL_ERROR "${program} is not refused for the reason \"${reason}\":\n${out}")
    endif()
    message(STATUS "${program} is refused: ${reason}")
endfunction()

# Asked for by name it is refused, and of all programs it is left out.
function(expect_lack program reason)
    expect_refusal(${program} "${program} is not built: ${reason}" ${ARGN})
    configure(ON ${ARGN})
    list_executables()
    if(failed OR program IN_LIST executables OR NOT dmabuf_ps IN_LIST executables OR
            NOT words MATCHES "-- ${program} is left out: ${reason}")
        message(FATAL_ERROR "${program} is not left out for the reason \"${reason}\":\n${out}")
    endif()
    message(STATUS "${program} is left out of all: ${reason}")
endfunction()

expect_lack(dmabuf_exporter "it needs prometheus-cpp.* apt-get install prometheus-cpp-dev"
    -DCMAKE_DISABLE_FIND_PACKAGE_prometheus-cpp=ON -DDMABUF_NPM=OFF)
if(NOT EXISTS ${SOURCE}/examples/dmabuf_report/prebuilt)
    expect_lack(dmabuf_report "it needs .*npm for its script: apt-get install npm" -DDMABUF_NPM=OFF)
    expect_lack(dmabuf_report "npm cannot fetch" -DDMABUF_NPM=${WORK}/npm)
endif()
expect_refusal(dmabuf_report "apt-get install nlohmann-json3-dev" -DCMAKE_DISABLE_FIND_PACKAGE_nlohmann_json=ON)
expect_refusal(dmabuf_top "apt-get install libncurses-dev pkg-config" ${no_libbpf})
expect_refusal(dmabuf_pin "apt-get install libbpf-dev pkg-config" ${no_libbpf})
if(NOT EXISTS ${SOURCE}/kernel/bpf/prebuilt)
    expect_refusal(dmabuf_pin "apt-get install clang-19" ${no_clang})
endif()
expect_refusal(dmabuf_none "no program dmabuf_none")

foreach(program IN ITEMS minimal own_system profiler dmabuf_ps dmabuf_watch dmabuf_exporter lowmem_capture)
    expect_alone(${program} ${no_libbpf})
endforeach()
expect_alone(dmabuf_top)
if(REPORT)
    expect_alone(dmabuf_report ${no_libbpf})
endif()

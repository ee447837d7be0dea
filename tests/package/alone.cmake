# SPDX-License-Identifier: MIT
#
# Builds each program alone where neither clang nor libbpf is found. dmabuf_pin needs both: it is refused
# in words that name Debian's packages.
#   -DSOURCE -DWORK -DCOMPILER -DREPORT=whether dmabuf_report can be built here
file(REMOVE_RECURSE ${WORK})
# Comes before the real one: including it is an error.
file(WRITE ${WORK}/none/bpf/libbpf.h "#error \"libbpf is for dmabuf_pin alone\"\n")

set(no_clang -DDMABUF_BPF_CLANG=OFF)
set(no_libbpf -DCMAKE_DISABLE_FIND_PACKAGE_PkgConfig=ON)

# configure(PROGRAM OPTION...) sets `failed`, `out` and `words`.
macro(configure program)
    execute_process(COMMAND ${CMAKE_COMMAND} -S ${SOURCE} -B ${WORK}/build --fresh -G Ninja
        -DCMAKE_CXX_COMPILER=${COMPILER} -DCMAKE_CXX_FLAGS=-I${WORK}/none
        -DDMABUF_TESTS=OFF "-DDMABUF_EXAMPLES=${program}" ${ARGN}
        RESULT_VARIABLE failed OUTPUT_VARIABLE out ERROR_VARIABLE out)
    string(REGEX REPLACE "[ \n]+" " " words "${out}") # CMake breaks its lines
endmacro()

function(expect_build program)
    set(options ${no_libbpf})
    if(ARGN)
        set(options ${ARGN})
    endif()
    configure(${program} ${no_clang} ${options})
    if(failed)
        message(FATAL_ERROR "${program} alone is not configured:\n${out}")
    endif()
    execute_process(COMMAND ${CMAKE_COMMAND} --build ${WORK}/build
        RESULT_VARIABLE failed OUTPUT_VARIABLE out ERROR_VARIABLE out)
    if(failed)
        message(FATAL_ERROR "${program} alone is not built:\n${out}")
    endif()
    file(GLOB programs RELATIVE ${WORK}/build/examples ${WORK}/build/examples/minimal
        ${WORK}/build/examples/own_system ${WORK}/build/examples/profiler ${WORK}/build/examples/*/*)
    list(FILTER programs INCLUDE REGEX "^(.*/)?(minimal|own_system|profiler|dmabuf_ps|dmabuf_pin|dmabuf_report|dmabuf_top|dmabuf_watch|dmabuf_exporter|lowmem_capture)$")
    if(NOT programs MATCHES "^(${program}/)?${program}$")
        message(FATAL_ERROR "instead of ${program} alone there is: ${programs}")
    endif()
    file(REMOVE_RECURSE ${WORK}/prefix)
    execute_process(COMMAND ${CMAKE_COMMAND} --install ${WORK}/build --prefix ${WORK}/prefix
        OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
    file(GLOB installed RELATIVE ${WORK}/prefix ${WORK}/prefix/*bin/*)
    if(NOT program MATCHES "^(minimal|own_system|profiler)$" AND NOT installed STREQUAL "bin/${program}")
        message(FATAL_ERROR "instead of ${program} alone there is installed: ${installed}")
    endif()
    file(REMOVE ${WORK}/build/examples/${programs})
    message(STATUS "${program} is built alone")
endfunction()

# Where npm is lacking, or what it would fetch, all else builds.
function(expect_left_out program reason)
    configure("${program};minimal" ${ARGN})
    if(failed OR NOT words MATCHES "-- ${program} is left out: ${reason}")
        message(FATAL_ERROR "${program} is not left out for the reason \"${reason}\":\n${out}")
    endif()
    message(STATUS "${program} is left out: ${reason}")
endfunction()

function(expect_refusal program reason)
    configure(${program} ${ARGN})
    if(NOT failed OR NOT words MATCHES "${reason}")
        message(FATAL_ERROR "${program} is not refused for the reason \"${reason}\":\n${out}")
    endif()
    message(STATUS "${program} is refused: ${reason}")
endfunction()

expect_build(minimal)
expect_build(own_system)
expect_build(profiler)
expect_build(dmabuf_ps)
expect_build(dmabuf_top -DCMAKE_DISABLE_FIND_PACKAGE_PkgConfig=OFF)
expect_build(dmabuf_watch)
expect_build(dmabuf_exporter)
expect_build(lowmem_capture)
expect_refusal(dmabuf_exporter "apt-get install prometheus-cpp-dev" -DCMAKE_DISABLE_FIND_PACKAGE_prometheus-cpp=ON)
if(NOT EXISTS ${SOURCE}/examples/dmabuf_report/prebuilt)
    expect_left_out(dmabuf_report "its script needs npm .apt-get install npm" ${no_clang} ${no_libbpf} -DDMABUF_NPM=OFF)
    file(WRITE ${WORK}/npm "#!/bin/sh\nexit 1\n")
    file(CHMOD ${WORK}/npm PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE)
    expect_left_out(dmabuf_report "npm cannot fetch" ${no_clang} ${no_libbpf} -DDMABUF_NPM=${WORK}/npm)
endif()
if(REPORT)
    expect_build(dmabuf_report)
endif()
expect_refusal(dmabuf_pin "apt-get install libbpf-dev pkg-config" ${no_libbpf})
if(NOT EXISTS ${SOURCE}/kernel/bpf/prebuilt)
    expect_refusal(dmabuf_pin "apt-get install clang-19" ${no_clang})
endif()
expect_refusal(dmabuf_top "apt-get install libncurses-dev pkg-config" ${no_libbpf})
expect_refusal(dmabuf_none "no program dmabuf_none")

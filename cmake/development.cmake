# SPDX-License-Identifier: MIT
#
# What the project's own programs are built with, and consumers never get: warnings, sanitizers and
# static linking for programs that run in the lab.
cmake_minimum_required(VERSION 3.25) # which the headers alone do not need

set(DMABUF_SANITIZE "" CACHE STRING "Sanitizers for the project's own programs, e.g. address,undefined")
option(DMABUF_STATIC "Link the project's own programs statically" OFF)
option(DMABUF_WERROR "Treat warnings as errors" OFF)

add_library(dmabuf_development INTERFACE)
target_link_libraries(dmabuf_development INTERFACE dmabuf::dmabuf)
target_compile_options(dmabuf_development INTERFACE
    -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wold-style-cast -Wnon-virtual-dtor
    $<$<BOOL:${DMABUF_WERROR}>:-Werror>
    # GCC 12 warns of its own std::string at -O3 (GCC bug 105651).
    $<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-restrict>)
if(DMABUF_SANITIZE)
    target_compile_options(dmabuf_development INTERFACE
        -fsanitize=${DMABUF_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(dmabuf_development INTERFACE -fsanitize=${DMABUF_SANITIZE})
endif()
target_compile_options(dmabuf_compiled PRIVATE $<TARGET_PROPERTY:dmabuf_development,INTERFACE_COMPILE_OPTIONS>)
if(DMABUF_STATIC)
    # A program that GCC links by -static registers its tables for exceptions before main. Since GCC 13 that reads
    # all of them (libgcc/unwind-dw2-fde.c, classify_object_over_fdes()): a million instructions in dmabuf_ps. By
    # -Wl,-static the first exception finds them.
    target_link_options(dmabuf_development INTERFACE
        "$<$<NOT:$<BOOL:$<TARGET_PROPERTY:DMABUF_LINK_DYNAMICALLY>>>:-no-pie;-static-libgcc;-Wl,-static>")
endif()

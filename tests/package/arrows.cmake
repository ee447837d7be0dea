# SPDX-License-Identifier: MIT
#
# cmake -DINCLUDE=<dir>/include -P arrows.cmake: an include points down only, from folder to folder and
# within one; and headers of values make no system call.

cmake_minimum_required(VERSION 3.25)

# The floors of the house, from bottom to top. A header includes headers of its own floor that stand
# before it here, and of the floors that its own names. A new header gets its place here.
set(floors ground detail values kernel bpf sampling top)

set(ground version text result names)
set(detail detail/sort detail/inode_index detail/text_index)
set(values trend coverage snapshot account groups origins changes comparing/compared comparing/buffers comparing/processes
    comparing/groups comparing/sums comparing/exporters comparing/makers diff growing/series growing/amounts growth growth_rows)
set(kernel kernel/system kernel/files kernel/readers kernel/number_directory kernel/process kernel/stat kernel/status kernel/cgroup
    kernel/cmdline kernel/fdinfo kernel/fd_walk kernel/maps kernel/dmabuf_fds kernel/sysfs_buffers kernel/bufinfo kernel/android_buffers)
set(bpf bpf/records bpf/pins bpf/process bpf/origins)
set(sampling sampling/options sampling/tally sampling/reference_counts sampling/snapshot_builder sampling/bpf_account sampling/buffer_list sampling/unheld_buffers
    sampling/platform sampling/sources sampling/session sampling/buffer_origins sampling/sample_in_progress sampling/describer
    sampling/walked_table sampling/listed_table sampling/mapped_buffers sampling/task_list sampling/distinct_tables
    sampling/shared_parts sampling/process_visit sampling/one_process)
set(top sampler dmabuf fmt)

set(ground_may_include ground)
set(detail_may_include ground detail)
set(values_may_include ground detail values)
set(kernel_may_include ground detail kernel)
set(bpf_may_include ground detail kernel bpf)
set(sampling_may_include ground detail values kernel bpf sampling)
set(top_may_include ${floors})

# These floors make no system call: they include only the C++ library, and each other.
set(pure ground detail values)
# Nobody includes these: they cost too much, or split the program.
set(never algorithm iterator ranges filesystem iostream regex format expected functional sys/stat.h linux/stat.h cassert)
set(system_headers "unistd\\.h|fcntl\\.h|sys/.*|linux/.*|time\\.h|dirent\\.h")

file(GLOB_RECURSE headers RELATIVE ${INCLUDE}/dmabuf ${INCLUDE}/dmabuf/*)
list(LENGTH headers count)
if(count LESS 15)
    message(FATAL_ERROR "only ${count} headers in ${INCLUDE}/dmabuf")
endif()

set(wrong 0)
macro(complain)
    message(SEND_ERROR ${ARGV})
    math(EXPR wrong "${wrong} + 1")
endmacro()

# The floor of a header, and its place there; -1 where it has none.
macro(find_floor header floor_variable place_variable)
    set(${floor_variable} "")
    set(${place_variable} -1)
    foreach(one IN LISTS floors)
        list(FIND ${one} ${header} place)
        if(NOT place EQUAL -1)
            set(${floor_variable} ${one})
            set(${place_variable} ${place})
        endif()
    endforeach()
endmacro()

foreach(file IN LISTS headers)
    string(REGEX REPLACE "\\.hpp$" "" name ${file})
    find_floor(${name} floor rank)
    if(rank EQUAL -1)
        complain("${file}: give it its place in tests/package/arrows.cmake")
        continue()
    endif()
    file(STRINGS ${INCLUDE}/dmabuf/${file} lines)
    set(spdx FALSE)
    set(once FALSE)
    foreach(line IN LISTS lines)
        if(line MATCHES "^// SPDX-License[-]Identifier: MIT$")
            set(spdx TRUE)
        elseif(line STREQUAL "#pragma once")
            set(once TRUE)
        elseif(line MATCHES "^ *# *include *<dmabuf/([a-z_/]+)\\.hpp>")
            set(other ${CMAKE_MATCH_1})
            find_floor(${other} other_floor other_rank)
            if(NOT other_floor IN_LIST ${floor}_may_include)
                complain("${file} includes ${other}.hpp, but ${floor} may include only: ${${floor}_may_include}")
            elseif(other_floor STREQUAL floor AND NOT other_rank LESS rank)
                complain("${file} includes ${other}.hpp, which is not below it")
            endif()
        elseif(line MATCHES "^ *# *include *[<\"]([^>\"]+)[>\"]")
            set(other ${CMAKE_MATCH_1})
            if(other IN_LIST never)
                complain("${file} includes <${other}>")
            endif()
            if(floor IN_LIST pure AND other MATCHES "^(${system_headers})$")
                complain("${file} holds values and includes <${other}>")
            endif()
            if(other MATCHES "^fmt/" AND NOT name STREQUAL "fmt")
                complain("${file} includes <${other}>")
            endif()
        endif()
        string(REGEX REPLACE "//.*$" "" code "${line}")
        if(code MATCHES "(NDEBUG|__has_include|__cpp_lib_|[^_a-z]throw |dynamic_cast|typeid|printf|std::cout|std::cerr)")
            complain("${file} uses ${CMAKE_MATCH_1}")
        endif()
    endforeach()
    if(NOT spdx OR NOT once)
        complain("${file} lacks its licence line or #pragma once")
    endif()
endforeach()
if(wrong EQUAL 0)
    message(STATUS "${count} headers, every arrow points down")
endif()

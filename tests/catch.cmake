# SPDX-License-Identifier: MIT
#
# dmabuf_catch: Catch2 2 (Debian 12) or 3 (Debian 13), with its main function.
find_package(Catch2 REQUIRED)
if(Catch2_VERSION VERSION_LESS 2.13)
    message(FATAL_ERROR "The tests need Catch2 2.13 or newer, not ${Catch2_VERSION}")
endif()
include(Catch)

add_library(dmabuf_catch OBJECT ${CMAKE_CURRENT_LIST_DIR}/catch_main.cpp)
target_include_directories(dmabuf_catch INTERFACE ${CMAKE_CURRENT_LIST_DIR})
target_link_libraries(dmabuf_catch PRIVATE dmabuf::dmabuf)
target_compile_options(dmabuf_catch PRIVATE -O1) # half as long as at -O3
# A name that no test has fails: Catch2 3 does so unasked.
set(DMABUF_CATCH_ARGUMENTS "")
if(Catch2_VERSION VERSION_LESS 3)
    set(DMABUF_CATCH_ARGUMENTS --warn NoTests)
    target_link_libraries(dmabuf_catch PUBLIC Catch2::Catch2)
else()
    target_link_libraries(dmabuf_catch PUBLIC Catch2::Catch2WithMain)
endif()

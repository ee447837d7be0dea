# SPDX-License-Identifier: MIT
#
# The release archive: `cmake --build build/gcc`, then `cpack --config build/gcc/CPackSourceConfig.cmake`.
# It holds the sources, and the BPF programs compiled, so that whoever builds from it needs no clang.
set(CPACK_PACKAGE_NAME dmabuf)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_SOURCE_GENERATOR TXZ)
set(CPACK_SOURCE_PACKAGE_FILE_NAME dmabuf-${PROJECT_VERSION})
set(CPACK_SOURCE_INSTALLED_DIRECTORIES "${PROJECT_SOURCE_DIR};/")
if(TARGET dmabuf_bpf_objects)
    # Of the build folder nothing else is wanted, so this is added when all else is there.
    file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/archive_objects.cmake @ONLY CONTENT [=[
if(NOT CPACK_GENERATOR STREQUAL "DEB")
    file(COPY "@PROJECT_BINARY_DIR@/kernel/bpf/prebuilt/" DESTINATION "${CPACK_TEMPORARY_DIRECTORY}/kernel/bpf/prebuilt")
endif()
]=])
    list(APPEND CPACK_PRE_BUILD_SCRIPTS ${PROJECT_BINARY_DIR}/archive_objects.cmake)
endif()
set(CPACK_SOURCE_IGNORE_FILES "^${PROJECT_SOURCE_DIR}/build/" "/\\\\.git/" "/\\\\.git$" "/CMakeUserPresets\\\\.json$" "\\\\.swp$")
if(CMAKE_INSTALL_PREFIX STREQUAL "/usr") # which the units name
    include(cmake/debian.cmake)
endif()
include(CPack)

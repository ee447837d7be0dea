# SPDX-License-Identifier: MIT
#
# The release archive: `cmake --build build/gcc`, then `cpack --config build/gcc/CPackSourceConfig.cmake`.
# It holds the sources, the BPF programs compiled, so that whoever builds from it needs no clang, and the bundled script
# of dmabuf_report, for which no npm is needed then.
set(CPACK_PACKAGE_NAME dmabuf)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_SOURCE_GENERATOR TXZ)
set(CPACK_SOURCE_PACKAGE_FILE_NAME dmabuf-${PROJECT_VERSION})
set(CPACK_SOURCE_INSTALLED_DIRECTORIES "${PROJECT_SOURCE_DIR};/")

# Of the build folder nothing else is wanted, so this is added when all else is there.
function(dmabuf_archive_prebuilt target folder)
    if(NOT TARGET ${target})
        return()
    endif()
    file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/archive_${target}.cmake @ONLY CONTENT [=[
if(NOT CPACK_GENERATOR STREQUAL "DEB")
    file(COPY "@PROJECT_BINARY_DIR@/@folder@/prebuilt/" DESTINATION "${CPACK_TEMPORARY_DIRECTORY}/@folder@/prebuilt")
endif()
]=])
    list(APPEND CPACK_PRE_BUILD_SCRIPTS ${PROJECT_BINARY_DIR}/archive_${target}.cmake)
    set(CPACK_PRE_BUILD_SCRIPTS ${CPACK_PRE_BUILD_SCRIPTS} PARENT_SCOPE)
endfunction()
dmabuf_archive_prebuilt(dmabuf_bpf_objects kernel/bpf)
dmabuf_archive_prebuilt(dmabuf_report_bundle examples/dmabuf_report)
set(CPACK_SOURCE_IGNORE_FILES "^${PROJECT_SOURCE_DIR}/build/" "/\\\\.git/" "/\\\\.git$" "/CMakeUserPresets\\\\.json$" "\\\\.swp$")
if(CMAKE_INSTALL_PREFIX STREQUAL "/usr") # which the units name
    include(cmake/debian.cmake)
endif()
include(CPack)

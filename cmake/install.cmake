# SPDX-License-Identifier: MIT
#
# The headers, for CMake and for pkg-config. The installed tree can be moved, unless a path is absolute.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

install(DIRECTORY include/dmabuf DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT headers)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT headers)

set(package_directory ${CMAKE_INSTALL_DATADIR}/cmake/dmabuf)
install(TARGETS dmabuf EXPORT dmabuf INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT dmabuf NAMESPACE dmabuf:: FILE dmabuf-config.cmake
    DESTINATION ${package_directory} COMPONENT headers)
# Before 1.0 every minor version may break.
write_basic_package_version_file(dmabuf-config-version.cmake
    COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/dmabuf-config-version.cmake
    DESTINATION ${package_directory} COMPONENT headers)

set(pkgconfig_directory ${CMAKE_INSTALL_DATADIR}/pkgconfig)
set(prefix ${CMAKE_INSTALL_PREFIX})
if(NOT IS_ABSOLUTE "${pkgconfig_directory}")
    file(RELATIVE_PATH up /${pkgconfig_directory} /)
    string(REGEX REPLACE "/$" "" prefix "\${pcfiledir}/${up}")
endif()
set(includedir ${CMAKE_INSTALL_INCLUDEDIR})
if(NOT IS_ABSOLUTE "${includedir}")
    set(includedir "\${prefix}/${includedir}")
endif()
configure_file(cmake/dmabuf.pc.in dmabuf.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/dmabuf.pc DESTINATION ${pkgconfig_directory} COMPONENT headers)

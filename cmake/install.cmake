# SPDX-License-Identifier: MIT
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(package_directory ${CMAKE_INSTALL_DATADIR}/cmake/dmabuf)
install(DIRECTORY include/dmabuf DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(TARGETS dmabuf EXPORT dmabuf)
install(EXPORT dmabuf NAMESPACE dmabuf:: FILE dmabuf-config.cmake DESTINATION ${package_directory})
# Before 1.0 every minor version may break.
write_basic_package_version_file(dmabuf-config-version.cmake
    COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/dmabuf-config-version.cmake DESTINATION ${package_directory})

# SPDX-License-Identifier: MIT
#
# Debian's packages, libdmabuf-dev and dmabuf-tools:
#   cmake --preset debian && cmake --build --preset debian && cpack --config build/debian/CPackConfig.cmake
# DEBFULLNAME and DEBEMAIL name the maintainer, as for Debian's own tools.
set(CPACK_GENERATOR DEB)
set(CPACK_COMPONENTS_ALL headers programs)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGE_CONTACT "The dmabuf authors <>")
if(DEFINED ENV{DEBFULLNAME} AND DEFINED ENV{DEBEMAIL})
    set(CPACK_PACKAGE_CONTACT "$ENV{DEBFULLNAME} <$ENV{DEBEMAIL}>")
endif()
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "") # each package has its own

set(CPACK_DEBIAN_HEADERS_PACKAGE_NAME libdmabuf-dev)
set(CPACK_DEBIAN_HEADERS_PACKAGE_ARCHITECTURE all)
set(CPACK_DEBIAN_HEADERS_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_HEADERS_PACKAGE_SUGGESTS libfmt-dev)
set(CPACK_DEBIAN_HEADERS_DESCRIPTION "C++20 headers that tell which process holds DMA-BUF memory
Processes share the buffers of GPU, camera, video and display by descriptor,
and no ordinary memory counter shows them. This header-only library tells
which process holds how much, and what could not be seen.")

set(CPACK_DEBIAN_PROGRAMS_PACKAGE_NAME dmabuf-tools)
set(CPACK_DEBIAN_PROGRAMS_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PROGRAMS_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PROGRAMS_PACKAGE_CONTROL_EXTRA ${PROJECT_SOURCE_DIR}/cmake/debian/prerm ${PROJECT_SOURCE_DIR}/cmake/debian/postrm)
set(CPACK_DEBIAN_PROGRAMS_DESCRIPTION "programs that tell which process holds DMA-BUF memory
dmabuf_ps shows which process holds how much of the memory that GPU, camera,
video and display share, and dmabuf_report writes it as a page;
dmabuf_top shows it again and again in a terminal;
dmabuf_watch tells which of it grows, dmabuf_exporter tells Prometheus;
lowmem_capture writes it down when memory is short;
dmabuf_pin lets others than root see all processes.")

string(TIMESTAMP debian_date "%a, %d %b %Y %H:%M:%S +0000" UTC)
# Where the script finds the texts
set(debian_sources ${PROJECT_SOURCE_DIR})
configure_file(cmake/debian/tree.cmake.in debian_tree.cmake @ONLY)
list(APPEND CPACK_PRE_BUILD_SCRIPTS ${PROJECT_BINARY_DIR}/debian_tree.cmake)

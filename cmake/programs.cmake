# SPDX-License-Identifier: MIT
#
# Installs programs, each with its man page and completions, which are made of its --help, its systemd unit, its
# documents and the licence.
include(GNUInstallDirs)

set(DMABUF_SYSTEMD_UNITS lib/systemd/system CACHE STRING "Where systemd units are installed; empty: none")
set(DMABUF_ZSH_COMPLETIONS ${CMAKE_INSTALL_DATADIR}/zsh/site-functions CACHE STRING
    "Where completions for zsh are installed")
find_program(DMABUF_HELP2MAN help2man DOC "Makes the man pages")

function(dmabuf_install_file from to)
    install(FILES ${from} DESTINATION ${to} COMPONENT programs ${ARGN})
endfunction()

# The man page and the completions. The program is run for them, so that a cross build has none.
function(dmabuf_install_description program section)
    set(made ${CMAKE_CURRENT_BINARY_DIR}/description)
    set(files ${made}/${program}.bash ${made}/${program}.zsh ${made}/${program}.fish)
    if(DMABUF_HELP2MAN)
        set(help2man ${DMABUF_HELP2MAN})
        list(APPEND files ${made}/${program}.${section})
        dmabuf_install_file(${made}/${program}.${section} ${CMAKE_INSTALL_MANDIR}/man${section})
    endif()
    set(scripts ${PROJECT_SOURCE_DIR}/cmake/describe ${PROJECT_SOURCE_DIR}/cmake/completion.awk)
    add_custom_command(OUTPUT ${files}
        COMMAND ${PROJECT_SOURCE_DIR}/cmake/describe $<TARGET_FILE:${program}> ${section} ${made} ${help2man}
        DEPENDS ${program} ${scripts} VERBATIM)
    add_custom_target(${program}_description ALL DEPENDS ${files})

    set(bash ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
    set(fish ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
    dmabuf_install_file(${made}/${program}.bash ${bash} RENAME ${program})
    dmabuf_install_file(${made}/${program}.zsh ${DMABUF_ZSH_COMPLETIONS} RENAME _${program})
    dmabuf_install_file(${made}/${program}.fish ${fish})
endfunction()

# dmabuf_install_program(PROGRAM BIN|SBIN): into the directory for all users, or for root.
function(dmabuf_install_program program directory)
    if(NOT DMABUF_INSTALL)
        return()
    endif()
    install(TARGETS ${program} DESTINATION ${CMAKE_INSTALL_${directory}DIR} COMPONENT programs)
    if(NOT CMAKE_CROSSCOMPILING)
        set(section 1)
        if(directory STREQUAL "SBIN")
            set(section 8)
        endif()
        dmabuf_install_description(${program} ${section})
    endif()

    file(GLOB units RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} *.service.in)
    foreach(unit IN LISTS units)
        string(REGEX REPLACE "\\.in$" "" unit ${unit})
        configure_file(${unit}.in ${unit} @ONLY)
        if(DMABUF_SYSTEMD_UNITS)
            dmabuf_install_file(${CMAKE_CURRENT_BINARY_DIR}/${unit} ${DMABUF_SYSTEMD_UNITS})
        endif()
    endforeach()
    file(GLOB documents *.md)
    dmabuf_install_file("${documents}" ${CMAKE_INSTALL_DOCDIR}/${program})
    dmabuf_install_file(${PROJECT_SOURCE_DIR}/LICENSE ${CMAKE_INSTALL_DOCDIR})
endfunction()

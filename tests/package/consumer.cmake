# SPDX-License-Identifier: MIT
#
# Builds and runs the consumer.
#   -DSOURCE -DBUILD -DWORK -DCOMPILER -DKIND=installed|folder|wrong [-DVERSION]
file(REMOVE_RECURSE ${WORK})
file(MAKE_DIRECTORY ${WORK})
set(configure ${CMAKE_COMMAND} -S ${CMAKE_CURRENT_LIST_DIR}/consumer -B ${WORK}/build -G Ninja
    -DCMAKE_CXX_COMPILER=${COMPILER} -DCMAKE_PREFIX_PATH=${WORK}/prefix)

if(KIND STREQUAL "folder")
    list(APPEND configure -DSOURCE=${SOURCE})
else()
    list(APPEND configure -DWANTED=${VERSION})
    execute_process(COMMAND ${CMAKE_COMMAND} --install ${BUILD} --prefix ${WORK}/prefix
        OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
endif()

if(KIND STREQUAL "wrong")
    execute_process(COMMAND ${configure} RESULT_VARIABLE failed OUTPUT_VARIABLE out ERROR_VARIABLE out)
    if(NOT failed)
        message(FATAL_ERROR "version ${VERSION} was accepted")
    endif()
    if(NOT out MATCHES "compatible with requested version \"${VERSION}\"|requested +version \"${VERSION}\"")
        message(FATAL_ERROR "refused, but for another reason:\n${out}")
    endif()
    message(STATUS "version ${VERSION} is refused")
    return()
endif()

execute_process(COMMAND ${configure} COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${CMAKE_COMMAND} --build ${WORK}/build COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${WORK}/build/consumer OUTPUT_VARIABLE out COMMAND_ERROR_IS_FATAL ANY)
if(NOT out MATCHES "consumed: [1-9]")
    message(FATAL_ERROR "the consumer says: ${out}")
endif()
message(STATUS "${out}")

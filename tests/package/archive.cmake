# SPDX-License-Identifier: MIT
#
# Packs the release archive and builds dmabuf_pin out of it where there is no clang.
#   -DBUILD -DWORK -DCOMPILER -DNAME -DREPORT=whether dmabuf_report's script was bundled here
file(REMOVE_RECURSE ${WORK})
file(MAKE_DIRECTORY ${WORK})
execute_process(COMMAND ${CMAKE_CPACK_COMMAND} --config ${BUILD}/CPackSourceConfig.cmake -B ${WORK}
    OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
file(ARCHIVE_EXTRACT INPUT ${WORK}/${NAME}.tar.xz DESTINATION ${WORK})
set(source ${WORK}/${NAME})
if(EXISTS ${source}/build OR EXISTS ${source}/.git)
    message(FATAL_ERROR "the archive holds what is not the sources")
endif()
if(REPORT)
    file(READ ${source}/examples/dmabuf_report/prebuilt/report.js packed)
    file(READ ${BUILD}/examples/dmabuf_report/prebuilt/report.js built)
    if(NOT packed STREQUAL built OR built STREQUAL "")
        message(FATAL_ERROR "report.js is not the one that was built")
    endif()
endif()
foreach(object IN ITEMS holders.bpfel holders.bpfeb buffers.bpfel buffers.bpfeb origins.bpfel
        origins.bpfeb)
    file(SHA256 ${source}/kernel/bpf/prebuilt/${object}.o packed)
    file(SHA256 ${BUILD}/kernel/bpf/prebuilt/${object}.o built)
    if(NOT packed STREQUAL built)
        message(FATAL_ERROR "${object}.o is not the one that was built")
    endif()
endforeach()
execute_process(COMMAND ${CMAKE_COMMAND} -S ${source} -B ${WORK}/build -G Ninja -DDMABUF_TESTS=OFF
    -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_COMPILER=${COMPILER} -DDMABUF_BPF_CLANG=DMABUF_BPF_CLANG-NOTFOUND
    -DDMABUF_NPM=OFF -DDMABUF_NODE=OFF
    OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${CMAKE_COMMAND} --build ${WORK}/build --target dmabuf_pin
    OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${WORK}/build/examples/dmabuf_pin/dmabuf_pin --version
    OUTPUT_VARIABLE out COMMAND_ERROR_IS_FATAL ANY)
message(STATUS "${out}")
if(REPORT)
    execute_process(COMMAND ${CMAKE_COMMAND} --build ${WORK}/build --target dmabuf_report
        OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
    execute_process(COMMAND ${WORK}/build/examples/dmabuf_report/dmabuf_report --version
        OUTPUT_VARIABLE out COMMAND_ERROR_IS_FATAL ANY)
    message(STATUS "${out}")
endif()

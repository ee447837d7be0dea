// SPDX-License-Identifier: MIT
//
// Counts allocations, those of the C library itself too: linked with --wrap=malloc and so on.
#include <stddef.h>
#include <stdint.h>

void* __real_malloc(size_t size);
void* __real_calloc(size_t count, size_t size);
void* __real_realloc(void* memory, size_t size);
void* __wrap_malloc(size_t size);
void* __wrap_calloc(size_t count, size_t size);
void* __wrap_realloc(void* memory, size_t size);

uint64_t allocation_count;

void* __wrap_malloc(size_t size) {
    ++allocation_count;
    return __real_malloc(size);
}
void* __wrap_calloc(size_t count, size_t size) {
    ++allocation_count;
    return __real_calloc(count, size);
}
void* __wrap_realloc(void* memory, size_t size) {
    ++allocation_count;
    return __real_realloc(memory, size);
}

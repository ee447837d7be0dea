// SPDX-License-Identifier: MIT
// A part of a temporary is not to be had by reference.
// refused: deleted (member )?function [^(]*references_of
// refused: deleted (member )?function [^(]*cgroup_name
// refused: deleted (member )?function [^(]*exporter_of
// refused: deleted (function|operator) [^(]*->
// refused: deleted (member )?function [^(]*[^a-z_]begin
// refused: (deleted function [^(]*operator std::span|span<char>[^(]* deleted function)
#include <dmabuf/dmabuf.hpp>

#ifdef TWIN
#define GIVEN(kept) kept
#else
#define GIVEN(kept) std::move(kept)
#endif

void use(dmabuf::snapshot& now, dmabuf::result<dmabuf::holder>& who, dmabuf::maps_reader<>& maps,
         dmabuf::raw_bytes& bytes);

void use(dmabuf::snapshot& now, dmabuf::result<dmabuf::holder>& who, dmabuf::maps_reader<>& maps,
         dmabuf::raw_bytes& bytes) {
    (void)GIVEN(now).references_of(now.holders[0]);
    (void)GIVEN(now).cgroup_name(0);
    (void)GIVEN(now).exporter_of(now.buffers[0]);
    (void)GIVEN(who)->pid;
    (void)GIVEN(maps).begin();
    std::span<char> const space = GIVEN(bytes);
    (void)space;
}

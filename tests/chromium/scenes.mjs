// SPDX-License-Identifier: MIT
//
// Scenes of any size, as dmabuf_ps --json writes them.

/// `buffers` of rising sizes, held by `processes` in turn; each tenth by the next process, too.
export function scene(buffers, processes, nameOf = (index) => `app-${index}`) {
    const holders = Array.from({ length: processes }, (_, index) => ({
        pid: 100 + index, start_ticks: 1, uid: 1000, comm: nameOf(index), cgroup: `/slice-${index % 5}`,
        mapped_bytes: 0, unsized_buffers: 0, references: [],
    }));
    const rows = Array.from({ length: buffers }, (_, index) => {
        const mine = [index % processes];
        if (index % 10 === 0 && processes > 1) mine.push((index + 1) % processes);
        for (const at of mine)
            holders[at].references.push({ inode: index + 1, descriptors: 1, path_descriptors: 0, mappings: 0, mapped_bytes: 0 });
        return {
            inode: index + 1, size_bytes: 4096 * (1 + index % 1000), exporter: index % 3 ? "system" : "drm", name: nameOf(index),
            name_known: true, holders: mine.length, pids: mine.map((at) => 100 + at), descriptors: mine.length, mappings: 0,
            count: mine.length, other_references: 0, attachments: null,
        };
    });
    for (const one of holders) {
        const shares = one.references.map(({ inode }) => rows[inode - 1]);
        one.rss_bytes = shares.reduce((sum, row) => sum + row.size_bytes, 0);
        one.pss_bytes = shares.reduce((sum, row) => sum + row.size_bytes / row.holders, 0);
        one.uss_bytes = shares.reduce((sum, row) => sum + (row.holders === 1 ? row.size_bytes : 0), 0);
    }
    const held = rows.reduce((sum, row) => sum + row.size_bytes, 0);
    const none = Object.fromEntries(["processes_denied", "processes_failed", "tables_uncertain", "buffers_leaving", "descriptors_failed",
        "undecided", "buffers_unsized", "buffers_undescribed", "odd_rows", "cgroups_unknown"].map((name) => [name, 0]));
    return {
        schema: "dmabuf_ps/3", kernel: "6.12", begin_ns: 1, elapsed_ns: 1, buffers: rows, processes: holders, unheld: [],
        coverage: {
            ...none, found_by: "fd_walk", proc_shows: "everything", listed_by: "sysfs", mappings_read: true, processes, processes_seen: processes,
            held_bytes: held, indistinct: null, notes: [],
        },
    };
}

/// Names that would be more than text if the page took them for HTML.
export const hostile = [
    "</script><script>window.hit=1</script>", "<img src=x onerror=window.hit=1>", "<!--<script>", "\" onmouseover=window.hit=1 x=\"",
    "<svg onload=window.hit=1>", "javascript:window.hit=1", "&lt;script&gt;window.hit=1&lt;/script&gt;", "]]></style><script>window.hit=1</script>",
];

/// Rows of dmabuf_watch: a leak of `name`, told once.
export function log(name) {
    const row = (fields) => `${JSON.stringify({
        time: "2026-11-26T10:54:01Z", seconds: 0, event: "appeared", subject: "process", pid: 7, start_ticks: 1, name, inode: null,
        measure: "bytes", value: 1048576, rate_per_second: null, rate_error_per_second: null, for_seconds: null, since_value: null,
        highest: null, ...fields,
    })}\n`;
    return row({ event: "started", subject: null, pid: null, name: null }) + row({}) +
        row({ time: "2026-11-26T10:55:01Z", seconds: 60, event: "grows", value: 9437184, rate_per_second: 139810, rate_error_per_second: 1,
            for_seconds: 60, since_value: 1048576, highest: 9437184 }) +
        row({ time: "2026-11-26T10:56:01Z", seconds: 120, event: "stopped", value: 9437184 });
}

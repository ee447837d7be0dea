# SPDX-License-Identifier: MIT
#
# What must be reached on the load "phone"; exits with 1 where it is not. Ratios of counted
# instructions, in one boot.
BEGIN { FS = "\t" }
$2 == "phone" {
    ms[$1, $3, $4] = $5
    if ($4 == "repeated") allocations[$3] = $7
    seen[$1, $3] = 1
}
function bar(name, reached, wanted, most) {
    good = most ? reached <= wanted : reached >= wanted
    printf "%s %-58s %6.2f, wanted %s %s\n", good ? "reached" : "MISSED ", name, reached, most ? "<=" : ">=", wanted
    if (!good) missed = 1
}
function against_baseline(kernel, row, look, wanted) {
    if ((kernel, row) in seen)
        bar(row ", " look ", x baseline", ms[kernel, "four steps, plain C", "repeated"] / ms[kernel, row, look], wanted, 0)
}
function against_floor(kernel, row, look) {
    if ((kernel, row) in seen)
        bar(row ", " look ", / floor", ms[kernel, row, look] / ms[kernel, "floor of " row, look], 1.12, 1)
}
END {
    against_baseline("stock", "fd_walk: sizes", "repeated", 2.6)
    against_baseline("stock", "fd_walk: sizes, mappings", "repeated", 2.4)
    against_baseline("stock", "fd_walk: sizes, exporters, names", "repeated", 2.0)
    against_baseline("plain", "dmabuf_fds: sizes", "first", 8)
    against_baseline("plain", "dmabuf_fds: sizes, exporters", "first", 5)
    against_baseline("plain", "dmabuf_fds: sizes", "repeated", 15)
    against_baseline("stock", "bpf_iterator: sizes, exporters, names", "repeated", 25)
    against_floor("stock", "fd_walk: sizes", "repeated")
    against_floor("stock", "fd_walk: sizes, mappings", "repeated")
    against_floor("stock", "fd_walk: sizes, exporters, names", "repeated")
    against_floor("plain", "dmabuf_fds: sizes", "first")
    against_floor("plain", "dmabuf_fds: sizes, exporters", "first")
    against_floor("plain", "dmabuf_fds: sizes", "repeated")
    for (row in allocations)
        if (row ~ /^(fd_walk|dmabuf_fds|bpf)/)
            bar(row ", repeated, allocations", allocations[row], 0, 1)
    exit missed
}

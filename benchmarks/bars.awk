# SPDX-License-Identifier: MIT
#
# What is to be reached on the load "phone", and where buffers become many. Exits with 1 where a
# figure is worse than it was: the last number of each line here is a few hundredths beside what was
# measured. Ratios of counted instructions, in one boot, which repeat within 1 %; of a whole program, on
# the load "tablet" with the options that its row says, counted milliseconds.
BEGIN { FS = "\t" }
$2 == "phone" {
    ms[$1, $3, $4] = $5
    if ($4 == "repeated") allocations[$3] = $7
}
$2 == "tablet" && $3 ~ /^program: / && $4 == "first" { program_ms[$1, $3] = $5 }
$2 ~ /^1,20,0,[0-9]+,1,1$/ {
    split($2, load, ",")
    of_one[$3, $4, load[4]] = $5
}
# What a process can make of it, by how many there are of what it makes many.
split($2, load, ",") == 7 {
    kind = load[7]
    count = kind == "oldest-last" ? load[4] : kind == "own-tables" ? load[5] : load[1]
    if (sub(/^watches=/, "", kind)) { count = kind; kind = "watches" }
    worst[kind, $3, $4, count] = $5
}
function bar(name, reached, wanted, held, most,    sign, good, worse) {
    sign = most ? "<=" : ">="
    good = most ? reached <= wanted : reached >= wanted
    worse = most ? reached > held : reached < held
    printf "%s %-62s %6.2f, wanted %s %s%s\n", good ? "reached" : "MISSED ", name, reached, sign, wanted,
        worse ? ", WORSE than before: " sign " " held : ""
    if (worse) failed = 1
    ++bars
}
function against_baseline(kernel, row, look, wanted, held) {
    if ((kernel, row, look) in ms)
        bar(row ", " look ", x baseline", ms[kernel, "four steps, plain C", "repeated"] / ms[kernel, row, look], wanted, held, 0)
}
# "kept": the floor that writes down its answer, too.
function against_floor(kernel, row, look, held, kept,    floor) {
    floor = "floor of " row (kept ? ", kept" : "")
    if ((kernel, row, look) in ms)
        bar(row ", " look ", / floor" (kept ? " that keeps its answer" : ""),
            ms[kernel, row, look] / ms[kernel, floor, look], 1.12, held, 1)
}
# Counted ms of the whole program, from its start to its end.
function program(kernel, row, wanted, held) {
    row = "program: " row
    if ((kernel, row) in program_ms)
        bar(row ", ms", program_ms[kernel, row], wanted, held, 1)
}
# Of what is added to a process that holds one buffer.
function each(row, look, count) {
    return (of_one[row, look, count] - of_one[row, look, 1]) / (count - 1)
}
function growth(row, look, held) {
    if ((row, look, 50000) in of_one)
        bar(row ", " look ", a buffer of 50,000 / of 500", each(row, look, 50000) / each(row, look, 500), 1.2, held, 1)
}
function each_worst(kind, row, look, count) {
    return (worst[kind, row, look, count] - worst[kind, row, look, 1]) / (count - 1)
}
# Where N log N is to be had, ten times as many may cost half as much more each, and no more.
function worst_growth(kind, row, look, few, many, held) {
    if ((kind, row, look, many) in worst)
        bar(row ", " look ", " kind ", each of " many " / of " few,
            each_worst(kind, row, look, many) / each_worst(kind, row, look, few), 1.2, held, 1)
}
# The kernel writes the whole of an fdinfo before it hands out any, so that one read of it is the floor.
function read_once(row, look, many,    once) {
    once = worst["watches", "one process: four steps, plain C", look, many]
    if (once)
        bar(row ", " look ", " many " watches, / one read of each fdinfo",
            worst["watches", row, look, many] / once, 1.12, 1.2, 1)
}
END {
    against_baseline("stock", "fd_walk: sizes", "repeated", 2.6, 4.2)
    against_baseline("stock", "fd_walk: sizes, mappings", "repeated", 2.4, 4.0)
    against_baseline("stock", "fd_walk: sizes, exporters, names", "repeated", 2.0, 3.5)
    against_baseline("plain", "dmabuf_fds: sizes", "first", 8, 15.2)
    against_baseline("plain", "dmabuf_fds: sizes, exporters", "first", 5, 10.9)
    against_baseline("plain", "dmabuf_fds: sizes", "repeated", 15, 28.3)
    against_baseline("stock", "bpf_iterator: sizes, exporters, names", "repeated", 25, 35)
    against_floor("stock", "fd_walk: sizes", "repeated", 1.07)
    against_floor("stock", "fd_walk: sizes, mappings", "repeated", 1.07)
    against_floor("stock", "fd_walk: sizes, exporters, names", "repeated", 1.10)
    against_floor("stock", "fd_walk: all, O_PATH marked", "repeated", 1.09)
    against_floor("plain", "dmabuf_fds: sizes", "first", 1.19)
    against_floor("plain", "dmabuf_fds: sizes, exporters", "first", 1.15)
    against_floor("plain", "dmabuf_fds: sizes", "repeated", 1.15)
    against_floor("plain", "dmabuf_fds: sizes, exporters", "repeated", 1.15)
    against_floor("stock", "bpf_iterator: sizes, exporters, names", "repeated", 1.15)
    against_floor("stock", "bpf_iterator: all", "repeated", 1.13)
    against_floor("plain", "dmabuf_fds: sizes", "first", 1.15, "kept")
    against_floor("plain", "dmabuf_fds: sizes, exporters", "first", 1.13, "kept")
    for (row in allocations)
        if (row !~ /^floor|four steps/)
            bar(row ", repeated, allocations", allocations[row], 0, 0, 1)
    # 41.8 where GCC 12 builds kernel and program, 43.9 where GCC 14 does.
    program("plain", "dmabuf_ps --source dmabuf_fds", 45, 44.5)
    program("stock", "dmabuf_ps --source fd_walk", 190, 186)
    growth("fd_walk: sizes", "first", 1.2)
    growth("fd_walk: sizes", "repeated", 1.2)
    growth("dmabuf_fds: sizes", "first", 1.2)
    growth("dmabuf_fds: sizes", "repeated", 1.2)
    growth("bpf_iterator: sizes", "first", 1.2)
    growth("bpf_iterator: sizes", "repeated", 1.2)
    for (look_number = 1; look_number <= 2; ++look_number) {
        look = look_number == 1 ? "first" : "repeated"
        worst_growth("oldest-last", "fd_walk: sizes", look, 500, 50000, 1.3)
        worst_growth("oldest-last", "dmabuf_fds: sizes", look, 500, 50000, 1.3)
        worst_growth("oldest-last", "bpf_iterator: sizes", look, 500, 50000, 1.3)
        worst_growth("own-tables", "fd_walk: sizes", look, 100, 1000, 1.5)
        worst_growth("own-tables", "dmabuf_fds: sizes", look, 100, 1000, 1.5)
        worst_growth("own-tables", "bpf_iterator: sizes", look, 100, 1000, 1.5)
        worst_growth("own-users", "fd_walk: sizes, users, cgroups", look, 100, 5000, 1.3)
        worst_growth("own-users", "bpf_iterator: sizes, users, cgroups", look, 100, 5000, 1.3)
        read_once("one process: fdinfo", look, 10000)
    }
    if (!bars) print "bars.awk: nothing to judge"
    exit failed || !bars
}

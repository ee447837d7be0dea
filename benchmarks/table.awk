# SPDX-License-Identifier: MIT
#
# Makes the Markdown table out of the lines of `measure`, a kernel's name before each line. Ratios are
# between figures of one kernel and load, so of one boot.
BEGIN {
    FS = "\t"
    print "| load | kernel | row | first ms | repeated ms | first x baseline | repeated x baseline" \
        " | first / floor | repeated / floor | calls | per process | per task | per descriptor" \
        " | allocations first, repeated | peak KiB |"
    print "|---|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
}
{
    at = $2 "\t" $1 "\t" $3
    if (!(at in known)) {
        known[at] = 1
        order[++count] = at
    }
    ms[at, $4] = $5
    calls[at, $4] = $6
    allocations[at, $4] = $7
    peak[at] = $8
    processes[at] = $9
    tasks[at] = $10
    descriptors[at] = $11
}
function readable(number) {
    return sprintf(number < 10 ? "%.3f" : "%.1f", number)
}
function times(what, look, by) {
    if (!((by, look) in ms) || ms[by, look] == 0) return ""
    return sprintf("%.1f", ms[by, look] / ms[what, look])
}
function floor_ratio(what, look, floor) {
    if (!((floor, look) in ms)) return ""
    return sprintf("%.2f", ms[what, look] / ms[floor, look])
}
END {
    for (i = 1; i <= count; ++i) {
        at = order[i]
        split(at, part, "\t")
        of_one = part[3] ~ /one process: / ? "one process: " : ""
        baseline = part[1] "\t" part[2] "\t" of_one "four steps, plain C"
        floor = part[1] "\t" part[2] "\tfloor of " part[3]
        printf "| %s | %s | %s | %s | %s | %s | %s | %s | %s | %d | %.1f | %.2f | %.3f | %d, %d | %d |\n",
            part[1], part[2], part[3], readable(ms[at, "first"]), readable(ms[at, "repeated"]),
            times(at, "first", baseline), times(at, "repeated", baseline),
            floor_ratio(at, "first", floor), floor_ratio(at, "repeated", floor),
            calls[at, "repeated"], calls[at, "repeated"] / processes[at], calls[at, "repeated"] / tasks[at],
            calls[at, "repeated"] / descriptors[at],
            allocations[at, "first"], allocations[at, "repeated"], peak[at]
    }
}

# SPDX-License-Identifier: MIT
#
# The cost of each further process, buffer, thread or watch beside the smallest load: a table, and a
# file a curve for growth.gnuplot. The last column of a figure is its load with an N for what grows.
BEGIN {
    FS = "\t"
    print "| grows | kernel | row | from | to | ms | microseconds for each more | for each so far |"
    print "|---|---|---|--:|--:|--:|--:|--:|"
}
$4 == "repeated" {
    row = $3
    sub(/: sizes$/, "", row)
    add(what_grows($12), $1, row, substr($2, index($12, "N")) + 0, $5)
}
function what_grows(load,    part) {
    split(load, part, ",")
    sub(/=N$/, "", part[7])
    return part[7] != "" ? part[7] : part[1] == "N" ? "processes" : part[4] == "N" ? "buffers" : "threads"
}
function add(grows, kernel, row, count, ms,    curve, each, file) {
    curve = grows "-" kernel "-" row
    file = curve
    gsub(/[^A-Za-z0-9_]+/, "-", file)
    file = to "/growth-" file ".data"
    if (!(curve in first)) {
        first[curve] = last[curve] = count
        least[curve] = before[curve] = ms
        print grows, "\"" kernel ": " row "\"" > file
        return
    }
    each = (ms - least[curve]) * 1000 / (count - first[curve])
    printf "| %s | %s | %s | %d | %d | %.2f | %.3f | %.3f |\n", grows, kernel, row, last[curve], count, ms,
        (ms - before[curve]) * 1000 / (count - last[curve]), each
    last[curve] = count
    before[curve] = ms
    print count, each > file
}

# SPDX-License-Identifier: MIT
#
# What each further process, buffer, thread or watch costs beside the smallest load: a table, and a
# file a curve for growth.gnuplot.
BEGIN {
    FS = "\t"
    print "| grows | row | from | to | ms | microseconds for each more | for each so far |"
    print "|---|---|--:|--:|--:|--:|--:|"
}
$4 == "repeated" {
    split($2, load, ",")
    if (load[7] != "") {
        grows = load[7]
        count = load[7] == "oldest-last" ? load[4] : load[7] == "own-tables" ? load[5] : load[1]
        if (sub(/^watches=/, "", load[7])) { grows = "watches"; count = load[7] }
    } else if ($2 ~ /^1,20,0,1,1,1$/) { grows = "both"; count = 1 }
    else if (load[1] > 1) { grows = "processes"; count = load[1] }
    else if (load[5] > 1) { grows = "threads"; count = load[5] }
    else { grows = "buffers"; count = load[4] }
    row = $3
    sub(/: sizes$/, "", row)
    if (grows == "both") {
        add("buffers", row, count, $5)
        add("threads", row, count, $5)
    } else
        add(grows, row, count, $5)
}
function add(grows, row, count, ms,    curve, each) {
    curve = grows "-" row
    if (!(curve in first)) {
        first[curve] = last[curve] = count
        least[curve] = before[curve] = ms
        return
    }
    if (count <= last[curve]) return
    each = (ms - least[curve]) * 1000 / (count - first[curve])
    printf "| %s | %s | %d | %d | %.2f | %.3f | %.3f |\n", grows, row, last[curve], count, ms,
        (ms - before[curve]) * 1000 / (count - last[curve]), each
    last[curve] = count
    before[curve] = ms
    gsub(/[^A-Za-z0-9_]+/, "-", row)
    print count, each > (to "/growth-" grows "-" row ".data")
}

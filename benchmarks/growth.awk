# SPDX-License-Identifier: MIT
#
# One file a curve for growth.gnuplot: how many of the thing that grows, and microseconds for each.
BEGIN { FS = "\t" }
$4 == "repeated" {
    split($2, load, ",")
    if (load[1] > 1) { grows = "processes"; count = load[1] }
    else if (load[5] > 1) { grows = "threads"; count = load[5] }
    else { grows = "buffers"; count = load[4] }
    row = $3
    if (row ~ /^floor/ || row ~ /streams/) next
    gsub(/[^A-Za-z0-9_]+/, "-", row)
    print count, $5 * 1000 / count > (to "/growth-" grows "-" row ".data")
}

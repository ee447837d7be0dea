# SPDX-License-Identifier: MIT
set terminal svg size 640,360 background "white"
set logscale xy
set key outside right top
set grid ytics
set ylabel "µs of counted time for each more"
do for [grows in "processes buffers threads"] {
    files = system("ls growth-".grows."-*.data")
    set xlabel grows
    set output "growth-".grows.".svg"
    plot for [file in files] file using 1:2 with linespoints \
        title system("basename ".file." .data | sed 's/growth-".grows."-//'") noenhanced
}

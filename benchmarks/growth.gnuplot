# SPDX-License-Identifier: MIT
set terminal svg size 800,500 dynamic background "white"
set logscale xy
set key outside below
set ylabel "microseconds of counted time for each"
do for [grows in "processes buffers threads"] {
    files = system("ls growth-".grows."-*.data")
    set xlabel grows
    set output "growth-".grows.".svg"
    plot for [file in files] file using 1:2 with linespoints title system("basename ".file." .data | sed s/growth-".grows."-//")
}

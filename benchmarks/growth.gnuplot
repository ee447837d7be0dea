# SPDX-License-Identifier: MIT
#
# One plot each of the cost of processes, buffers and threads, out of kernels.txt and the files of growth.awk.
set encoding utf8
set logscale xy
set key bmargin center horizontal Left reverse maxcols 3
set grid ytics
set rmargin 6
set ylabel "µs of counted time for each more"
kernels = system("paste -sd ';' kernels.txt | sed 's/;/; /g'")
load_processes = "N processes, each with 20 other descriptors, 1 buffer and 1 thread"
load_buffers = "1 process with 20 other descriptors, N buffers and 1 thread"
load_threads = "1 process with 20 other descriptors, 1 buffer and N threads on one descriptor table"
do for [grows in "processes buffers threads"] {
    set terminal svg size 800,480 background "white" name "growth_of_".grows
    title = "What each more of N ".grows." costs a repeated look (2 ns an instruction)\n"
    set title title."Load: ".value("load_".grows)."\nKernels: ".kernels noenhanced
    set xlabel "N, the number of ".grows
    set output "growth-".grows.".svg"
    files = system("ls growth-".grows."-*.data")
    plot for [file in files] file using 1:2 with linespoints title columnheader(2) noenhanced
}

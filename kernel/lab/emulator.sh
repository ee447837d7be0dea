# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Two faults of the emulator that can end a boot. Any other end of a boot may be the kernel's own fault.

# emulator_fault CONSOLE names the fault that ended this boot, or prints nothing.
#
# The kernel changes code that is in use by way of a breakpoint, the byte cc: it takes the breakpoint away
# first and stops expecting it then (text_poke_bp_batch(), poke_int3_handler()). An emulated processor can
# still run its translation of the breakpoint after that, and the kernel takes this for an oops. It prints
# the code with a mark at the byte behind the breakpoint: where cc still stands before the mark, as in the
# gaps between functions, the kernel went there by itself.
emulator_fault() {
    tr -d '\r' <"$1" | awk '
        /Kernel panic - not syncing: / && !panic { panic = $0 }
        /\[#1\]/ && !oops { oops = $0 }
        oops && /Code: / && !code { code = $0 }
        END {
            if (panic ~ /IO-APIC \+ timer doesn.t work!/ && !oops) print "the timer came too late"
            if (panic && oops ~ /int3: 0000 \[#1\]/ && code ~ /[0-9a-f][0-9a-f] <[0-9a-f][0-9a-f]>/ && code !~ /cc </)
                print "a breakpoint that was gone already"
        }'
}

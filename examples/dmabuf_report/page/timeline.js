// SPDX-License-Identifier: MIT
//
// Bytes over time, and the events of a watch.
import uPlot from "uplot";

import { times } from "./data.js";
import { element, part } from "./dom.js";
import { bytes } from "./words.js";

const dark = window.matchMedia("(prefers-color-scheme: dark)");

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/// Thin lines where something happened.
function drawEvents(plot) {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.strokeStyle = colour("--event");
    ctx.setLineDash([3, 3]);
    for (const at of times.events_ms) {
        const x = Math.round(plot.valToPos(at / 1e3, "x", true));
        if (x < bbox.left || x > bbox.left + bbox.width) continue;
        ctx.beginPath();
        ctx.moveTo(x, bbox.top);
        ctx.lineTo(x, bbox.top + bbox.height);
        ctx.stroke();
    }
    ctx.restore();
}

/// Of each distance between ticks: what each tick shows, and what the first of a year, day or minute shows below.
const day = "\n{YYYY}-{MM}-{DD}";
const ticks = [
    [86400, "{MM}-{DD}", "\n{YYYY}", null, null, null, null, null, 1],
    [60, "{HH}:{mm}", day, null, day, null, null, null, 1],
    [0.001, "{HH}:{mm}:{ss}", day, null, day, null, null, null, 1],
];
const powersOfTwo = Array.from({ length: 60 }, (_, power) => 2 ** power);

function options(width) {
    const axis = { stroke: colour("--ink"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line"), width: 1 } };
    return {
        width,
        height: 300,
        tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1e3), "Etc/UTC"),
        scales: { x: { time: times.utc }, y: { range: (_, low, high) => [0, Math.max(high, 1) * 1.05] } },
        axes: [times.utc ? { ...axis, values: ticks, space: 70 } : axis, { ...axis, size: 80, incrs: powersOfTwo, values: (_, all) => all.map(bytes) }],
        series: [times.utc ? { label: "UTC", value: "{YYYY}-{MM}-{DD} {HH}:{mm}:{ss}" } : { label: "seconds" }, ...times.lines.map((line, index) => ({
            label: line.name,
            stroke: colour(`--colour-${index % 8}`),
            width: index === 0 ? 2 : 1.5,
            spanGaps: true,
            points: { show: true, size: 5 },
            value: (_, value) => bytes(value ?? null),
        }))],
        hooks: { draw: [drawEvents] },
    };
}

export function showTimeline() {
    if (!times) return;
    const area = element("div", { className: "timeline", role: "img", "aria-label": times.words });
    part("timeline", "Over time", area, element("p", { className: "note" }, times.words));
    const rows = [times.at_ms.map((at) => at / 1e3), ...times.lines.map((line) => line.bytes)];
    let plot = null;
    const draw = () => {
        plot?.destroy();
        plot = new uPlot(options(area.clientWidth), rows, area);
    };
    draw();
    dark.addEventListener("change", draw);
    new ResizeObserver(() => plot.setSize({ width: area.clientWidth, height: 300 })).observe(area);
}

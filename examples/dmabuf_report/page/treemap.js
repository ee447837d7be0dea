// SPDX-License-Identifier: MIT
//
// The memory as areas: groups, and in them buffers, or for cgroups processes.
import { hierarchy, treemap } from "d3-hierarchy";

import {
    buffers, cgroupOf, exporterOf, exporters, heldBy, makerOf, makers, moreBuffers, processes, shareOf,
} from "./data.js";
import { element, part, switches } from "./dom.js";
import { bufferName, bytes, many, processName } from "./words.js";

const colours = 8; // of report.css
const width = 1000;
const height = 560;

const byValue = (a, b) => b.value - a.value;

const leafOfBuffer = (index, value) =>
    ({ name: bufferName(buffers[index]), value, choose: (buffer) => buffer === buffers[index] });

/// The sum of a group's members that have no room of their own.
const restOf = (value, words) => (value >= 1 ? [{ name: words, value, choose: null }] : []);

function byHolder() {
    const groups = processes.map((process, index) => {
        const leaves = heldBy[index].map((at) => leafOfBuffer(at, shareOf(buffers[at])));
        const drawn = leaves.reduce((sum, leaf) => sum + leaf.value, 0);
        const rest = (process.pss ?? process.rss) - drawn;
        return {
            name: processName(process),
            children: [...leaves, ...restOf(rest > drawn * 1e-9 ? rest : 0, "smaller buffers")],
            choose: (buffer) => buffer.holders.includes(index),
        };
    });
    const free = buffers.flatMap((buffer, at) => (buffer.holder_count === 0 ? [leafOfBuffer(at, buffer.size ?? 0)] : []));
    return [...groups, { name: "no process", grey: true, children: free, choose: (buffer) => buffer.holder_count === 0 }];
}

/// `all`: indices of what groups the buffers, and null.
function byBuffer(all, indexOf, nameOf, rest) {
    const groups = new Map();
    buffers.forEach((buffer, at) => {
        const key = indexOf(buffer);
        if (!groups.has(key))
            groups.set(key, { name: nameOf(buffer), children: [], choose: (one) => indexOf(one) === key });
        groups.get(key).children.push(leafOfBuffer(at, buffer.size ?? 0));
    });
    rest(groups);
    return [...groups.values()];
}

const byExporter = () => byBuffer(exporters, (one) => one.exporter, exporterOf, (groups) => {
    for (const { exporter, bytes: value, buffers: number } of moreBuffers) {
        if (!groups.has(exporter))
            groups.set(exporter, { name: exporterOf({ exporter }), children: [], choose: (one) => one.exporter === exporter });
        groups.get(exporter).children.push(...restOf(value, many(number, "smaller buffer", "smaller buffers")));
    }
});

const byMaker = () => byBuffer(makers, (one) => one.maker, makerOf, (groups) => {
    const value = moreBuffers.reduce((sum, one) => sum + one.bytes, 0);
    groups.set("rest", { name: "smaller buffers of all makers", children: restOf(value, "smaller buffers"), choose: null });
});

function byCgroup() {
    const groups = new Map();
    processes.forEach((process, index) => {
        const name = cgroupOf(process);
        if (!groups.has(name))
            groups.set(name, {
                name, children: [],
                choose: (buffer) => buffer.holders.some((holder) => cgroupOf(processes[holder]) === name),
            });
        groups.get(name).children.push({
            name: processName(process), value: process.pss ?? process.rss,
            choose: (buffer) => buffer.holders.includes(index),
        });
    });
    return [...groups.values()];
}

const ways = {
    holder: { words: "Holder", groups: byHolder, of: "held by" },
    maker: { words: "Maker", groups: byMaker, of: "made by" },
    exporter: { words: "Exporter", groups: byExporter, of: "exported by" },
    cgroup: { words: "Cgroup", groups: byCgroup, of: "held in" },
};

function place(made, node) {
    made.style.left = `${(node.x0 / width) * 100}%`;
    made.style.top = `${(node.y0 / height) * 100}%`;
    made.style.width = `${((node.x1 - node.x0) / width) * 100}%`;
    made.style.height = `${((node.y1 - node.y0) / height) * 100}%`;
    return made;
}

function drawLeaf(node, of, colour, choose) {
    const { name } = node.data;
    const made = place(element("div", { className: `leaf colour-${colour}`, title: `${name}\n${bytes(node.value)}\n${of}` }), node);
    if (node.x1 - node.x0 > 60 && node.y1 - node.y0 > 22) made.append(element("span", {}, name));
    if (node.data.choose) made.addEventListener("click", () => choose(node.data.choose, name));
    return made;
}

/// A button: by keyboard and by voice, its group is chosen for the table.
function drawGroup(node, way, colour, choose) {
    const of = `${way.of} ${node.data.name}`;
    const words = `${node.data.name}: ${bytes(node.value)}`;
    const made = place(element("button", { type: "button", className: `group colour-${colour}`, title: words }), node);
    made.append(element("span", {}, words));
    if (node.data.choose)
        made.addEventListener("click", () => choose(node.data.choose, of));
    else
        made.disabled = true;
    return made;
}

/// Draws the groups but for those of `without`. Returns the names of all that are drawn, the largest first.
function draw(area, way, without, choose) {
    const groups = way.groups().filter((group) => group.children.length > 0 && !without.includes(group.name));
    const root = hierarchy({ children: groups }).sum((one) => one.value ?? 0).sort(byValue);
    treemap().size([width, height]).paddingOuter(1).paddingTop(18).paddingInner(1)(root);
    const drawn = [];
    let coloured = 0;
    for (const group of root.children ?? []) {
        if (!group.value) continue;
        const colour = group.data.grey || coloured === colours ? "rest" : coloured++;
        drawn.push(drawGroup(group, way, colour, choose));
        for (const leaf of group.children ?? [])
            if (leaf.x1 - leaf.x0 > 0.5 && leaf.y1 - leaf.y0 > 0.5)
                drawn.push(drawLeaf(leaf, `${way.of} ${group.data.name}`, colour, choose));
    }
    area.replaceChildren(...drawn);
    return (root.children ?? []).filter((group) => group.value).map((group) => group.data.name);
}

/// One group may hold so much more than the others that they cannot be told apart: it can be left out.
class GroupMap {
    constructor(choose) {
        this.choose = choose;
        this.area = element("div", { className: "treemap", role: "group", "aria-label": "Groups, the largest first" });
        this.less = element("button", { type: "button" });
        this.all = element("button", { type: "button" }, "Draw all");
        this.less.addEventListener("click", () => this.leaveOut([...this.without, this.names[0]]));
        this.all.addEventListener("click", () => this.leaveOut([]));
        this.note = element("p", { className: "note", role: "status" });
    }

    turn(way) {
        this.way = way;
        this.leaveOut([]);
    }

    leaveOut(without) {
        this.without = without;
        this.names = draw(this.area, this.way, without, this.choose);
        this.less.hidden = this.names.length < 2;
        this.less.textContent = `Leave out ${this.names[0]}`;
        this.all.hidden = without.length === 0;
        this.note.textContent = without.length === 0 ? "" : `Not drawn: ${without.join(", ")}.`;
    }
}

/// `choose(test, words)` is called with a test for buffers when an area is chosen.
export function showTreemap(choose) {
    const map = new GroupMap(choose);
    const offered = Object.entries(ways).filter(([name]) =>
        (name !== "maker" || makers.length > 0) && (name !== "cgroup" || processes.some((one) => one.cgroup !== null)));
    const by = switches("Group the memory by", offered.map(([name, way]) => [name, way.words]),
        (name) => map.turn(ways[name]));
    const amount = element("div", { className: "switches" }, map.less, map.all);
    part("treemap", "Where the memory is", by.row, map.area, amount, map.note, element("p", { className: "note" },
        "Areas are to scale. A shared buffer's size is split over its holders. Choose an area, and the table below shows its buffers."));
    by.start();
}

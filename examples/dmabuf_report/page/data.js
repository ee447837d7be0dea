// SPDX-License-Identifier: MIT
//
// The account that stands in the page as JSON; README.md describes it.
import { bufferName, processName } from "./words.js";

const read = JSON.parse(document.getElementById("data").textContent);

export const { exporters, makers, cgroups, processes, buffers, times } = read;
export const moreBuffers = read.more_buffers;
export const moreProcesses = read.more_processes;

/// The part of a buffer's size that one holder carries.
export const shareOf = (buffer) => (buffer.size ?? 0) / Math.max(buffer.holder_count ?? 1, 1);

/// Indices of buffers, by process.
export const heldBy = processes.map(() => []);
buffers.forEach((buffer, index) => {
    for (const holder of buffer.holders) heldBy[holder].push(index);
});

export const exporterOf = (buffer) => (buffer.exporter === null ? "unknown exporter" : exporters[buffer.exporter]);
export const makerOf = (buffer) => (buffer.maker === null ? "unknown maker" : makers[buffer.maker]);
export const cgroupOf = (process) => (process.cgroup === null ? "unknown cgroup" : cgroups[process.cgroup]);

/// Everything that a search looks through, in lower case.
export const textOfBuffer = (buffer) => [bufferName(buffer), exporterOf(buffer), makerOf(buffer), ...buffer.devices,
    ...buffer.holders.map((holder) => processName(processes[holder]))].join("\n").toLowerCase();
export const textOfProcess = (process) =>
    [processName(process), process.user, cgroupOf(process)].join("\n").toLowerCase();

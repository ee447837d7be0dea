// SPDX-License-Identifier: MIT
//
// Numbers and names as words.

const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

/// "18.7 MiB", as the programs print it; "–" where it is not known.
export function bytes(number) {
    if (number === null) return "–";
    let unit = 0;
    let scaled = number;
    while (scaled >= 1024 && unit + 1 < units.length) {
        scaled /= 1024;
        ++unit;
    }
    return `${unit === 0 ? scaled : scaled.toFixed(1)} ${units[unit]}`;
}

export const count = (number) => (number === null ? "–" : number.toLocaleString("en"));

export const many = (number, one, more) => `${count(number)} ${number === 1 ? one : more}`;

export const processName = (one) => `${one.comm} (${one.pid})`;

/// The name that somebody set, or else the number.
export const bufferName = (one) => (one.name ? `${one.name} (${one.inode})` : `buffer ${one.inode}`);

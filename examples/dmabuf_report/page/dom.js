// SPDX-License-Identifier: MIT
//
// Elements, made without any HTML text: a name that a process chose is only ever the text of a node.

/// `properties` are set on the element: those of the DOM, and attributes (with a hyphen, or "role").
export function element(tag, properties = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
        if (name.includes("-") || name === "role" || name === "scope" || name === "for")
            made.setAttribute(name, value);
        else
            made[name] = value;
    }
    made.append(...children);
    return made;
}

let last = 0;
export const newId = () => `id-${++last}`;

/// A row of buttons of which one is on. `choose(value)` is called for the first, and for each that is pressed.
export function switches(label, choices, choose) {
    const row = element("div", { className: "switches", role: "group", "aria-label": label });
    const press = (button, value) => {
        for (const one of row.children) one.setAttribute("aria-pressed", String(one === button));
        choose(value);
    };
    for (const [value, words] of choices) {
        const button = element("button", { type: "button", "aria-pressed": "false" }, words);
        button.addEventListener("click", () => press(button, value));
        row.append(button);
    }
    return { row, start: () => press(row.firstChild, choices[0][0]) };
}

/// A part of the page with a heading of its own.
export function part(id, title, ...children) {
    const heading = element("h2", { id: newId() }, title);
    const made = element("section", { id, "aria-labelledby": heading.id }, heading, ...children);
    document.getElementById("views").append(made);
    return made;
}

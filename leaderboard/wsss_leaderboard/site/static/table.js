"use strict";
// Sorting, filtering and columns of a board. A page without scripts shows all rows and columns.
wsss.table = document.getElementById("board");
wsss.heads = [...wsss.table.tHead.rows[0].cells];
wsss.place = (key) => wsss.heads.findIndex((head) => head.dataset.key === key);

// Rows with what scripts often need of them; `under` holds the rows of a method's seeds.
wsss.groups = [...wsss.table.tBodies];
wsss.rows = wsss.groups.flatMap((body) =>
  [...body.rows]
    .filter((row) => row.className !== "head")
    .map((row) => ({ row, body, under: [], slug: row.querySelector("a")?.getAttribute("href").slice(8, -5) }))
);
wsss.text = (row, place) => row.cells[place].textContent.trim();
wsss.name = (row) => wsss.text(row, wsss.place("method"));

// The value by which a cell is sorted; null, for an empty cell, sorts last.
const valueOf = (text, counts) => {
  if (text === "-") return null;
  const number = counts ? Number.parseFloat(text.replace("−", "-").replaceAll(",", "")) : Number.NaN;
  return Number.isNaN(number) ? text.toLowerCase() : number;
};

const compare = (a, b, sign) => {
  if (a === null || b === null) return (a === null) - (b === null);
  if (typeof a !== typeof b) return typeof a === "string" ? 1 : -1;
  return sign * (typeof a === "string" ? a.localeCompare(b) : a - b);
};

// Draw a line above each new tie group if rows are sorted by group or rank.
const markGroups = (key) => {
  const at = wsss.place("group");
  const groups = wsss.rows.map(({ row }) => (at < 0 ? "" : wsss.text(row, at)));
  wsss.rows.forEach(({ row, body }, n) => {
    const follows = n > 0 && body === wsss.rows[n - 1].body && groups[n] !== groups[n - 1];
    row.classList.toggle("new-group", ["rank", "group"].includes(key) && follows);
  });
};

wsss.sort = ({ key, descending }) => {
  const place = Math.max(0, wsss.place(key));
  const counts = wsss.heads[place].matches(".n, .iv");
  const keyed = wsss.rows.map((one) => ({ one, value: valueOf(wsss.text(one.row, place), counts) }));
  keyed.sort((a, b) => compare(a.value, b.value, descending ? -1 : 1));
  const ordered = wsss.groups.flatMap((body) => keyed.filter(({ one }) => one.body === body).map(({ one }) => one));
  // leave a table that is already in order alone: a new layout is slow
  if (ordered.some((one, at) => one !== wsss.rows[at]))
    for (const one of ordered) one.body.append(one.row, ...one.under);
  wsss.rows = ordered;
  markGroups(key);
  wsss.heads.forEach((head, at) => {
    if (at === place) head.setAttribute("aria-sort", descending ? "descending" : "ascending");
    else head.removeAttribute("aria-sort");
  });
};

// `filters`: the text that a cell must have, by key of its column; for a venue, its year is enough.
wsss.filter = (find, filters) => {
  const wanted = Object.entries(filters).filter(([, text]) => text);
  const fits = (row) =>
    wsss.name(row).toLowerCase().includes(find.toLowerCase()) &&
    wanted.every(([key, text]) => {
      const cell = wsss.text(row, wsss.place(key));
      return cell === text || (key === "venue" && cell.endsWith(` ${text}`));
    });
  for (const { row, under } of wsss.rows) {
    row.hidden = !fits(row);
    for (const one of under) one.hidden = row.hidden;
  }
  for (const body of wsss.groups)
    body.hidden = [...body.rows].every((row) => row.hidden || row.className === "head");
};

// One style sheet hides columns, which is faster than changing every cell.
const sheet = new CSSStyleSheet();
document.adoptedStyleSheets.push(sheet);
wsss.hide = (keys) => {
  const places = keys.map((key) => wsss.place(key) + 1).filter((place) => place > 0);
  sheet.replaceSync(places.map((p) => `#board tr:not(.head) > :nth-child(${p}) {display: none}`).join("\n"));
  wsss.heads.forEach((head) => (head.dataset.off = keys.includes(head.dataset.key) ? "1" : ""));
};

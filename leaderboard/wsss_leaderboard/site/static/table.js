"use strict";
// Sorting, filtering and columns of a board. A page without scripts shows all rows and columns.
wsss.table = document.getElementById("board");
wsss.heads = [...wsss.table.tHead.rows[0].cells];
wsss.place = (key) => wsss.heads.findIndex((head) => head.dataset.key === key);

// A row with what is asked of it again and again; `under` are the rows of its seeds.
wsss.rows = [...wsss.table.tBodies].flatMap((body) =>
  [...body.rows]
    .filter((row) => row.className !== "head")
    .map((row) => ({ row, body, under: [], slug: row.querySelector("a")?.getAttribute("href").slice(8, -5) }))
);
wsss.text = (row, place) => row.cells[place].textContent.trim();
wsss.name = (row) => wsss.text(row, wsss.place("method"));

// The value by which a cell is sorted: null is what is not there, and comes last.
const valueOf = (text) => {
  if (text === "-") return null;
  const number = Number.parseFloat(text.replace("−", "-").replaceAll(",", ""));
  return Number.isNaN(number) ? text.toLowerCase() : number;
};

const compare = (a, b, sign) => {
  if (a === null || b === null) return (a === null) - (b === null);
  if (typeof a !== typeof b) return typeof a === "string" ? 1 : -1;
  return sign * (typeof a === "string" ? a.localeCompare(b) : a - b);
};

wsss.sort = ({ key, descending }) => {
  const place = Math.max(0, wsss.place(key));
  const keyed = wsss.rows.map((one) => ({ one, value: valueOf(wsss.text(one.row, place)) }));
  keyed.sort((a, b) => compare(a.value, b.value, descending ? -1 : 1));
  for (const { one } of keyed) one.body.append(one.row, ...one.under);
  wsss.rows = keyed.map(({ one }) => one);
  wsss.heads.forEach((head, at) => {
    if (at === place) head.setAttribute("aria-sort", descending ? "descending" : "ascending");
    else head.removeAttribute("aria-sort");
  });
};

// `filters`: text that a column must have, by its key; of a venue the year at its end will do.
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
  for (const body of wsss.table.tBodies)
    body.hidden = [...body.rows].every((row) => row.hidden || row.className === "head");
};

// Hidden columns are one style sheet, which is quicker than a change of each cell.
const sheet = new CSSStyleSheet();
document.adoptedStyleSheets.push(sheet);
wsss.hide = (keys) => {
  const places = keys.map((key) => wsss.place(key) + 1).filter((place) => place > 0);
  sheet.replaceSync(places.map((p) => `#board tr:not(.head) > :nth-child(${p}) {display: none}`).join("\n"));
  wsss.heads.forEach((head) => (head.dataset.off = keys.includes(head.dataset.key) ? "1" : ""));
};

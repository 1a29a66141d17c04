"use strict";
// The reader's choices, kept in the page's address so that a view can be shared and cited.
{
  const form = document.getElementById("controls");
  const columns = document.getElementById("columns");
  const status = document.getElementById("status");
  const filters = [...form.querySelectorAll("select")].map((select) => select.name);
  const DEFAULT = "-miou";

  const read = () => {
    const asked = new URLSearchParams(location.search);
    const sort = asked.get("sort") || DEFAULT;
    return {
      key: sort.replace(/^-/, ""),
      descending: sort.startsWith("-"),
      find: asked.get("q") ?? "",
      filters: Object.fromEntries(filters.map((name) => [name, asked.get(name) ?? ""])),
      hidden: asked.get("hide")?.split(",") ?? [],
      open: asked.get("open")?.split(",") ?? [],
    };
  };
  const state = read();
  wsss.state = state;

  wsss.write = () => {
    const sort = (state.descending ? "-" : "") + state.key;
    const told = {
      sort: sort === DEFAULT ? "" : sort,
      q: state.find,
      ...state.filters,
      hide: state.hidden.join(","),
      open: state.open.join(","),
    };
    const query = new URLSearchParams(Object.entries(told).filter(([, text]) => text));
    history.replaceState(null, "", query.size ? `?${query}` : location.pathname);
  };

  const tell = () => {
    const words = wsss.heads[wsss.place(state.key)]?.dataset.words ?? state.key;
    const shown = wsss.rows.filter(({ row }) => !row.hidden).length;
    const order = state.descending ? "highest first" : "lowest first";
    status.textContent = `${shown} of ${wsss.rows.length} rows, sorted by ${words}, ${order}. Bounds, controls and published figures follow without a rank.`;
  };

  // Apply the state to the table, the status line and the address.
  wsss.show = () => {
    wsss.sort(state);
    wsss.filter(state.find, state.filters);
    wsss.hide(state.hidden);
    tell();
    wsss.write();
  };

  const fill = () => {
    form.elements.q.value = state.find;
    for (const name of filters) form.elements[name].value = state.filters[name];
    for (const box of columns.querySelectorAll("input")) box.checked = !state.hidden.includes(box.value);
  };

  for (const head of wsss.heads) {
    const words = head.firstChild.textContent.trim();
    head.dataset.words = words;
    const button = wsss.make("button", { type: "button" }, words);
    head.firstChild.replaceWith(button);
    button.onclick = () => {
      const again = state.key === head.dataset.key;
      state.descending = again ? !state.descending : head.matches(".n, .iv") && head.dataset.key !== "rank";
      state.key = head.dataset.key;
      wsss.show();
    };
    if (head.dataset.key === "method") continue;
    const box = wsss.make("input", { type: "checkbox", name: "column", value: head.dataset.key });
    columns.append(wsss.make("label", {}, box, words));
  }

  form.oninput = () => {
    state.find = form.elements.q.value;
    for (const name of filters) state.filters[name] = form.elements[name].value;
    state.hidden = [...columns.querySelectorAll("input:not(:checked)")].map((box) => box.value);
    wsss.show();
  };
  form.onsubmit = (event) => event.preventDefault();
  form.onreset = (event) => {
    event.preventDefault();
    Object.assign(state, { key: "miou", descending: true, find: "", hidden: [], filters: {} });
    for (const name of filters) state.filters[name] = "";
    fill();
    wsss.show();
  };
  fill();
  form.hidden = false;
  wsss.show();
}

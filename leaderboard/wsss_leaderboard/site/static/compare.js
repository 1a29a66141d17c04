"use strict";
// Two rows of a board side by side. The data of a row is loaded when it is chosen.
{
  const form = document.getElementById("pair");
  const which = document.getElementById("which");
  const status = document.getElementById("status");
  const result = document.getElementById("result");
  const MOST = 8; // images on each side

  const percent = (value) => (value === null || value === undefined ? "-" : (100 * value).toFixed(1));
  const points = (value, digits = 1) =>
    value === null ? "-" : `${value < 0 ? "−" : "+"}${Math.abs(100 * value).toFixed(digits)}`;
  const minus = (a, b) => (typeof a === "number" && typeof b === "number" ? a - b : null);
  const number = (text) => wsss.make("td", { class: "n" }, text);
  const words = (text) => wsss.make("td", { class: "words" }, text);
  const name = (text) => wsss.make("th", { scope: "row" }, text);

  // A bar from the middle of the cell; `most` fills half its width.
  const diverging = (value, most) =>
    wsss.make("td", { class: value < 0 ? "diff less" : "diff", style: `--v:${(50 * Math.abs(value ?? 0)) / (most || 1)}` }, points(value));

  const fill = (id, heads, rows, nothing) => {
    const head = heads.map(([text, kind]) => wsss.make("th", { scope: "col", class: kind ?? "" }, text));
    const body = rows.length ? rows : [[wsss.make("td", { colspan: heads.length }, nothing)]];
    document.getElementById(id).replaceChildren(
      wsss.make("thead", {}, wsss.make("tr", {}, ...head)),
      wsss.make("tbody", {}, ...body.map((cells) => wsss.make("tr", {}, ...cells)))
    );
  };

  const verdict = (difference, reach, seeds) => {
    if (difference === null) return "one row did not finish";
    if (reach === undefined) return "no interval: counts by image are missing";
    const so = difference > 0 ? "B is better" : "A is better";
    return (Math.abs(difference) <= reach ? "no significant difference" : so) + (seeds ? "" : ", seeds not covered");
  };

  const means = (a, b) => {
    const rows = [...which.elements.target.options].flatMap(({ value: target, text }) => {
      const [one, other] = [a.targets[target], b.targets[target]];
      if (!one && !other) return [];
      const difference = minus(other?.mean, one?.mean);
      const reach = difference === null ? undefined : one.reach?.[other.at];
      const ends = reach === undefined ? "-" : `${points(difference - reach)} to ${points(difference + reach)}`;
      return [
        [
          name(text),
          number(percent(one?.mean)),
          number(percent(other?.mean)),
          number(points(difference)),
          number(ends),
          words(verdict(difference, reach, one?.seeds?.[other?.at])),
        ],
      ];
    });
    const heads = [["Target"], ["A", "n"], ["B", "n"], ["B − A", "n"], ["95 % interval", "n"], ["Verdict"]];
    fill("means", heads, rows, "The rows share no target.");
  };

  const moved = (id, first, one, other, order) => {
    const keys = Object.keys(one).filter((key) => key in other);
    const rows = keys.map((key) => ({ key, change: minus(other[key], one[key]) }));
    if (order) rows.sort((x, y) => Math.abs(y.change ?? 0) - Math.abs(x.change ?? 0));
    const most = Math.max(...rows.map(({ change }) => Math.abs(change ?? 0)));
    fill(
      id,
      [[first], ["A, %", "n"], ["B, %", "n"], ["B − A", "n"]],
      rows.map(({ key, change }) => [
        name(key),
        number(percent(one[key])),
        number(percent(other[key])),
        diverging(change, most),
      ]),
      "Not available for both rows."
    );
  };

  const settings = (a, b) => {
    const keys = [...new Set([...Object.keys(a.settings), ...Object.keys(b.settings)])];
    const differing = keys.filter((key) => a.settings[key] !== b.settings[key]);
    fill(
      "settings",
      [["Option"], ["A"], ["B"]],
      differing.map((key) => [name(key), words(a.settings[key] ?? "-"), words(b.settings[key] ?? "-")]),
      "No option of any stage differs."
    );
  };

  const decoded = (text) => new Float32Array(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);

  const images = async (one, other, target) => {
    let rows = [];
    if (one?.influence && other?.influence) {
      const ids = (await wsss.ask("images", "data/images.js"))[target];
      const [mine, theirs] = [decoded(one.influence), decoded(other.influence)];
      rows = ids.map((id, at) => ({ id, change: theirs[at] - mine[at] }));
      rows.sort((x, y) => y.change - x.change);
    }
    const shown = rows.length > 2 * MOST ? [...rows.slice(0, MOST), ...rows.slice(-MOST)] : rows;
    const most = Math.max(...shown.map(({ change }) => Math.abs(change)));
    fill(
      "images",
      [["Image"], ["For B (+) or A (−)", "n"]],
      shown.map(({ id, change }) => {
        const cell = diverging(change, most);
        cell.textContent = points(change, 3);
        return [name(id), cell];
      }),
      "Counts by image are missing."
    );
  };

  const parts = async (a, b) => {
    const target = which.elements.target.value;
    const [one, other] = [a.targets[target], b.targets[target]];
    moved("classes", "Class", one?.classes ?? {}, other?.classes ?? {}, true);
    const shares = (side) =>
      Object.fromEntries(Object.entries(side?.shares ?? {}).map(([cause, [share]]) => [cause, share]));
    moved("causes", "Cause", shares(one), shares(other), false);
    await images(one, other, target);
  };

  const show = async () => {
    const { a, b } = form.elements;
    const query = new URLSearchParams({ a: a.value, b: b.value, target: which.elements.target.value });
    history.replaceState(null, "", `?${query}`);
    result.hidden = !(a.value && b.value);
    status.textContent = result.hidden ? "Choose two rows." : "";
    if (result.hidden) return;
    try {
      const both = await Promise.all([a, b].map(({ value }) => wsss.ask(value, `data/${value}.js`)));
      means(...both);
      settings(...both);
      await parts(...both);
      status.textContent = `A is ${both[0].method}; B is ${both[1].method}.`;
    } catch (error) {
      result.hidden = true;
      status.textContent = error.message;
    }
  };

  const asked = new URLSearchParams(location.search);
  form.elements.b.append(...[...form.elements.a.querySelectorAll("optgroup")].map((group) => group.cloneNode(true)));
  // Without a choice the page opens with the second-best and the best method: rows are sorted.
  const methods = [...form.elements.a.querySelectorAll("optgroup[data-kind=method] option")];
  const open = { a: methods[1]?.value, b: methods[1] && methods[0].value };
  for (const side of ["a", "b"]) form.elements[side].value = asked.get(side) ?? (asked.size ? "" : open[side] ?? "");
  for (const side of ["a", "b"]) if (!form.elements[side].value) form.elements[side].value = "";
  if ([...which.elements.target.options].some(({ value }) => value === asked.get("target")))
    which.elements.target.value = asked.get("target");
  form.onchange = show;
  which.onchange = show;
  document.getElementById("swap").onclick = () => {
    const { a, b } = form.elements;
    [a.value, b.value] = [b.value, a.value];
    show();
  };
  form.hidden = false;
  show();
}

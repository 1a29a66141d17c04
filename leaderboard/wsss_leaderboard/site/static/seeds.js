"use strict";
// The runs of a method, unfolded below its row and loaded on demand.
{
  const { open } = wsss.state;
  const board = wsss.table.dataset;

  // Cells of a run by the key of their column; other columns stay empty.
  const cellsOf = (run) => {
    const texts = { miou: run.miou[board.target], cpu: run.cpu, gpu: run.gpu, memory: run.memory };
    for (const head of wsss.heads)
      if (head.dataset.of !== undefined) texts[head.dataset.key] = run.miou[head.dataset.of];
    return wsss.heads.map((head) => {
      if (head.dataset.key === "method")
        return wsss.make("th", { scope: "row" }, wsss.make("a", { href: run.record }, `seed ${run.seed}`));
      return wsss.make("td", { class: head.matches(".n") ? "n" : "" }, texts[head.dataset.key] ?? "");
    });
  };

  const expand = async (one, button) => {
    const { seeds } = await wsss.ask(one.slug, `data/${one.slug}.js`);
    one.under = seeds.map((run) => wsss.make("tr", { class: "seedrow" }, ...cellsOf(run)));
    one.row.after(...one.under);
    for (const row of one.under) row.hidden = one.row.hidden;
    button.setAttribute("aria-expanded", "true");
  };

  const collapse = (one, button) => {
    for (const row of one.under) row.remove();
    one.under = [];
    button.setAttribute("aria-expanded", "false");
  };

  const toggle = async (one, button) => {
    const opening = !one.under.length;
    await (opening ? expand : collapse)(one, button);
    const others = open.filter((slug) => slug !== one.slug);
    open.splice(0, open.length, ...others, ...(opening ? [one.slug] : []));
    wsss.write();
  };

  for (const one of wsss.rows.filter(({ slug }) => slug)) {
    const button = wsss.make("button", { type: "button", class: "open", "aria-expanded": "false" });
    button.setAttribute("aria-label", `Seeds of ${wsss.name(one.row)}`);
    button.onclick = () => toggle(one, button);
    one.row.cells[wsss.place("method")].prepend(button);
    if (open.includes(one.slug)) expand(one, button);
  }
}

"use strict";
// Which rows are shown, as masks or as causes of wrong pixels, how opaque, and in which order.
{
  const form = document.getElementById("look");
  const album = document.getElementById("album");
  const status = document.getElementById("status");
  const items = [...album.children];
  const boxes = [...form.querySelectorAll("[name=row]")];
  const folder = "pictures/";

  const figure = (item, at, stem, words, row, layer) => {
    const tile = item.querySelector(".tile").cloneNode(true);
    const wrong = (100 * (row.wrong[at] ?? 0)).toFixed(1);
    tile.setAttribute("aria-label", `${layer} of ${words}`);
    const over = wsss.make("i", { class: "over" });
    over.style.backgroundImage = `url(${folder}${row[layer]})`;
    tile.append(over);
    return wsss.make("figure", { "data-row": stem }, tile, wsss.make("figcaption", {}, `${words}, ${wrong} % wrong`));
  };

  const state = () => ({
    layer: form.elements.layer.value,
    opacity: form.elements.opacity.value,
    worst: form.elements.worst.value,
    rows: boxes.filter((box) => box.checked).map((box) => box.value),
  });

  const write = ({ layer, opacity, worst, rows }) => {
    const query = new URLSearchParams({ layer, opacity, rows: rows.join(",") });
    if (worst) query.set("worst", worst);
    history.replaceState(null, "", `?${query}`);
  };

  const show = async () => {
    const now = state();
    album.style.setProperty("--alpha", now.opacity / 100);
    for (const layer of ["masks", "causes"]) document.getElementById(`legend-${layer}`).hidden = layer !== now.layer;
    const known = await wsss.ask("pictures", "data/pictures.js");
    items.forEach((item, at) => {
      for (const old of item.querySelectorAll("[data-row]")) old.remove();
      for (const box of boxes.filter(({ checked }) => checked))
        item.append(figure(item, at, box.value, box.parentElement.textContent.trim(), known[box.value], now.layer));
    });
    const badness = (at) => known[now.worst]?.wrong[at] ?? 0;
    const order = items.map((_, at) => at).sort((a, b) => badness(b) - badness(a) || a - b);
    album.append(...order.map((at) => items[at]));
    status.textContent = `${now.rows.length} rows. % wrong: share of the counted pixels of an image.`;
    write(now);
  };

  const query = new URLSearchParams(location.search);
  if (query.has("rows")) for (const box of boxes) box.checked = query.get("rows").split(",").includes(box.value);
  for (const name of ["layer", "opacity", "worst"]) if (query.has(name)) form.elements[name].value = query.get(name);
  form.oninput = show;
  form.onsubmit = (event) => event.preventDefault();
  form.hidden = false;
  show();
}

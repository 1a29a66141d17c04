"use strict";
// Ranks the reader's own record files on the board. They are read here and sent nowhere.
{
  const area = document.getElementById("drop");
  const status = document.getElementById("dropped");
  const board = wsss.table.dataset;
  const protocol = JSON.parse(board.protocol);
  const labels = JSON.parse(board.labels); // of segmentors, by the keys of targets
  const local = new Map(); // method -> its records by seed

  const percent = (value) => (100 * value).toFixed(1);
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const deviation = (values) => {
    const middle = mean(values);
    return Math.sqrt(values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (values.length - 1));
  };

  // Without unprintable characters, some of which reverse the direction of text.
  const shown = (text) => String(text).replace(/\p{C}/gu, " ");

  // The mark of a bound, which reads the ground truth, or of a control; empty for a method.
  const markOf = (records) => {
    const read = records.flatMap((record) => Object.values(record.supervision?.read ?? {}).flat());
    return read.includes("truth") ? "‡" : records[0].control ? "†" : "";
  };

  // Records without those that share their masks, or segmentor, with an earlier seed.
  const distinct = (records, target) => {
    const begins = labels[target] ? [`segment ${labels[target]} on `] : ["mask ", "bound "];
    const made = ({ steps }) =>
      steps.findLast((step) => begins.some((begin) => String(step?.stage).startsWith(begin)))?.key;
    return [...new Map(records.map((record) => [made(record) ?? record, record]).reverse()).values()];
  };

  const scoreOf = (record, target) => {
    const label = labels[target];
    const part = label ? record.segmentations?.find((one) => one.segmentor === label) : record.masks;
    const miou = part?.score?.miou;
    return typeof miou === "number" && miou >= 0 && miou <= 1 ? miou : null;
  };

  // Why a record does not fit this board; empty if it does.
  const objection = (record) => {
    if (typeof record?.method !== "string" || !Number.isInteger(record.seed) || !record.protocol || !Array.isArray(record.steps))
      return "it is not a record written by this version of `wsss run`";
    if (record.dataset !== board.dataset) return `its dataset is ${shown(record.dataset)}, the board's is ${board.dataset}`;
    const unlike = Object.keys(protocol).filter((name) => record.protocol[name] !== protocol[name]);
    if (unlike.length)
      return `its protocol differs: ${unlike.map((n) => `${n} is ${shown(record.protocol[n])}, here ${protocol[n]}`).join("; ")}`;
    if (scoreOf(record, board.target) === null) return "it has no mIoU for this board: its run did not finish";
    return "";
  };

  // The range of ranks that the other methods' intervals allow for a value.
  const rankOf = (value) => {
    const ends = wsss.rows
      .filter(({ row, body }) => body.className === "method" && !row.classList.contains("local"))
      .map(({ row }) => wsss.text(row, wsss.place("interval")).split("–").map(Number))
      .filter(([low]) => !Number.isNaN(low));
    const best = 1 + ends.filter(([low]) => low > 100 * value).length;
    const worst = 1 + ends.length - ends.filter(([, high]) => high < 100 * value).length;
    return best === worst ? `${best}` : `${best}–${worst}`;
  };

  const rowOf = (method, records, mark) => {
    const values = distinct(records, board.target).map((record) => scoreOf(record, board.target));
    const spread = values.length > 1 ? ` ±${percent(deviation(values))}` : "";
    const texts = { method, seeds: values.length, verified: "local file" };
    if (!mark && wsss.place("interval") >= 0) texts.rank = rankOf(mean(values));
    for (const { dataset } of wsss.heads) {
      if (dataset.of === undefined) continue;
      const found = distinct(records, dataset.of).map((record) => scoreOf(record, dataset.of));
      if (!found.includes(null)) texts[dataset.key] = percent(mean(found));
    }
    const cells = wsss.heads.map((head) => {
      const { key } = head.dataset;
      if (key === "method") return wsss.make("th", { scope: "row" }, `${shown(method).slice(0, 60)}${mark} (yours)`);
      if (key === "miou") return wsss.make("td", { class: "n" }, wsss.make("b", {}, percent(mean(values))), spread);
      return wsss.make("td", { class: head.className === "n" ? "n" : "" }, `${texts[key] ?? "-"}`);
    });
    return wsss.make("tr", { class: "local" }, ...cells);
  };

  // The table body of a group, created where the board has none.
  const bodyOf = (name) => {
    const found = wsss.groups.find((body) => body.className === name);
    if (found) return found;
    const made = wsss.make("tbody", { class: name });
    const after = wsss.groups.findIndex((body) => name === "method" || body.className === "published");
    wsss.table.insertBefore(made, wsss.groups[after] ?? null);
    wsss.groups.splice(after < 0 ? wsss.groups.length : after, 0, made);
    return made;
  };

  const place = () => {
    for (const { row } of wsss.rows.filter(({ row }) => row.classList.contains("local"))) row.remove();
    wsss.rows = wsss.rows.filter(({ row }) => !row.classList.contains("local"));
    for (const [method, seeds] of local) {
      const records = [...seeds.values()];
      const mark = markOf(records);
      const body = bodyOf(mark ? "reference" : "method");
      const row = rowOf(method, records, mark);
      body.append(row);
      wsss.rows.push({ row, body, under: [] });
    }
    wsss.show();
  };

  const take = async (files) => {
    const messages = [];
    for (const file of files) {
      let record = null;
      try {
        record = JSON.parse(await file.text());
      } catch {
        messages.push(`${shown(file.name)} was left out: it is not valid JSON.`);
        continue;
      }
      const why = objection(record);
      if (why) {
        messages.push(`${shown(file.name)} was left out: ${why}.`);
        continue;
      }
      if (!local.has(record.method)) local.set(record.method, new Map());
      local.get(record.method).set(record.seed, record);
    }
    place();
    const count = [...local.values()].reduce((sum, seeds) => sum + seeds.size, 0);
    if (count)
      messages.push(
        `${count} of your records are in the table, marked (yours). Their ranks are those that the other ` +
          "intervals allow; intervals of their own need the counts by image, which `wsss leaderboard build` reads."
      );
    status.textContent = messages.join(" ");
  };

  area.querySelector("input").onchange = (event) => take(event.target.files);
  addEventListener("dragover", (event) => {
    event.preventDefault();
    area.classList.add("over");
  });
  addEventListener("dragleave", () => area.classList.remove("over"));
  addEventListener("drop", (event) => {
    event.preventDefault();
    area.classList.remove("over");
    take(event.dataTransfer.files);
  });
  area.hidden = false;
}

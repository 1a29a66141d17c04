"use strict";
// Exports exactly the rows and columns shown, in their order, as CSV, Markdown or LaTeX.
{
  const NUMBER = /^[-+−]?[\d.,]+( ±[\d.]+)?$/;
  const LATEX = { "\\": "\\textbackslash{}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}" };

  const datum = (text) => {
    // a spreadsheet would take such text for a formula
    const safe = !/^[=+\-@−]/.test(text) || text === "-" || NUMBER.test(text);
    return `"${(safe ? text : `'${text}`).replaceAll('"', '""')}"`;
  };
  const markdown = (text) => text.replace(/[\\|*_<>[\]`~&$#]/g, "\\$&");
  const latex = (text) =>
    text
      .replace(/[\\~^]|[#$%&_{}]/g, (c) => LATEX[c] ?? `\\${c}`)
      .replaceAll("±", "$\\pm$")
      .replaceAll("−", "$-$")
      .replaceAll("–", "--")
      .replaceAll("¹", "$^1$")
      .replaceAll("†", "$^\\dagger$")
      .replaceAll("‡", "$^\\ddagger$")
      .replaceAll("§", "$^\\S$");

  // The kind column: unfolded runs, local records, and rows without a rank; anything else is a method.
  const KINDS = ["bound", "control", "published", "seedrow", "local"];
  const kindOf = (row) => KINDS.find((kind) => row.classList.contains(kind)) ?? "method";

  const view = () => {
    const places = wsss.heads.map((head, at) => (head.dataset.off ? -1 : at)).filter((at) => at >= 0);
    const rows = [...wsss.table.querySelectorAll("tbody:not([hidden]) tr:not([hidden], .head)")];
    return {
      heads: places.map((at) => wsss.heads[at].dataset.words),
      right: places.map((at) => wsss.heads[at].matches(".n")),
      rows: rows.map((row) => places.map((at) => wsss.text(row, at))),
      kinds: rows.map(kindOf),
      source: `${wsss.table.dataset.title}; snapshot ${wsss.table.dataset.snapshot}; ${location.href}`,
    };
  };

  const forms = {
    csv: ({ heads, rows, kinds }) =>
      [[...heads, "kind"], ...rows.map((row, at) => [...row, kinds[at]])]
        .map((row) => row.map(datum).join(","))
        .join("\n"),
    md: ({ heads, right, rows, source }) => {
      const line = (cells) => `| ${cells.join(" | ")} |`;
      const sides = right.map((number) => (number ? "---:" : "---"));
      const body = rows.map((row) => line(row.map(markdown)));
      return [line(heads.map(markdown)), line(sides), ...body, "", `<!-- ${source.replaceAll("--", "- -")} -->`].join("\n");
    },
    tex: ({ heads, right, rows, source }) => {
      const line = (cells) => `${cells.map(latex).join(" & ")} \\\\`;
      const sides = right.map((number) => (number ? "r" : "l")).join("");
      const body = rows.map(line);
      return [
        `% ${source}`,
        `\\begin{tabular}{${sides}}`,
        "\\toprule",
        line(heads),
        "\\midrule",
        ...body,
        "\\bottomrule",
        "\\end{tabular}",
      ].join("\n");
    },
  };
  wsss.exported = (form) => `${forms[form](view())}\n`;

  const text = wsss.make("textarea", { readonly: "", rows: 14, "aria-label": "Exported table", spellcheck: "false" });
  const copy = wsss.make("button", { type: "button" }, "Copy");
  const save = wsss.make("a", { class: "button" }, "Save as file");
  const close = wsss.make("button", { type: "button" }, "Close");
  const dialog = wsss.make("dialog", { "aria-label": "Export" }, text, wsss.make("p", {}, copy, save, close));
  document.body.append(dialog);

  copy.onclick = () => {
    text.select();
    document.execCommand("copy"); // navigator.clipboard is missing on file: pages
    copy.textContent = "Copied";
  };
  close.onclick = () => dialog.close();
  for (const button of document.querySelectorAll("#export button"))
    button.onclick = () => {
      const { form } = button.dataset;
      text.value = wsss.exported(form);
      URL.revokeObjectURL(save.href);
      save.href = URL.createObjectURL(new Blob([text.value], { type: "text/plain" }));
      save.download = `board.${form}`;
      copy.textContent = "Copy";
      dialog.showModal();
      text.setSelectionRange(0, 0);
      text.scrollTop = 0;
    };
}

// Filters, sorts and compares. Text is only ever put in as text; data come as script files of this folder, which works
// without a server too.
"use strict";
(() => {
  const data = /^(?:\.\.\/)?(?:rows\/\d+\/\d+|words\/(?:index|\d+)|runs\/[0-9a-f]+\/facts)\.js$/;
  const policy = window.trustedTypes
    ? window.trustedTypes.createPolicy("wellspring", {
        createScriptURL: (url) => {
          if (!data.test(url)) throw new TypeError("not a file of this site");
          return url;
        },
      })
    : { createScriptURL: (url) => url };
  const root = document.querySelector("script[src]").getAttribute("src").replace("assets/site.js", "");
  const loads = new Map();
  const waiting = new Map();

  function load(name) {
    if (!loads.has(name)) {
      loads.set(name, new Promise((resolve, reject) => {
        const script = document.createElement("script");
        waiting.set(name, resolve);
        script.src = policy.createScriptURL(`${root}${name}.js`);
        script.addEventListener("error", reject);
        document.head.append(script);
      }));
    }
    return loads.get(name);
  }

  function make(tag, text, attributes = {}) {
    const made = document.createElement(tag);
    if (text !== undefined) made.textContent = text;
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    return made;
  }

  // What one cannot see is not shown: controls, and characters that only steer (direction, joining, width).
  const clean = (text) => text.replace(/(?![\n\t])[\p{Cc}\p{Cf}\p{Co}\p{Cs}]/gu, "");
  const arrived = (name, value) => waiting.get(name)(value);
  window.wellspring = {
    load,
    make,
    clean,
    rows: (n, page) => arrived(`rows/${Math.floor(n / 1000)}/${n}`, page),
    words: (n, words) => arrived(`words/${n}`, words),
    facts: (run, facts) => arrived(`runs/${run}/facts`, facts),
  };

  for (const input of document.querySelectorAll("[data-filter]")) {
    const rows = [...document.querySelectorAll(`#${input.dataset.filter} tbody tr`)];
    const count = document.querySelector(`[data-count="${input.dataset.filter}"]`);
    input.addEventListener("input", () => {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const row of rows) {
        const text = row.textContent.toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
        shown += row.hidden ? 0 : 1;
      }
      count.textContent = words.length ? `${shown} of ${rows.length}` : "";
    });
  }

  const worth = (cell) => {
    const text = cell.textContent.trim();
    const scale = { k: 1e3, M: 1e6, min: 60, h: 3600 };
    const match = /^\$?(-?[\d,.]+)\s*(k|M|min|h|s|%)?$/.exec(text);
    return match ? Number(match[1].replaceAll(",", "")) * (scale[match[2]] || 1) : text;
  };
  for (const table of document.querySelectorAll("[data-sortable] table")) {
    table.querySelectorAll("thead th").forEach((head, column) => {
      const button = make("button", head.textContent, { type: "button" });
      head.textContent = "";
      head.append(button);
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") !== "descending";
        for (const other of table.querySelectorAll("th")) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const body = table.tBodies[0];
        const rows = [...body.rows].sort((a, b) => {
          const x = worth(a.cells[column]);
          const y = worth(b.cells[column]);
          const order = typeof x === typeof y ? (x > y) - (x < y) : typeof x === "number" ? -1 : 1;
          return down ? -order : order;
        });
        body.append(...rows);
      });
    });
  }

  const place = document.getElementById("comparison");
  const sides = [document.getElementById("left"), document.getElementById("right")];
  if (place && sides.every(Boolean)) {
    const show = (value) => (typeof value !== "number" ? value ?? "–" : value.toLocaleString("en", { maximumFractionDigits: 2 }));
    const delta = (a, b, as) => {
      if (typeof a !== "number" || typeof b !== "number" || a === b) return a === b ? "" : "≠";
      const ratio = a ? ` (${b > a ? "+" : "−"}${Math.abs((100 * (b - a)) / a).toFixed(0)}\u00a0%)` : "";
      return `${b > a ? "+" : "−"}${as(Math.abs(b - a))}${ratio}`;
    };
    const dollars = (value) => (typeof value !== "number" ? "–" : `$${value.toFixed(value >= 1 || !value ? 2 : 4)}`);
    const seconds = (value) => (typeof value !== "number" ? "–" : `${show(value)} s`);
    const table = (caption, lines, write = show) => {
      if (!lines.length) return "";
      const made = make("table");
      made.append(make("caption", caption, { class: "unseen" }));
      const head = make("tr");
      for (const [text, kind] of [["What", ""], ["First run", "number"], ["Second run", "number"], ["Change", "number"]]) head.append(make("th", text, { scope: "col", class: kind }));
      const top = make("thead");
      top.append(head);
      const body = make("tbody");
      for (const [name, a, b, as = write] of lines) {
        const row = make("tr");
        row.append(make("th", name, { scope: "row" }), make("td", as(a), { class: "number" }), make("td", as(b), { class: "number" }), make("td", delta(a, b, as), { class: "number" }));
        body.append(row);
      }
      made.append(top, body);
      const scrolls = make("div", undefined, { class: "scrolls", tabindex: "0", role: "region", "aria-label": caption });
      scrolls.append(made);
      const section = make("section");
      section.append(make("h2", caption), scrolls);
      return section;
    };
    const keyed = (rows, key, value) => new Map(rows.map((row) => [key(row), row[value]]));
    const lines = (a, b, part, key, value) => {
      const [x, y] = [keyed(a[part], key, value), keyed(b[part], key, value)];
      return [...new Set([...x.keys(), ...y.keys()])].map((name) => [name, x.get(name) ?? 0, y.get(name) ?? 0]);
    };
    const compare = async () => {
      const [a, b] = await Promise.all(sides.map((side) => load(`runs/${side.value}/facts`)));
      const totals = {
        status: "Status", rows_in: "Inputs", exported: "Rows exported", rows_rejected: "Inputs refused", calls: "Model calls", cached_calls: "Answers reused",
        prompt_tokens: "Tokens sent", completion_tokens: "Tokens received", cost_usd: "Cost", seconds: "Took", failed: "Expectations that failed", warned: "Expectations that warned",
      };
      const same = sides[0].options.length > 1 ? "Both sides are the same run." : "This store has one run so far, so it is shown beside itself. A second run makes a comparison.";
      place.replaceChildren(
        ...(sides[0].value === sides[1].value ? [make("p", same, { class: "verdict" })] : []),
        table("Totals", Object.entries(totals).map(([name, said]) => [said, a.runs[0][name], b.runs[0][name], { cost_usd: dollars, seconds }[name]])),
        table("Rows out by stage", lines(a, b, "stages", (row) => row.stage, "rows_out")),
        table("Refusals by stage and reason", lines(a, b, "refusals", (row) => `${row.stage}: ${row.reason.replaceAll("_", " ")}`, "rows_rejected")),
        table("Cost by role and model", lines(a, b, "calls", (row) => `${row.role}: ${row.model}`, "cost_usd"), dollars),
      );
    };
    for (const side of sides) side.addEventListener("change", compare);
    if (sides[0].options.length) compare();
  }
})();

// Filters, sorts, searches and compares. Text is only ever put in as text; data come as files of this folder.
"use strict";
(() => {
  const data = /^(?:\.\.\/)?(?:search\/\d+|runs\/[0-9a-f]+\/facts)\.js$/;
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
  window.wellspring = {
    found: (n, rows) => waiting.get(`search/${n}`)(rows),
    facts: (run, facts) => waiting.get(`runs/${run}/facts`)(facts),
  };

  function make(tag, text, attributes = {}) {
    const made = document.createElement(tag);
    if (text !== undefined) made.textContent = text;
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    return made;
  }

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

  const search = document.querySelector("[data-search]");
  if (search) {
    const files = Number(search.dataset.search);
    const results = document.getElementById("search-results");
    const cards = document.getElementById("cards");
    const count = document.getElementById("search-count");
    const most = 50;
    let asked = 0;
    const look = async () => {
      const mine = ++asked;
      const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      cards.hidden = words.length > 0;
      if (!words.length) {
        results.replaceChildren();
        count.textContent = "";
        return;
      }
      const rows = (await Promise.all([...Array(files).keys()].map((n) => load(`search/${n}`)))).flat();
      if (mine !== asked) return;
      const found = rows.filter((row) => {
        const text = row.join("\n").toLowerCase();
        return words.every((word) => text.includes(word));
      });
      count.textContent = found.length > most ? `${found.length} found, ${most} shown` : `${found.length} found`;
      results.replaceChildren(...found.slice(0, most).map(([id, line, instruction, answer, url]) => {
        const card = make("article", undefined, { class: "card" });
        const note = make("p", undefined, { class: "note" });
        note.append(make("bdi", url), " ", make("a", line, { href: `${id}.html` }));
        const title = make("h3");
        title.append(make("bdi", instruction));
        const text = make("p", undefined, { class: "answer" });
        text.append(make("bdi", answer.slice(0, 900)));
        card.append(title, text, note);
        return card;
      }));
    };
    search.addEventListener("input", look);
    if (location.hash.startsWith("#q=")) {
      search.value = decodeURIComponent(location.hash.slice(3));
      look();
    }
  }

  const place = document.getElementById("comparison");
  const sides = [document.getElementById("left"), document.getElementById("right")];
  if (place && sides.every(Boolean)) {
    const show = (value) => (typeof value !== "number" ? value ?? "–" : Math.abs(value) < 1 && value ? value.toFixed(4) : value.toLocaleString("en", { maximumFractionDigits: 2 }));
    const delta = (a, b) => {
      if (typeof a !== "number" || typeof b !== "number" || a === b) return a === b ? "" : "≠";
      const ratio = a ? ` (${b > a ? "+" : "−"}${Math.abs((100 * (b - a)) / a).toFixed(0)} %)` : "";
      return `${b > a ? "+" : "−"}${show(Math.abs(b - a))}${ratio}`;
    };
    const table = (caption, lines) => {
      const made = make("table");
      made.append(make("caption", caption));
      const head = make("tr");
      for (const [text, kind] of [["", ""], ["This run", "number"], ["With", "number"], ["Change", "number"]]) head.append(make("th", text, { scope: "col", class: kind }));
      const top = make("thead");
      top.append(head);
      const body = make("tbody");
      for (const [name, a, b] of lines) {
        const row = make("tr");
        row.append(make("th", name, { scope: "row" }), make("td", show(a), { class: "number" }), make("td", show(b), { class: "number" }), make("td", delta(a, b), { class: "number" }));
        body.append(row);
      }
      made.append(top, body);
      const scrolls = make("div", undefined, { class: "scrolls", tabindex: "0", role: "region", "aria-label": caption });
      scrolls.append(made);
      const section = make("section");
      section.append(scrolls);
      return section;
    };
    const keyed = (rows, key, value) => new Map(rows.map((row) => [key(row), row[value]]));
    const lines = (a, b, part, key, value) => {
      const [x, y] = [keyed(a[part], key, value), keyed(b[part], key, value)];
      return [...new Set([...x.keys(), ...y.keys()])].map((name) => [name, x.get(name) ?? 0, y.get(name) ?? 0]);
    };
    const compare = async () => {
      const [a, b] = await Promise.all(sides.map((side) => load(`runs/${side.value}/facts`)));
      const totals = ["status", "rows_in", "exported", "rows_rejected", "calls", "cached_calls", "prompt_tokens", "completion_tokens", "cost_usd", "seconds", "failed", "warned"];
      place.replaceChildren(
        table("Totals", totals.map((name) => [name.replaceAll("_", " "), a.runs[0][name], b.runs[0][name]])),
        table("Rows out by stage", lines(a, b, "stages", (row) => row.stage, "rows_out")),
        table("Refusals by stage and reason", lines(a, b, "refusals", (row) => `${row.stage}: ${row.reason}`, "rows_rejected")),
        table("Cost by role and model", lines(a, b, "calls", (row) => `${row.role}: ${row.model}`, "cost_usd")),
      );
    };
    for (const side of sides) side.addEventListener("change", compare);
    if (sides[0].options.length) compare();
  }
})();

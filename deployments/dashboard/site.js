// Loads data, filters and sorts tables. Text is only ever put in as text; data come as script files of this folder, which works
// without a server too.
"use strict";
(() => {
  const data = /^(?:\.\.\/)?(?:(?:rows|texts|pairs|lists\/[a-z]+)\/\d+\/\d+|words\/(?:index|\d+)|facets\/(?:index|(?:[a-z_]+-)?[a-z_]+(?:-\d+)?)|lists\/index|live\/\d+|runs\/[0-9a-f]+\/facts)\.js$/;
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

  // What changes while one looks: asked for anew each time, and not kept.
  async function fresh(name) {
    try {
      return await load(name);
    } finally {
      for (const script of document.head.querySelectorAll("script")) if (script.src.endsWith(`/${name}.js`)) script.remove();
      loads.delete(name);
      waiting.delete(name);
    }
  }

  function make(tag, text, attributes = {}) {
    const made = document.createElement(tag);
    if (text !== undefined) made.textContent = text;
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    return made;
  }

  // What one cannot see is not shown: controls, and characters that only steer (direction, joining, width).
  const clean = (text) => text.replace(/(?![\n\t])[\p{Cc}\p{Cf}\p{Co}\p{Cs}]/gu, "");
  const number = (value) => value.toLocaleString("en");
  const short = (text) => (/^-?\d+\.\d{4,}/.test(text) ? String(Number(Number(text).toPrecision(4))) : text); // a mark of a judge
  const said = (text, most = 1e6) => make("bdi", text.length > most ? `${clean(text).slice(0, most)}…` : clean(text));
  const filed = (name, n) => load(`${name}/${Math.floor(n / 1000)}/${n}`);

  function table(caption, heads, rows) {
    const made = make("table");
    made.append(make("caption", caption, { class: "unseen" }));
    const top = make("tr");
    const kinds = heads.map((head) => (Array.isArray(head) ? head[1] : ""));
    heads.forEach((head, i) => top.append(make("th", Array.isArray(head) ? head[0] : head, { scope: "col", class: kinds[i] })));
    const body = make("tbody");
    for (const cells of rows) {
      const row = make("tr");
      cells.forEach((cell, i) => {
        const one = make(i ? "td" : "th", undefined, i ? { class: kinds[i] } : { scope: "row" });
        one.append(cell instanceof Node ? cell : said(String(cell ?? "–"), 600));
        row.append(one);
      });
      body.append(row);
    }
    const first = make("thead");
    first.append(top);
    made.append(first, body);
    const scrolls = make("div", undefined, { class: "scrolls", tabindex: "0", role: "region", "aria-label": caption });
    scrolls.append(made);
    return scrolls;
  }

  function section(heading, lead, ...children) {
    const made = make("section");
    made.append(make("h2", heading));
    if (lead.length) {
      const under = make("p", undefined, { class: "lead" });
      under.append(...lead);
      made.append(under);
    }
    made.append(...children);
    return made;
  }

  function pager(links, label = "Pages") {
    const made = make("nav", undefined, { class: "pager", "aria-label": label });
    for (const [name, href] of links) if (href !== undefined) made.append(href ? make("a", name, { href }) : make("span", name));
    return made;
  }

  function choice(id, label, options, chosen) {
    const made = make("p", undefined, { class: "filter" });
    const select = make("select", undefined, { id });
    options.forEach(([value, text]) => {
      const one = make("option", clean(text), { value });
      one.selected = value === chosen;
      select.append(one);
    });
    made.append(make("label", label, { for: id }), select);
    return [made, select];
  }

  window.wellspring = {
    load, fresh, make, clean, number, short, said, filed, table, section, pager, choice,
    arrived: (name, value) => waiting.get(name)(value),
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
})();

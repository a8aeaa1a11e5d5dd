// The browser of exported rows: pages, a filter by words, and for each row its lineage drawn back to the archive.
// Rows and words come as files of this folder, a page or a bucket at a time; text is only ever put in as text.
"use strict";
(() => {
  const { load, make, clean } = window.wellspring;
  const place = document.getElementById("browser");
  const [total, pages, size] = ["rows", "pages", "size"].map((name) => Number(place.dataset[name]));
  const input = document.getElementById("search");
  const count = document.getElementById("search-count");
  const shownAtOnce = 20;
  const filesOfABeginning = 4;
  const cutAt = 160; // sql/lineage/things.sql
  let asked = 0;

  const page = (n) => load(`rows/${Math.floor(n / 1000)}/${n}`);
  const number = (value) => value.toLocaleString("en");
  const tidy = (text, most) => {
    const one = clean(text).replace(/\s+/g, " ").trim();
    return one.length > most ? `${one.slice(0, most - 1)}…` : one;
  };
  const said = (text, most) => make("bdi", text.length > most ? `${clean(text).slice(0, most)}…` : clean(text));

  function card(row, n, whole) {
    const made = make("article", undefined, { class: "card" });
    const head = make("h2");
    head.append(said(row.instruction, whole ? 1e5 : 600));
    const answer = make("p", undefined, { class: "answer" });
    answer.append(said(row.response, whole ? 1e6 : 900));
    const note = make("p", undefined, { class: "note" });
    note.append(make("span", row.recipe || "row", { class: "pill quiet" }), " ", said(row.model || "", 60));
    if (row.url) note.append(" · from ", said(row.url, 120));
    note.append(" · ", whole ? said(`${row.path}:${row.line}`, 300) : make("a", "how it was made", { href: `#r=${n}`, "aria-label": `How row ${n + 1} was made` }));
    made.append(head, answer, note);
    return made;
  }

  // The graph of one row: from the exported line on the left to the archive on the right.
  const box = { wide: 172, tall: 56, gapWide: 40, gapTall: 12 };

  function graph(data, root) {
    const nodes = [
      ...data.rows.map((row) => ({ id: row.export_id, kind: "export", telling: `${row.path.split("/").slice(-2).join("/")}:${row.line}`, note: row.recipe || "" })),
      ...data.things.map(([id, kind, telling, note]) => ({ id, kind, telling: telling.length < cutAt ? telling : `${telling}…`, note })),
    ];
    const above = new Map();
    for (const [child, relation, parent] of data.edges) {
      if (!above.has(child)) above.set(child, []);
      above.get(child).push([data.relations[relation], parent]);
    }
    const parents = (n) => above.get(n) || [];
    const drawn = (n) => parents(n).filter(([, parent]) => nodes[parent].kind !== "completion");
    const level = new Map();
    const visit = (n, depth) => {
      if (depth > 40 || (level.get(n) ?? -1) >= depth) return;
      level.set(n, depth);
      for (const [, parent] of drawn(n)) visit(parent, depth + 1);
    };
    visit(root, 0);
    const line = new Map();
    let free = 0;
    const settle = (n) => {
      if (line.has(n)) return;
      line.set(n, free);
      const fresh = drawn(n).filter(([, parent]) => !line.has(parent));
      for (const [, parent] of fresh) settle(parent);
      if (!fresh.length) free += 1;
    };
    settle(root);
    return { nodes, parents, drawn, level, line };
  }

  const svg = (tag, attributes, ...children) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children);
    return made;
  };

  function drawing({ nodes, drawn, level, line }) {
    const at = (n) => [level.get(n) * (box.wide + box.gapWide), line.get(n) * (box.tall + box.gapTall)];
    const order = [...line.keys()];
    const edges = order.flatMap((n) => drawn(n).map(([relation, parent]) => {
      const [x1, y1] = [at(n)[0] + box.wide, at(n)[1] + box.tall / 2];
      const [x2, y2] = [at(parent)[0], at(parent)[1] + box.tall / 2];
      const bend = (x1 + x2) / 2;
      return svg("g", {}, svg("title", {}, relation), svg("path", { d: `M${x1},${y1} C${bend},${y1} ${bend},${y2} ${x2},${y2}`, class: "edge" }));
    }));
    const boxes = order.map((n) => {
      const [[x, y], node] = [at(n), nodes[n]];
      const text = (value, dx, dy, kind, anchor = "start") => svg("text", { x: x + dx, y: y + dy, class: kind, "text-anchor": anchor }, value);
      return svg("g", {},
        svg("title", {}, tidy(`${node.kind} ${node.id} ${node.telling}`, 300)),
        svg("rect", { x: x + 1, y: y + 1, width: box.wide, height: box.tall, rx: 6, class: `box ${node.kind}` }),
        text(node.kind, 10, 17, "small strong"),
        text(node.id.slice(0, 10), box.wide - 9, 17, "small quiet mono", "end"),
        text(tidy(node.kind === "source" ? node.telling.split("/").slice(-1)[0] : node.telling, 22), 10, 33, "small"),
        text(tidy(node.note, 27), 10, 48, "small quiet tiny"));
    });
    const wide = Math.max(...order.map((n) => at(n)[0])) + box.wide + 4;
    const tall = Math.max(...order.map((n) => at(n)[1])) + box.tall + 4;
    const words = `Lineage: ${order.map((n) => `${nodes[n].kind} ${nodes[n].id.slice(0, 8)}`).join(", ")}`;
    return svg("svg", { viewBox: `0 0 ${wide} ${tall}`, width: wide, height: tall, role: "img", class: "drawing graph" }, svg("title", {}, words), ...edges, ...boxes);
  }

  function table(caption, heads, rows) {
    const made = make("table");
    made.append(make("caption", caption, { class: "unseen" }));
    const top = make("tr");
    for (const head of heads) top.append(make("th", head, { scope: "col" }));
    const body = make("tbody");
    for (const cells of rows) {
      const row = make("tr");
      cells.forEach((cell, i) => {
        const one = make(i ? "td" : "th", undefined, i ? {} : { scope: "row" });
        one.append(i ? said(cell, 300) : make("code", cell));
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
    const under = make("p", undefined, { class: "lead" });
    under.append(...lead);
    made.append(make("h2", heading), under);
    made.append(...children);
    return made;
  }

  function inWords({ nodes, parents }, root) {
    const how = new Map([[root, "this line"]]);
    const visit = (n) => {
      for (const [relation, parent] of parents(n)) {
        if (how.has(parent)) continue;
        how.set(parent, relation);
        visit(parent);
      }
    };
    visit(root);
    return [...how].map(([n, relation]) => [nodes[n].id, nodes[n].kind, relation, nodes[n].telling, nodes[n].note]);
  }

  function turn(links) {
    const made = make("nav", undefined, { class: "pager", "aria-label": "Pages" });
    for (const [name, href] of links) if (name) made.append(href ? make("a", name, { href }) : make("span", name));
    return made;
  }

  async function showRow(n) {
    const mine = ++asked;
    const data = await page(Math.floor(n / size));
    if (mine !== asked) return;
    const row = data.rows[n % size];
    const whole = graph(data, n % size);
    const figure = make("figure");
    const scrolls = make("div", undefined, { class: "scrolls", tabindex: "0", role: "group", "aria-label": "How this row was made, drawn" });
    scrolls.append(drawing(whole));
    figure.append(scrolls, make("figcaption", "Point at a line to see how one thing was made from the other."));
    const judged = (row.judged || "").split(" · ").filter(Boolean);
    const parts = [
      turn([["All rows", `#p=${Math.floor(n / size)}`], ["Before", n ? `#r=${n - 1}` : ""], [`Row ${number(n + 1)} of ${number(total)}`], ["Next", n + 1 < total ? `#r=${n + 1}` : ""]].filter(([name, href]) => href || name.startsWith("Row"))),
      card(row, n, true),
      section("How this row was made", ["The exported line is on the left. To its right is what it was made from, back to the file that was read. ", make("code", `wellspring trace ${row.export_id.slice(0, 12)}`), " says more."], figure),
      section("The same as a table", ["“How” says how a thing was used: “answers” stands at the instruction that was answered, “shown” at a seed that a model was shown, “said in” at a model call."], table("What this row was made from", ["Id", "What", "How", "Text or place", "Note"], inWords(whole, n % size))),
    ];
    if (judged.length) {
      const list = make("ul", undefined, { class: "reasons judged" });
      for (const one of judged) {
        const item = make("li");
        item.append(said(one, 300));
        list.append(item);
      }
      parts.push(section("Checks and marks", ["What checks, judges and selections said of the instruction and its answer. Random selections are there for comparison."], list));
    }
    place.replaceChildren(...parts);
    count.textContent = "";
  }

  async function showPage(n) {
    const mine = ++asked;
    const data = await page(n);
    if (mine !== asked) return;
    place.replaceChildren(
      ...data.rows.map((row, i) => card(row, n * size + i, false)),
      turn([["First", n > 1 ? "#p=0" : ""], ["Before", n ? `#p=${n - 1}` : ""], [`Page ${number(n + 1)} of ${number(pages)}`], ["Next", n + 1 < pages ? `#p=${n + 1}` : ""], ["Last", n + 2 < pages ? `#p=${pages - 1}` : ""]].filter(([name, href]) => href || name.startsWith("Page"))),
    );
    count.textContent = "";
  }

  // Words are looked up in the index, the rarest first; a word of very many lines keeps only its first ones there, so
  // the text of what was found is looked at for such words before it is shown.
  const cut = (text) => text.toLowerCase().replace(/([\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}])/gu, " $1 ").match(/[\p{L}\p{N}\p{M}]+/gu) || [];

  // Files of the index are in the order of code points, not of JavaScript's code units.
  function isAfter(a, b) {
    const [x, y] = [Array.from(a, (c) => c.codePointAt(0)), Array.from(b, (c) => c.codePointAt(0))];
    const i = x.findIndex((code, n) => code !== y[n]);
    return i >= 0 && (y[i] === undefined || x[i] > y[i]);
  }

  async function lookUp(word, isBeginning) {
    const begins = await load("words/index");
    let file = 0;
    for (let step = 2 ** 20; step >= 1; step /= 2) if (file + step < begins.length && !isAfter(begins[file + step], word)) file += step;
    const fits = (other) => (isBeginning ? other.startsWith(word) : other === word);
    const last = isBeginning ? Math.min(file + filesOfABeginning, begins.length) : file + 1;
    const found = { lines: 0, numbers: new Set(), isWhole: true, fits, word };
    for (; file < last; file += 1) {
      for (const [other, [lines, ...steps]] of Object.entries(await load(`words/${file}`))) {
        if (!fits(other)) continue;
        let at = 0;
        for (const step of steps) found.numbers.add((at += step));
        found.lines += lines;
        found.isWhole &&= steps.length === lines;
      }
      if (file + 1 < begins.length && !begins[file + 1].startsWith(word)) break;
    }
    return found;
  }

  async function search(text) {
    const mine = ++asked;
    const words = cut(text);
    if (!words.length) return showPage(0);
    const isTyping = /[\p{L}\p{N}\p{M}]$/u.test(text);
    const entries = (await Promise.all(words.map((word, i) => lookUp(word, isTyping && i + 1 === words.length)))).sort((a, b) => a.lines - b.lines);
    if (mine !== asked) return;
    const whole = entries.filter((entry) => entry.isWhole);
    const rest = entries.filter((entry) => !entry.isWhole);
    const lists = (whole.length ? whole : rest.slice(0, 1)).map((entry) => entry.numbers);
    const found = [...lists[0]].filter((n) => lists.every((list) => list.has(n))).sort((a, b) => a - b);
    const toCheck = whole.length ? rest : rest.slice(1);
    const results = make("div");
    const more = make("button", "Show more", { type: "button" });
    let next = 0;
    let shown = 0;
    const go = async () => {
      const stop = shown + shownAtOnce;
      while (next < found.length && shown < stop) {
        const n = found[next++];
        const row = (await page(Math.floor(n / size))).rows[n % size];
        if (mine !== asked) return;
        const held = toCheck.length ? cut([row.instruction, row.response, row.url, row.title, row.recipe, row.model].join(" ")) : [];
        if (!toCheck.every((entry) => held.some(entry.fits))) continue;
        results.append(card(row, n, false));
        shown += 1;
      }
      const isAll = next >= found.length;
      more.hidden = isAll;
      const first = whole.length ? "" : ` among the first ${number(found.length)} of ${number(entries[0].lines)} rows with “${entries[0].word}”`;
      count.textContent = toCheck.length || !whole.length
        ? `${number(shown)}${isAll ? "" : " or more"} found${first}`
        : `${number(found.length)} found${shown < found.length ? `, ${number(shown)} shown` : ""}`;
    };
    more.addEventListener("click", go);
    place.replaceChildren(results, more);
    await go();
  }

  async function route() {
    const [, kind, value] = /^#([rpq])=(.*)$/.exec(location.hash) || [];
    if (kind === "q") {
      input.value = decodeURIComponent(value);
      return search(input.value);
    }
    if (kind === "r" && Number(value) < total) return showRow(Number(value));
    if (kind === "p" && Number(value) < pages) return showPage(Number(value));
    return undefined;
  }
  const missing = () => {
    count.textContent = "A file of this site is missing. To write it again: wellspring dashboard";
  };
  addEventListener("hashchange", async () => {
    await (location.hash ? route() : showPage(0)).catch(missing);
    scrollTo(0, 0);
    place.focus();
  });
  let waiting = 0;
  input.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      try {
        history.replaceState(null, "", `#q=${encodeURIComponent(input.value)}`);
      } catch { /* a page that is opened as a file may not, in some browsers; searching works all the same */ }
      search(input.value).catch(missing);
    }, 200);
  });
  if (pages > 1) place.append(turn([["Page 1 of " + number(pages)], ["Next", "#p=1"], ["Last", `#p=${pages - 1}`]]));
  route().catch(missing);
})();

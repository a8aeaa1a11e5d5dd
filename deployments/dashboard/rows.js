// The browser of exported rows: choose by values and words, read row by row with what was said of each, mark, and see
// where a row came from. The address holds what is chosen. Text is only ever put in as text.
"use strict";
(() => {
  const { load, make, clean, number, short, said, filed, table, section, pager, choice, facets, reading } = window.wellspring;
  const place = document.getElementById("browser");
  const [total, pages, size] = ["rows", "pages", "size"].map((name) => Number(place.dataset[name]));
  const input = document.getElementById("search");
  const count = document.getElementById("search-count");
  const choosing = document.getElementById("facets");
  const shownAtOnce = 10;
  const filesOfABeginning = 4;
  const textsInAFile = 10;
  const optionsShown = 200;
  const cutAt = 160; // sql/lineage/things.sql
  let asked = 0;

  const page = (n) => filed("rows", n);
  const rowOf = async (n) => (await page(Math.floor(n / size))).rows[n % size];
  const tidy = (text, most) => {
    const one = clean(text).replace(/\s+/g, " ").trim();
    return one.length > most ? `${one.slice(0, most - 1)}…` : one;
  };

  // What is chosen: values of facets, words (q), a row (r) and whether its lineage is drawn (t), a page (p).
  const state = () => new URLSearchParams(location.hash.slice(1));
  const withOut = (changes) => {
    const said = state();
    for (const [name, value] of Object.entries(changes)) value === undefined || value === "" ? said.delete(name) : said.set(name, value);
    return `#${said}`;
  };
  const chosenOf = (said, described) => described.facets.map(([name]) => name).filter((name) => said.has(name)).map((name) => [name, said.get(name)]);

  function card(row, n) {
    const made = make("article", undefined, { class: "card" });
    const head = make("h2");
    head.append(said(row.instruction, 600));
    const answer = make("p", undefined, { class: "answer" });
    answer.append(said(row.response, 900));
    const note = make("p", undefined, { class: "note" });
    note.append(make("span", row.recipe || "row", { class: "pill quiet" }), " ", said(row.model || "", 60));
    if (row.url) note.append(" · from ", said(row.url, 120));
    const mark = reading.marked(row.response_id || row.instruction_id);
    if (mark) note.append(" · ", make("span", reading.words[mark], { class: `pill ${mark === "good" ? "good" : "bad"}` }));
    note.append(" · ", make("a", "read it", { href: withOut({ r: n }), "aria-label": `Read row ${n + 1}` }), " · ", make("a", "how it was made", { href: withOut({ r: n, t: 1 }), "aria-label": `How row ${n + 1} was made` }));
    made.append(head, answer, note);
    return made;
  }

  // Ways to put rows in order: by a score, up or down.
  const ordersOf = ({ facets: every }) => [["", "as exported"], ...every.filter(([name, , , , counts]) => /score$/.test(name) && counts.length > 1).flatMap(([name, label]) => [
    [name, `${label}: lowest first`], [`-${name}`, `${label}: highest first`],
  ])];

  async function showFacets() {
    const described = await facets.index();
    const now = state();
    const chosen = new Map(chosenOf(now, described));
    const parts = described.facets.filter(([name, , , , counts]) => counts.length > 1 || chosen.has(name)).map(([name, label, , names, counts, values]) => {
      const made = make("p", undefined, { class: "filter" });
      const select = make("select", undefined, { id: `facet-${name}`, "data-facet": name });
      select.append(make("option", "any", { value: "" }));
      values.slice(0, optionsShown).forEach((value, i) => {
        const one = make("option", `${tidy(names[i], 60)} (${number(counts[i])})`, { value });
        one.selected = chosen.get(name) === value;
        select.append(one);
      });
      const value = chosen.get(name);
      if (value !== undefined && !values.slice(0, optionsShown).includes(value)) {
        const one = make("option", tidy(value, 60), { value });
        one.selected = true;
        select.append(one);
      }
      select.addEventListener("change", () => {
        location.hash = withOut({ [name]: select.value, r: "", t: "", p: "" });
      });
      made.append(make("label", label, { for: `facet-${name}` }), select);
      return made;
    });
    const [order, orderSelect] = choice("order", "Order", ordersOf(described), now.get("order") || "");
    orderSelect.addEventListener("change", () => {
      location.hash = withOut({ order: orderSelect.value, r: "", t: "", p: "" });
    });
    const clear = make("a", "Take all away", { href: "#p=0" });
    choosing.replaceChildren(...parts, order, ...(chosen.size || now.has("q") || now.has("order") ? [clear] : []));
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
        text(tidy(node.note, 24), 10, 48, "small quiet tiny"));
    });
    const wide = Math.max(...order.map((n) => at(n)[0])) + box.wide + 4;
    const tall = Math.max(...order.map((n) => at(n)[1])) + box.tall + 4;
    const words = `Lineage: ${order.map((n) => `${nodes[n].kind} ${nodes[n].id.slice(0, 8)}`).join(", ")}`;
    return svg("svg", { viewBox: `0 0 ${wide} ${tall}`, width: wide, height: tall, role: "img", class: "drawing graph" }, svg("title", {}, words), ...edges, ...boxes);
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

  function speaker(heading, ...children) {
    const made = make("section", undefined, { class: "side" });
    made.append(make("h3", heading), ...children);
    return made;
  }
  const block = (text, most) => {
    const made = make("p", undefined, { class: "answer" });
    made.append(said(text, most));
    return made;
  };

  function before(history) {
    try {
      return JSON.parse(history).map(({ role, content, tool_calls: calls }) => {
        const one = make("p", undefined, { class: "answer" });
        const called = (calls || []).map((call) => `${call.function.name} ${call.function.arguments}`).join("\n");
        one.append(make("strong", `${role}: `), said([content, called].filter(Boolean).join("\n"), 4000));
        return one;
      });
    } catch {
      return [];
    }
  }

  // A task: what is known, what its certificate says, the wrong answers that its verifier let pass, and the verifier.
  function certificate(text) {
    if (!text) return [];
    const task = JSON.parse(text);
    const solved = Object.entries(task.solved || {}).map(([who, [some, of]]) => [who === "closed" ? "without the passage" : who, `${some} of ${of}`]);
    const mutants = Object.entries(task.mutants || {}).map(([kind, [rejected, whole]]) => [kind.replaceAll("_", " "), whole, whole - rejected]);
    const parts = [make("p", `${task.kind}; known: ${task.known}`, { class: "note" })];
    if (solved.length) parts.push(table("How often it is solved", ["Solver", "Solved"], solved));
    if (mutants.length) parts.push(table("Wrong answers", ["How wrong", ["Made", "number"], ["Passed", "number"]], mutants));
    if (task.passed.length) parts.push(table("Wrong answers that passed", ["How wrong", "Wrong answer"], task.passed));
    const source = make("details");
    source.append(make("summary", "Verifier, its last 6,000 characters"), block(task.verifier, 6000));
    return [speaker("Task", ...parts, source)];
  }

  // What failed comes first; criteria for which a judge gave one reason stand together.
  function judgements(judged) {
    const list = make("ul", undefined, { class: "reasons" });
    const order = { judge: 1, check: 2, selection: 3 };
    const rank = ([who, , found]) => (found === "failed" ? 0 : order[who]);
    const groups = new Map();
    for (const one of [...judged].sort((a, b) => rank(a) - rank(b))) {
      const key = one[0] === "judge" ? JSON.stringify([one[1].split(".")[0], one[3], one[2] === "failed"]) : JSON.stringify(one);
      groups.set(key, [...(groups.get(key) || []), one]);
    }
    for (const together of groups.values()) {
      const item = make("li");
      for (const [, what, found] of together) {
        const pill = found === "passed" ? "good" : found === "failed" ? "bad" : "quiet";
        item.append(make("span", tidy(short(found), 40), { class: `pill ${pill}` }), " ", make("strong", tidy(together.length > 1 ? what.split(".").slice(1).join(".") : what, 80)), " ");
      }
      if (together[0][3]) {
        const reason = make("div", undefined, { class: "why" });
        reason.append(said(together[0][3], 2000));
        item.append(reason);
      }
      list.append(item);
    }
    return judged.length ? list : make("p", "Nothing was said of this row.", { class: "quiet" });
  }

  async function besides(row) {
    if (row.page === null) return [speaker("Page", make("p", "This row rests on no page.", { class: "quiet" }))];
    const text = (await filed("texts", Math.floor(row.page / textsInAFile)))[row.page % textsInAFile];
    const address = make("p", undefined, { class: "note" });
    address.append(said(text.url, 200));
    const body = make("div", undefined, { class: "page-text", tabindex: "0", role: "region", "aria-label": "Text of the page" });
    body.append(block(text.text));
    if (text.chars > text.text.length) body.append(make("p", `${number(text.chars - text.text.length)} more characters are not here.`, { class: "note" }));
    return [speaker("Page", address, body)];
  }

  async function neighbours(n) {
    const found = await foundBy(state());
    if (!found) return { before: n ? n - 1 : undefined, after: n + 1 < total ? n + 1 : undefined, text: `Row ${number(n + 1)} of ${number(total)}` };
    const at = found.indexOf(n);
    return { before: found[at - 1], after: found[at + 1], text: at < 0 ? `Row ${number(n + 1)}` : `${number(at + 1)} of ${number(found.length)} found` };
  }

  async function showRow(n) {
    const mine = ++asked;
    const [data, beside] = await Promise.all([page(Math.floor(n / size)), neighbours(n)]);
    const row = data.rows[n % size];
    const onPage = await besides(row);
    if (mine !== asked) return;
    const id = row.response_id || row.instruction_id;
    const marker = reading.buttons(id, [["good", "1", "Good"], ["bad", "0", "Bad"], ["exclude", "x", "Exclude"]], { instruction_id: row.instruction_id, recipe: row.recipe });
    const to = (m) => (m === undefined ? undefined : withOut({ r: m }));
    const back = [...state().keys()].some((name) => name !== "r" && name !== "t") ? withOut({ r: "", t: "" }) : "#p=0";
    const turn = pager([["All rows", back], ["Before", to(beside.before)], [beside.text, ""], ["Next", to(beside.after)]]);
    const sides = make("div", undefined, { class: "reader" });
    const facts = make("p", undefined, { class: "note" });
    facts.append(make("span", row.recipe || "row", { class: "pill quiet" }), " ", said(row.model || "", 60), " · ", said(`${row.path}:${row.line}`, 300));
    const column = (...children) => {
      const made = make("div", undefined, { class: "column" });
      made.append(...children);
      return made;
    };
    sides.append(
      column(speaker("Prompt", ...before(row.history), block(row.instruction), facts), ...(row.thought ? [speaker("Thought", block(row.thought))] : []), ...(row.trace ? [speaker("Calls of tools", ...before(row.trace))] : []), speaker("Answer", block(row.response)), ...(row.page === null ? onPage : [])),
      ...(row.page === null ? [] : [column(...onPage)]),
      column(...certificate(row.task), speaker("Checks and marks", judgements(row.judged))),
    );
    const whole = graph(data, n % size);
    const made = make("details", undefined, { id: "made" });
    made.append(make("summary", "How this row was made"));
    const draw = () => {
      if (made.dataset.drawn) return;
      made.dataset.drawn = "yes";
      const figure = make("figure");
      const scrolls = make("div", undefined, { class: "scrolls", tabindex: "0", role: "group", "aria-label": "How this row was made, drawn" });
      scrolls.append(drawing(whole));
      figure.append(scrolls, make("figcaption", "Point at a line to see how one thing was made from the other."));
      made.append(
        section("How this row was made", ["The exported line is on the left. To its right is what it was made from, back to the file that was read. ", make("code", `wellspring trace ${row.export_id.slice(0, 12)}`), " says more, and with ", make("code", "--record"), " prints the bytes of its page."], figure),
        section("The same as a table", ["“How” says how a thing was used: “answers” stands at the instruction that was answered, “shown” at a seed that a model was shown, “said in” at a model call."], table("What this row was made from", ["Id", "What", "How", "Text or place", "Note"], inWords(whole, n % size).map(([name, ...cells]) => [make("code", name), ...cells]))),
      );
    };
    made.addEventListener("toggle", draw);
    if (state().has("t")) {
      made.open = true;
      draw();
    }
    place.replaceChildren(turn, marker, sides, made);
    const go = (m) => () => {
      if (m !== undefined) location.hash = to(m);
    };
    const press = (kind) => () => marker.querySelector(`[data-mark="${kind}"]`).click();
    reading.keys({
      j: go(beside.after), ArrowRight: go(beside.after), k: go(beside.before), ArrowLeft: go(beside.before),
      1: press("good"), 0: press("bad"), x: press("exclude"),
      u: () => marker.querySelector('[aria-pressed="true"]')?.click(),
      t: () => {
        made.open = !made.open;
      },
      Escape: () => {
        location.hash = back;
      },
    });
    count.textContent = "";
    if (beside.after !== undefined) page(Math.floor(beside.after / size));
  }

  async function showPage(n) {
    const mine = ++asked;
    const data = await page(n);
    if (mine !== asked) return;
    place.replaceChildren(
      ...data.rows.map((row, i) => card(row, n * size + i)),
      pager([["First", n > 1 ? "#p=0" : undefined], ["Before", n ? `#p=${n - 1}` : undefined], [`Page ${number(n + 1)} of ${number(pages)}`, ""], ["Next", n + 1 < pages ? `#p=${n + 1}` : undefined], ["Last", n + 2 < pages ? `#p=${pages - 1}` : undefined]]),
    );
    count.textContent = "";
    reading.keys({ j: () => n + 1 < pages && (location.hash = `#p=${n + 1}`), k: () => n && (location.hash = `#p=${n - 1}`) });
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

  // Rows that words are in, as far as the index can say; and what is left to look for in their texts.
  async function byWords(text) {
    const words = cut(text);
    if (!words.length) return undefined;
    const isTyping = /[\p{L}\p{N}\p{M}]$/u.test(text);
    const entries = (await Promise.all(words.map((word, i) => lookUp(word, isTyping && i + 1 === words.length)))).sort((a, b) => a.lines - b.lines);
    const whole = entries.filter((entry) => entry.isWhole);
    const rest = entries.filter((entry) => !entry.isWhole);
    const lists = (whole.length ? whole : rest.slice(0, 1)).map((entry) => entry.numbers);
    const found = [...lists[0]].filter((n) => lists.every((list) => list.has(n))).sort((a, b) => a - b);
    const first = whole.length ? "" : ` among the first ${number(found.length)} of ${number(entries[0].lines)} rows with “${entries[0].word}”`;
    return { found, toCheck: whole.length ? rest : rest.slice(1), first };
  }

  // Numbers of the rows that are chosen, by values and words; undefined where all are.
  const known = new Map();
  async function foundBy(now) {
    const chosen = chosenOf(now, await facets.index());
    const words = now.get("q") || "";
    const order = ordersOf(await facets.index()).map(([name]) => name).find((name) => name && name === now.get("order"));
    if (!chosen.length && !words && !order) return undefined;
    const key = JSON.stringify([chosen, words, order]);
    if (!known.has(key)) {
      known.clear(); // one choice at a time is kept: a million numbers are 8 MB
      const by = await byWords(words);
      let found = chosen.length ? await facets.matching(chosen, by?.found) : by?.found;
      if (order) found = await facets.ordered(found || Array.from({ length: total }, (_, n) => n), order.replace("-", ""), order.startsWith("-"));
      if (by) Object.assign(found, { toCheck: by.toCheck, first: by.first });
      known.set(key, found || []);
    }
    return known.get(key);
  }

  // Rows that values alone choose are shown as soon as the first of them are known; they are counted after that.
  async function beginning(now) {
    const chosen = chosenOf(now, await facets.index());
    if (!chosen.length || now.get("q") || now.get("order")) return [await foundBy(now)];
    return [...(await facets.first(chosen, shownAtOnce)), true];
  }

  async function showFound() {
    const mine = ++asked;
    const now = state();
    let [found, total, isPart] = await beginning(now);
    if (mine !== asked) return;
    if (!found) return showPage(0);
    const toCheck = found.toCheck || [];
    const results = make("div");
    const more = make("button", "Show more", { type: "button", hidden: "" });
    let next = 0;
    let shown = 0;
    const whole = async () => {
      if (isPart) found = await foundBy(now);
      isPart = false;
    };
    const tell = () => {
      const isAll = next >= total;
      more.hidden = isAll;
      count.textContent = toCheck.length || found.first
        ? `${number(shown)}${isAll ? "" : " or more"} found${found.first || ""}`
        : `${number(total)} found${shown < total ? `, ${number(shown)} shown` : ""}`;
    };
    const go = async () => {
      if (next) await whole();
      const stop = shown + shownAtOnce;
      if (!toCheck.length) await Promise.all(found.slice(next, stop).map(rowOf)); // loaded side by side
      while (next < found.length && shown < stop) {
        const n = found[next++];
        const row = await rowOf(n);
        if (mine !== asked) return;
        const held = toCheck.length ? cut([row.instruction, row.response, row.url, row.title, row.recipe, row.model].join(" ")) : [];
        if (!toCheck.every((entry) => held.some(entry.fits))) continue;
        results.append(card(row, n));
        shown += 1;
      }
      if (total === undefined) {
        await whole();
        if (mine !== asked) return;
        total = found.length;
      }
      tell();
    };
    more.addEventListener("click", go);
    place.replaceChildren(results, more);
    reading.keys({ j: () => found.length && (location.hash = withOut({ r: found[0] })) });
    await go();
  }

  async function route() {
    const now = state();
    const [row, at] = ["r", "p"].map((name) => (now.has(name) ? Number(now.get(name)) : -1));
    if (document.activeElement !== input) input.value = now.get("q") || "";
    showFacets().catch(missing);
    if (row >= 0 && row < total) return showRow(row);
    if ([...now.keys()].some((name) => !["p", "r", "t"].includes(name))) return showFound();
    return at >= 0 && at < pages ? showPage(at) : showPage(0);
  }
  const missing = () => {
    count.textContent = "A file of this site is missing. To write it again: wellspring dashboard";
  };
  addEventListener("hashchange", async () => {
    await route().catch(missing);
    scrollTo(0, 0);
    place.focus();
  });
  let waiting = 0;
  input.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      const to = withOut({ q: input.value, r: "", p: "", t: "" });
      try {
        history.replaceState(null, "", to);
        route().catch(missing);
      } catch { // a page that is opened as a file may not, in some browsers
        location.hash = to;
      }
    }, 200);
  });
  route().catch(missing);
})();

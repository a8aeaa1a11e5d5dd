// Two kinds of rows side by side, with ten of each to read; and two runs.
"use strict";
(() => {
  const { load, make, number, said, table, section, choice } = window.wellspring;

  const kinds = document.getElementById("kinds");
  const valuesSampled = 500; // tasks/site/facets.py

  async function showKinds() {
    const index = await load("facets/index");
    const by = index.facets.filter(([name, , , , counts]) => index.compared.includes(name) && counts.length > 1);
    if (!by.length) {
      kinds.replaceChildren(make("p", "All rows are of one recipe, one model and one date: there is nothing to compare.", { class: "quiet" }));
      return;
    }
    const state = new URLSearchParams(location.hash.slice(1));
    const facet = by.find(([name]) => name === state.get("by")) || by[0];
    const [, , , names, counts] = facet;
    const values = facet[5].slice(0, valuesSampled);
    const left = values.includes(state.get("a")) ? state.get("a") : values[0];
    const right = values.includes(state.get("b")) ? state.get("b") : values[1];
    const options = values.map((value, i) => [value, `${names[i]} (${number(counts[i])})`]);
    const [first, bySelect] = choice("by", "Compare by", by.map(([name, label]) => [name, label]), facet[0]);
    const [second, leftSelect] = choice("kind-a", "First", options, left);
    const [third, rightSelect] = choice("kind-b", "Second", options, right);
    kinds.replaceChildren(first, second, third);
    bySelect.addEventListener("change", () => go({ by: bySelect.value }));
    for (const one of [leftSelect, rightSelect]) one.addEventListener("change", () => go({ by: facet[0], a: leftSelect.value, b: rightSelect.value }));
    await showSides(index, facet, [values.indexOf(left), values.indexOf(right)]);
  }
  const go = (said) => {
    location.hash = new URLSearchParams(said).toString();
  };

  async function showSides(index, [name, , , names, counts, values], [a, b]) {
    const [crossed, ...some] = await Promise.all([load(`facets/crossed-${name}`), ...[a, b].map((side) => load(`facets/sample-${name}-${side}`))]);
    const tables = index.facets.filter(([other]) => other !== name && crossed[other]).map(([other, label, , otherNames]) => {
      const of = [new Map(), new Map()];
      for (const [own, theirs, count] of crossed[other]) [a, b].forEach((side, i) => own === side && of[i].set(theirs, count));
      const all = [...new Set([...of[0].keys(), ...of[1].keys()])].map((n) => [n, (of[0].get(n) || 0) / counts[a], (of[1].get(n) || 0) / counts[b]]);
      all.sort((x, y) => Math.abs(y[2] - y[1]) - Math.abs(x[2] - x[1]));
      return [label, other, all.slice(0, 6), otherNames];
    }).filter(([, , all]) => all.length > 1);
    const percent = (share) => `${(100 * share).toFixed(1)} %`;
    const grid = make("div", undefined, { class: "grid wide" });
    for (const [label, , all, otherNames] of tables) {
      const card = make("div", undefined, { class: "trend" });
      card.append(make("h3", label), table(label, ["Value", ["First", "number"], ["Second", "number"]], all.map(([n, x, y]) => [otherNames[n], percent(x), percent(y)])));
      grid.append(card);
    }
    const columns = make("div", undefined, { class: "sides" });
    const place = document.getElementById("sides");
    place.replaceChildren(section("Where they differ", ["Shares of rows, the largest differences first."], grid), section("Ten rows of each", [], columns));
    [a, b].forEach((side, i) => columns.append(read(names[side], `rows/index.html#${new URLSearchParams({ [name]: values[side] })}`, counts[side], some[i])));
  }

  // Rows from all over the rows of a value.
  function read(label, href, count, rows) {
    const column = make("section");
    const head = make("h3");
    head.append(said(label, 80), " ", make("a", `${number(count)} rows`, { href }));
    column.append(head);
    for (const [n, instruction, response] of rows) {
      const card = make("article", undefined, { class: "card" });
      const title = make("h4");
      title.append(said(instruction));
      const answer = make("p", undefined, { class: "answer" });
      answer.append(said(response));
      const more = make("p", undefined, { class: "note" });
      more.append(make("a", "read it whole", { href: `rows/index.html#r=${n}` }));
      card.append(title, answer, more);
      column.append(card);
    }
    return column;
  }
  if (kinds) {
    addEventListener("hashchange", showKinds);
    showKinds();
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
    const changes = (caption, lines, write = show) => {
      if (!lines.length) return "";
      const cells = lines.map(([name, a, b, as = write]) => [name, as(a), as(b), delta(a, b, as)]);
      return section(caption, [], table(caption, ["What", ["First run", "number"], ["Second run", "number"], ["Change", "number"]], cells));
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
        changes("Totals", Object.entries(totals).map(([name, said]) => [said, a.runs[0][name], b.runs[0][name], { cost_usd: dollars, seconds }[name]])),
        changes("Rows out by stage", lines(a, b, "stages", (row) => row.stage, "rows_out")),
        changes("Refusals by stage and reason", lines(a, b, "refusals", (row) => `${row.stage}: ${row.reason.replaceAll("_", " ")}`, "rows_rejected")),
        changes("Cost by role and model", lines(a, b, "calls", (row) => `${row.role}: ${row.model}`, "cost_usd"), dollars),
      );
    };
    for (const side of sides) side.addEventListener("change", compare);
    if (sides[0].options.length) compare();
  }
})();

// Lists of what is in a store besides exported rows. The address says which: a list, and a part, kind and run of it.
"use strict";
(() => {
  const { load, make, number, said, filed, table, section, pager } = window.wellspring;
  const place = document.getElementById("lists");
  const names = { refused: "Refused inputs", sites: "Refused pages by site", copies: "Copies that are not used", documents: "Documents in use", seeds: "Seeds in use", instructions: "Instructions" };
  const heads = { refused: ["Stage", "Reason"], sites: ["Site", "Reason"], copies: ["Stage", "Kind"], documents: ["Source", "Language"], seeds: ["Source", "Language"], instructions: ["Recipe", "What became of it"] };
  let asked = 0;

  const address = (...parts) => `#${parts.map(encodeURIComponent).join("/")}`;
  const tidy = (name) => name.replaceAll("_", " ");
  const total = (groups) => groups.reduce((sum, group) => sum + group[3], 0);

  function summed(groups, depth) {
    const sums = new Map();
    for (const group of groups) {
      const key = JSON.stringify(group.slice(0, depth));
      sums.set(key, (sums.get(key) || 0) + group[3]);
    }
    return [...sums].map(([key, count]) => [JSON.parse(key), count]);
  }

  function menu(lists, chosen) {
    const made = make("nav", undefined, { class: "tabs", "aria-label": "Lists" });
    for (const [name, groups] of Object.entries(lists)) {
      const link = make("a", `${names[name]} (${number(total(groups))})`, { href: address(name) });
      if (name === chosen) link.setAttribute("aria-current", "page");
      made.append(link);
    }
    return made;
  }

  function parts(name, groups, path) {
    if (path.length >= 3 || !groups.length) return "";
    const isOneStage = !path.length && summed(groups, 1).length === 1 && summed(groups, 2).length > 1;
    const depth = path.length + (isOneStage ? 2 : 1); // where there is no choice, that of the next
    const lines = summed(groups, depth).map(([group, count]) => {
      const label = group[depth - 1];
      const text = depth === 3 ? label.slice(0, 8) : tidy(label);
      return [make("a", text, { href: address(name, ...group) }), number(count)];
    });
    if (depth === 3 && lines.length < 2) return "";
    const head = depth === 3 ? "Run" : heads[name][depth - 1];
    const whole = table(`By ${head.toLowerCase()}`, [head, ["Rows", "number"]], lines);
    if (lines.length <= 12) return whole;
    const folded = make("details");
    folded.append(make("summary", `${number(lines.length)} by ${head.toLowerCase()}`), whole);
    return folded;
  }

  function detail([id, telling, text, what, line], name) {
    const cell = make("div");
    if (telling) {
      const first = make("div");
      first.append(said(telling, 400));
      cell.append(first);
    }
    if (text) {
      const second = make("div", undefined, { class: "note" });
      second.append(said(text, 600));
      cell.append(second);
    }
    const more = make("div", undefined, { class: "note" });
    if (what && name === "refused") more.append(`made from a ${what} · `);
    if (line !== null) more.append(make("a", "its exported row", { href: `rows/index.html#r=${line}` }), " · ");
    const dir = /^[0-9a-f]+/.exec(id);
    more.append("trace: ", make("code", `wellspring trace ${dir ? id : JSON.stringify(id)}`));
    cell.append(more);
    return cell;
  }

  async function show() {
    const mine = ++asked;
    const { lists, size } = await load("lists/index");
    const [path, query = ""] = location.hash.slice(1).split("?");
    const [name = "refused", ...group] = path.split("/").filter(Boolean).map(decodeURIComponent);
    const groups = Object.hasOwn(lists, name) ? lists[name] : [];
    const at = Number(new URLSearchParams(query).get("at") || 0);
    let start = 0;
    const own = [];
    for (const one of groups) {
      if (group.every((part, i) => one[i] === part)) own.push(one);
      else if (!own.length) start += one[3];
    }
    const count = total(own);
    const first = Math.min(Math.max(0, at), Math.max(0, count - 1));
    const stop = Math.min(first + size, count);
    const rows = [];
    for (let n = start + first; n < start + stop;) {
      const file = Math.floor(n / size);
      const held = await filed(`lists/${name}`, file);
      const end = Math.min(start + stop, (file + 1) * size);
      rows.push(...held.slice(n - file * size, end - file * size));
      n = end;
    }
    if (mine !== asked) return;
    const way = make("p", undefined, { class: "way" });
    way.append(make("a", names[name] || name, { href: address(name) }));
    group.forEach((part, i) => way.append(" › ", make("a", i === 2 ? `run ${part.slice(0, 8)}` : tidy(part), { href: address(name, ...group.slice(0, i + 1)) })));
    if (group.length === 3) way.append(" · ", make("a", "its page", { href: `runs/${encodeURIComponent(group[2])}/index.html` }));
    const here = address(name, ...group);
    const turn = pager([
      ["First", first ? here : undefined],
      ["Before", first ? `${here}?at=${Math.max(0, first - size)}` : undefined],
      [count ? `${number(first + 1)} to ${number(stop)} of ${number(count)}` : "Nothing", ""],
      ["Next", stop < count ? `${here}?at=${stop}` : undefined],
    ]);
    const listed = rows.map((row) => [make("code", row[0]), detail(row, name)]);
    place.replaceChildren(
      menu(lists, name),
      way,
      parts(name, own, group),
      section(`${number(count)} ${count === 1 ? "row" : "rows"}`, [], turn, rows.length ? table(names[name] || name, ["Id", "What it is"], listed) : ""),
    );
  }
  addEventListener("hashchange", () => show().then(() => scrollTo(0, 0)));
  show();
})();

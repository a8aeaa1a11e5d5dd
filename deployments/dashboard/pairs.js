// Pairs of answers, one at a time, side by side, with what judges said of each.
"use strict";
(() => {
  const { make, number, short, said, filed, pager, reading } = window.wellspring;
  const place = document.getElementById("pairs");
  if (!place) return;
  const [total, size] = ["pairs", "size"].map((name) => Number(place.dataset[name]));
  const kinds = [["left", "1", "Left is better"], ["right", "2", "Right is better"], ["same", "0", "Neither"]];
  let asked = 0;

  function side(heading, text, model, marks, id) {
    const made = make("section", undefined, { class: "side" });
    const answer = make("p", undefined, { class: "answer" });
    answer.append(text === null ? make("em", "There is none.") : said(text));
    const note = make("p", undefined, { class: "note" });
    if (id) note.append(said(model || "", 80), " · ", make("code", id));
    const list = make("ul", undefined, { class: "reasons" });
    for (const [what, value, why] of marks) {
      const item = make("li");
      item.append(make("strong", `${what} ${short(value)} `), said(why, 2000));
      list.append(item);
    }
    made.append(make("h3", heading), answer, note, list);
    return made;
  }

  async function show() {
    const mine = ++asked;
    const n = Math.min(Math.max(0, Number(location.hash.slice(1)) || 0), total - 1);
    const pair = (await filed("pairs", Math.floor(n / size)))[n % size];
    if (mine !== asked) return;
    const head = make("h2");
    head.append(said(pair.instruction, 4000));
    const note = make("p", undefined, { class: "note" });
    note.append(`${pair.kind}, margin ${pair.margin.toFixed(2)} · ${pair.recipe} · `, make("code", `wellspring trace ${pair.instruction_id}`));
    const sides = make("div", undefined, { class: "sides" });
    sides.append(
      side("Better", pair.chosen, pair.chosen_model, pair.chosen_said, pair.chosen_id),
      side("Worse", pair.rejected, pair.rejected_model, pair.rejected_said, pair.rejected_id),
    );
    const id = `${pair.chosen_id}>${pair.rejected_id}`;
    const marker = reading.buttons(id, kinds, { chosen_id: pair.chosen_id, rejected_id: pair.rejected_id, instruction_id: pair.instruction_id });
    const go = (to) => {
      if (to >= 0 && to < total) location.hash = String(to);
    };
    place.replaceChildren(
      pager([["Before", n ? `#${n - 1}` : undefined], [`Pair ${number(n + 1)} of ${number(total)}`, ""], ["Next", n + 1 < total ? `#${n + 1}` : undefined]]),
      head, note, marker, sides,
    );
    const press = (kind) => () => marker.querySelector(`[data-mark="${kind}"]`).click();
    const [after, before] = [() => go(n + 1), () => go(n - 1)];
    reading.keys({ j: after, ArrowRight: after, k: before, ArrowLeft: before, 1: press("left"), 2: press("right"), 0: press("same") });
  }
  addEventListener("hashchange", show);
  show();
})();

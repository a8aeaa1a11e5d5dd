// A run while it works: asked for every second, as long as somebody serves the pages and the page is seen.
"use strict";
(() => {
  const { fresh, make, number, said, table, section } = window.wellspring;
  const place = document.getElementById("live");
  const note = document.getElementById("not-live");
  const everyMs = 1000;
  const many = 100;
  let asked = 0;

  const span = (seconds) => (seconds === null || seconds === undefined ? "–" : seconds < 120 ? `${Math.round(seconds)} s` : seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`);
  const rate = (value) => (value === null || value === undefined ? "–" : value >= many ? number(Math.round(value)) : value.toPrecision(2));

  function bar({ done, total, name }) {
    const made = make("progress", undefined, { max: Math.max(total || 1, 1), value: Math.min(done, total || done), "aria-label": `${name}: ${done} of ${total ?? "?"}` });
    return made;
  }

  function show({ run, stages, answers }) {
    const parts = [];
    if (run) {
      const head = make("p", undefined, { class: "verdict good" });
      head.append("At work: ", said(run.flow, 80), ", run ", make("code", run.run_id.slice(0, 8)), ` since ${run.started_at.replace("T", " ").slice(0, 16)} UTC.`);
      const now = stages.filter((stage) => !stage.is_done);
      const ended = stages.filter((stage) => stage.is_done);
      const lines = (some) => some.map((stage) => [stage.name, bar(stage), `${number(stage.done)} of ${stage.total === null ? "?" : number(stage.total)}`, stage.out ?? "–", rate(stage.rate), span(stage.left), stage.said]);
      const heads = ["Stage", "How far", ["Inputs", "number"], ["Calls out", "number"], ["Rows / s", "number"], ["Time left", "number"], "What it says"];
      parts.push(head);
      if (now.length) parts.push(section("Now", [], table("Stages at work", heads, lines(now))));
      if (ended.length) {
        const folded = make("details");
        folded.open = openBefore;
        folded.addEventListener("toggle", () => {
          openBefore = folded.open;
        });
        folded.append(make("summary", `${number(ended.length)} parts are done`), table("Stages that are done", heads, lines(ended)));
        parts.push(folded);
      }
    } else parts.push(make("p", "No run is at work on this store.", { class: "verdict" }));
    if (answers.length) {
      const rows = answers.map((one) => [one.role, one.model, one.ended, `${one.seconds.toFixed(1)} s`, number(one.tokens), one.text]);
      parts.push(section("Last answers", [], table("Last answers of models, newest first", ["Role", "Model", "Ended", ["Took", "number"], ["Tokens", "number"], "Begins"], rows)));
    }
    place.replaceChildren(...parts);
    place.dataset.asked = String(asked);
  }
  let openBefore = false;

  async function look() {
    if (!document.hidden) {
      asked += 1;
      try {
        show(await fresh(`live/${asked}`));
        note.hidden = true;
      } catch {
        note.hidden = false;
        if (asked === 1) return; // a file, not a server: nothing will come
      }
    }
    setTimeout(look, everyMs);
  }
  look();
})();

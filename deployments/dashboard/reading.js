// Marks of the person who reads: kept in this browser, saved as a file that `wellspring review` reads. And keys.
"use strict";
(() => {
  const { make, number } = window.wellspring;
  const bar = document.getElementById("marks");
  if (!bar) return;
  const [save, clear] = ["save-marks", "clear-marks"].map((id) => document.getElementById(id));
  const place = `wellspring marks ${location.pathname.split("/pages/")[0].replace(/\/rows\/index\.html$|\/pairs\.html$/, "")}`;
  let marks = {};
  try {
    marks = JSON.parse(localStorage.getItem(place) || "{}");
  } catch { /* a browser that keeps nothing: marks last as long as the page */ }

  const words = { good: "good", bad: "bad", exclude: "to exclude", left: "the left one is better", right: "the right one is better", same: "neither is better" };
  function tell() {
    const every = Object.values(marks);
    const counts = Object.keys(words).map((kind) => [kind, every.filter((mark) => mark.mark === kind).length]).filter(([, n]) => n);
    bar.textContent = every.length ? `${number(every.length)} marked: ${counts.map(([kind, n]) => `${number(n)} ${words[kind]}`).join(", ")}` : "No marks yet";
    save.hidden = clear.hidden = !every.length;
  }
  function keep() {
    try {
      localStorage.setItem(place, JSON.stringify(marks));
    } catch { /* as above */ }
    tell();
  }
  function mark(id, kind, more = {}) {
    if (kind) marks[id] = { id, mark: kind, ...more, at: new Date().toISOString() };
    else delete marks[id];
    keep();
  }
  save.addEventListener("click", () => {
    const lines = Object.values(marks).map((one) => `${JSON.stringify(one)}\n`);
    const link = make("a", "", { download: "wellspring-marks.jsonl" });
    link.href = URL.createObjectURL(new Blob(lines, { type: "application/jsonl" }));
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  });
  clear.addEventListener("click", () => {
    if (!clear.dataset.sure) {
      clear.dataset.sure = "yes";
      clear.textContent = "Forget all marks: sure?";
      return;
    }
    marks = {};
    delete clear.dataset.sure;
    clear.textContent = "Forget marks";
    keep();
    dispatchEvent(new Event("marked"));
  });

  // Buttons for a thing that is read, and what its mark is now.
  function buttons(id, kinds, more) {
    const made = make("p", undefined, { class: "marker", role: "group", "aria-label": "Your mark" });
    for (const [kind, key, label] of kinds) {
      const one = make("button", `${label} (${key})`, { type: "button", "data-mark": kind, "aria-pressed": String(marks[id]?.mark === kind) });
      one.addEventListener("click", () => {
        mark(id, marks[id]?.mark === kind ? "" : kind, more);
        for (const other of made.querySelectorAll("button")) other.setAttribute("aria-pressed", String(marks[id]?.mark === other.dataset.mark));
      });
      made.append(one);
    }
    return made;
  }

  // One map from keys to what they do; typing in a field is left alone.
  let keys = {};
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
    const act = keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
  window.wellspring.reading = {
    buttons,
    marked: (id) => marks[id]?.mark,
    words,
    keys: (now) => {
      keys = now;
    },
  };
  tell();
})();

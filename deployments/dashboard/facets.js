// Which rows have which values: columns of one or two characters a row, loaded when somebody chooses by them.
"use strict";
(() => {
  const { load } = window.wellspring;
  const index = () => load("facets/index");

  // How each chosen value is written in its column, the rarest first: what is sought first is found seldom.
  function coded({ facets, letters }, chosen) {
    const found = chosen.map(([name, value]) => {
      const [, , width, , counts, values] = facets.find(([known]) => known === name) || [];
      const n = values ? values.indexOf(value) : -1;
      const code = width === 1 ? letters[n] : letters[Math.floor(n / letters.length)] + letters[n % letters.length];
      return { name, width, code, count: n < 0 ? 0 : counts[n] };
    });
    return found.sort((a, b) => a.count - b.count);
  }

  function* within(columns, wanted) {
    const [{ width, code }] = wanted;
    for (let at = columns[0].indexOf(code); at >= 0; at = columns[0].indexOf(code, at + 1)) {
      if (at % width === 0 && has(columns, wanted, at / width, 1)) yield at / width;
    }
  }
  function has(columns, wanted, n, from = 0) {
    for (let i = from; i < wanted.length; i += 1) if (!columns[i].startsWith(wanted[i].code, n * wanted[i].width)) return false;
    return true;
  }

  const filesOf = ({ facets, size }) => Math.ceil(facets[0][4].reduce((sum, n) => sum + n, 0) / size);
  const columnsOf = (wanted, file) => Promise.all(wanted.map(({ name }) => load(`facets/${name}-${file}`)));

  // Numbers of the rows that have all these values, in order; of those among some, where these are given.
  async function matching(chosen, among) {
    const described = await index();
    const wanted = coded(described, chosen);
    if (!wanted[0].count) return [];
    const { size } = described;
    const asked = among ? [...new Set(among.map((n) => Math.floor(n / size)))] : Array.from({ length: filesOf(described) }, (_, file) => file);
    const shards = new Map(await Promise.all(asked.map(async (file) => [file, await columnsOf(wanted, file)])));
    if (among) return among.filter((n) => has(shards.get(Math.floor(n / size)), wanted, n % size));
    const found = [];
    for (const [file, columns] of shards) for (const n of within(columns, wanted)) found.push(file * size + n);
    return found;
  }

  // The first of them, as many as are asked for; and how many there are, where that is known without looking.
  async function first(chosen, many) {
    const described = await index();
    const wanted = coded(described, chosen);
    const found = [];
    for (let file = 0; wanted[0].count && file < filesOf(described) && found.length < many; file += 1) {
      for (const n of within(await columnsOf(wanted, file), wanted)) {
        found.push(file * described.size + n);
        if (found.length === many) break;
      }
    }
    return [found, wanted.length === 1 || !wanted[0].count ? wanted[0].count : undefined];
  }

  // The same rows by the number that is their value, the lowest first; or the highest. Those without a number come last.
  async function ordered(rows, name, isDown) {
    const { facets, letters, size } = await index();
    const [, , width, , , values] = facets.find(([known]) => known === name);
    const files = [...new Set(rows.map((n) => Math.floor(n / size)))];
    const shards = new Map(await Promise.all(files.map(async (file) => [file, await load(`facets/${name}-${file}`)])));
    const place = new Map(Array.from(letters, (letter, n) => [letter, n]));
    const held = values.map(() => []);
    for (const n of rows) {
      const at = (n % size) * width;
      const column = shards.get(Math.floor(n / size));
      const first = place.get(column[at]);
      held[width === 1 ? first : first * letters.length + place.get(column[at + 1])].push(n);
    }
    const worth = (n) => (Number.isNaN(Number(values[n])) ? Infinity : Number(values[n]) * (isDown ? -1 : 1));
    return [...held.keys()].sort((a, b) => worth(a) - worth(b) || a - b).flatMap((n) => held[n]);
  }

  window.wellspring.facets = { index, matching, first, ordered };
})();

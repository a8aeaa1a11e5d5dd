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

  // Numbers of the rows that have all these values, in order; of those among some, where these are given.
  async function matching(chosen, among) {
    const described = await index();
    const wanted = coded(described, chosen);
    if (!wanted[0].count) return [];
    const { size } = described;
    const files = Math.ceil(described.facets[0][4].reduce((sum, n) => sum + n, 0) / size);
    const asked = among ? [...new Set(among.map((n) => Math.floor(n / size)))] : Array.from({ length: files }, (_, file) => file);
    const shards = new Map(await Promise.all(asked.map(async (file) => [file, await Promise.all(wanted.map(({ name }) => load(`facets/${name}-${file}`)))])));
    if (among) return among.filter((n) => has(shards.get(Math.floor(n / size)), wanted, n % size));
    const found = [];
    for (const [file, columns] of shards) for (const n of within(columns, wanted)) found.push(file * size + n);
    return found;
  }

  window.wellspring.facets = { index, matching };
})();

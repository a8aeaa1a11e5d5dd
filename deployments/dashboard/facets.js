// Which rows have which values: columns of one or two characters a row, loaded when somebody chooses by them.
"use strict";
(() => {
  const { load } = window.wellspring;
  const index = () => load("facets/index");

  const shards = async (described) => Math.ceil(described.facets[0][4].reduce((sum, n) => sum + n, 0) / described.size);

  // Numbers of the rows that have all these values, in order.
  async function matching(chosen) {
    const described = await index();
    const wanted = chosen.map(([name, value]) => {
      const [, , width, , , values] = described.facets.find(([known]) => known === name) || [];
      const n = values ? values.indexOf(value) : -1;
      if (n < 0) return undefined;
      const { letters } = described;
      return [name, width, width === 1 ? letters[n] : letters[Math.floor(n / letters.length)] + letters[n % letters.length]];
    });
    if (wanted.includes(undefined)) return [];
    const found = [];
    const files = await shards(described);
    for (let file = 0; file < files; file += 1) {
      const columns = await Promise.all(wanted.map(([name]) => load(`facets/${name}-${file}`)));
      const [[, width, code], ...others] = wanted;
      const first = file * described.size;
      for (let at = columns[0].indexOf(code); at >= 0; at = columns[0].indexOf(code, at + 1)) {
        if (at % width) continue;
        const n = at / width;
        if (others.every(([, wide, letters], i) => columns[i + 1].startsWith(letters, n * wide))) found.push(first + n);
      }
    }
    return found;
  }

  window.wellspring.facets = { index, matching };
})();

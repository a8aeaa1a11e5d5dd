// What is wrong with how a page looks: too wide, too small, too pale, cut off, or without a sign of focus.
((smallest, least) => {
  const found = [];
  const say = (what, one, more = "") => found.push(`${what}: ${one.tagName.toLowerCase()}.${one.getAttribute("class") || ""} “${one.textContent.trim().slice(0, 40)}” ${more}`);
  const wide = document.documentElement.scrollWidth;
  if (wide > innerWidth) found.push(`scrolls sideways: ${wide} of ${innerWidth}`);

  const parsed = (color) => {
    const [r, g, b, a = 1] = (color.match(/[\d.]+/g) || [0, 0, 0, 0]).map(Number);
    return [r, g, b, a];
  };
  const over = (front, back) => [0, 1, 2].map((i) => front[i] * front[3] + back[i] * (1 - front[3])).concat(1);
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const ratio = (a, b) => {
    const [x, y] = [light(a), light(b)].sort((m, n) => n - m);
    return (x + 0.05) / (y + 0.05);
  };
  const shapes = new Set(["rect", "circle", "path", "polygon", "ellipse"]);
  const ground = (stack) => {
    let color = [255, 255, 255, 0];
    const layers = [];
    for (const one of stack) {
      const style = getComputedStyle(one);
      const isShape = shapes.has(one.tagName);
      if (isShape && style.fill === "none") continue;
      const layer = parsed(isShape ? style.fill : style.backgroundColor);
      if (isShape) layer[3] *= Number(style.fillOpacity) * Number(style.opacity);
      if (layer[3] > 0) layers.push(layer);
      if (layer[3] === 1) break;
    }
    color = [255, 255, 255, 1];
    for (const layer of layers.reverse()) color = over(layer, color);
    return color;
  };

  const range = document.createRange();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const small = new Set();
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const one = node.parentElement;
    if (!node.textContent.trim() || one.closest("script, style, noscript, title, option, .unseen, .skip") || !one.checkVisibility({ visibilityProperty: true })) continue;
    range.selectNodeContents(node);
    const box = range.getBoundingClientRect();
    if (!box.width || !box.height) continue;
    const style = getComputedStyle(one);
    const isDrawn = one instanceof SVGElement;
    const size = parseFloat(style.fontSize) * (isDrawn ? one.getScreenCTM().a : 1);
    if (size < smallest - 0.01 && !small.has(one.className?.baseVal ?? one.className)) {
      small.add(one.className?.baseVal ?? one.className);
      say("small", one, size.toFixed(1));
    }
    for (let up = one; up; up = up.parentElement) {
      const how = getComputedStyle(up);
      const hides = up.tagName === "svg" ? how.overflow !== "visible" : how.overflowX === "hidden" || how.overflowX === "clip";
      if (!hides) continue;
      const edge = up.getBoundingClientRect();
      if (box.right > edge.right + 1 || box.left < edge.left - 1) say("cut", one, `${Math.round(box.left)}-${Math.round(box.right)} in ${Math.round(edge.left)}-${Math.round(edge.right)}`);
      break;
    }
    const [x, y] = [box.x + Math.min(box.width / 2, 30), box.y + Math.min(box.height / 2, 8)];
    const stack = document.elementsFromPoint(x, y);
    const at = stack.indexOf(one);
    if (at < 0) continue;
    const back = ground(stack.slice(isDrawn ? at + 1 : at));
    const got = ratio(over(parsed(isDrawn ? style.fill : style.color), back), back);
    if (got < least) say("contrast", one, got.toFixed(2));
  }

  const kinds = new Set();
  for (const one of document.querySelectorAll("a[href], button, input, select, summary, [tabindex='0']")) {
    const kind = `${one.tagName} ${one.className} ${one.parentElement.tagName} ${one.parentElement.className}`;
    if (kinds.has(kind) || !one.checkVisibility({ visibilityProperty: true })) continue;
    kinds.add(kind);
    one.focus({ preventScroll: true });
    const style = getComputedStyle(one);
    if (document.activeElement === one && (style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 2)) say("no focus seen", one);
    one.blur();
  }
  return [...new Set(found)].slice(0, 12);
})

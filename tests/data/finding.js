// What a person would press: the first visible thing with a text, of several the one in a part that says another.
window.theSeen = (one) => one.checkVisibility({ visibilityProperty: true }) && one.getClientRects().length > 0;
window.theText = (one) => (one.getAttribute("aria-label") || one.innerText || one.textContent).replace(/\s+/g, " ").trim();
window.theFound = (kinds, text, near) => {
  const every = [...document.querySelectorAll(kinds)].filter(theSeen).filter((one) => theText(one).includes(text));
  const exact = every.filter((one) => theText(one) === text);
  const within = (list) => list.find((one) => !near || theText(one.closest("tr, li, article, section, div")).includes(near));
  return within(exact) || within(every);
};
window.theMiddle = (one) => {
  const { x, y, width, height } = one.getClientRects()[0];
  return [x + Math.min(width / 2, 40), y + height / 2];
};

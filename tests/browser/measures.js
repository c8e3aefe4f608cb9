// What the tests measure on a page: overflow, overlaps, and the contrast of every text with what is behind it.
(() => {
  const clipped = (element) => element !== null && getComputedStyle(element).clipPath === "inset(50%)";
  const hidden = (element) => element.closest(".skip, [hidden], noscript, option") !== null || clipped(element.closest(".hidden, thead"));
  const shown = (element) => {
    const style = getComputedStyle(element);
    return style.visibility !== "hidden" && style.display !== "none" && !hidden(element) && element.getClientRects().length > 0;
  };
  const scrolled = (element, itself = false) => {
    for (let at = itself ? element : element.parentElement; at && at !== document.body; at = at.parentElement) {
      const style = getComputedStyle(at);
      if (/auto|scroll|hidden/.test(style.overflowX + style.overflowY)) return at;
    }
    return null;
  };
  const named = (element) => `${element.tagName.toLowerCase()}.${element.className?.baseVal ?? element.className} ${(element.textContent || "").trim().slice(0, 40)}`;
  const textNodes = () => {
    const found = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const node = walker.currentNode;
      if (node.data.trim() && shown(node.parentElement) && !(node.parentElement instanceof SVGTitleElement)) found.push(node);
    }
    return found;
  };
  const overflowing = () => {
    const width = document.documentElement.clientWidth;
    const found = document.documentElement.scrollWidth > width ? [`the page is ${document.documentElement.scrollWidth} wide`] : [];
    for (const element of document.body.querySelectorAll("*")) {
      if (!shown(element) || element instanceof SVGElement) continue;
      const box = element.getBoundingClientRect();
      if (!scrolled(element) && (box.left < -1 || box.right > width + 1)) found.push(`outside: ${named(element)}`);
      const style = getComputedStyle(element);
      const block = !/inline$|contents|table|grid-row/.test(style.display) && !/auto|scroll/.test(style.overflowX);
      if (block && !element.matches("input, select, textarea, html, body") && element.scrollWidth > element.clientWidth + 1 && element.clientWidth > 0) {
        found.push(`too wide inside: ${named(element)}`);
      }
    }
    return found;
  };
  const overlapping = () => {
    const boxes = [];
    for (const node of textNodes()) {
      if (scrolled(node.parentElement, true)) continue;
      const range = document.createRange();
      range.selectNodeContents(node);
      for (const box of range.getClientRects()) {
        // A font's box is taller than its letters; two lines of one paragraph may touch by that.
        boxes.push({ owner: node.parentElement, top: box.top + box.height * 0.25, bottom: box.bottom - box.height * 0.25, left: box.left + 1, right: box.right - 1 });
      }
    }
    for (const element of document.body.querySelectorAll("input, select, textarea, button, .button, img, svg, .status")) {
      if (!shown(element) || scrolled(element)) continue;
      const { top, bottom, left, right } = element.getBoundingClientRect();
      boxes.push({ owner: element, top: top + 1, bottom: bottom - 1, left: left + 1, right: right - 1 });
    }
    boxes.sort((a, b) => a.top - b.top);
    const found = [];
    for (let i = 0; i < boxes.length; i += 1) {
      for (let j = i + 1; j < boxes.length && boxes[j].top < boxes[i].bottom; j += 1) {
        const [a, b] = [boxes[i], boxes[j]];
        if (a.owner === b.owner || a.owner.contains(b.owner) || b.owner.contains(a.owner)) continue;
        if (a.left < b.right && b.left < a.right) found.push(`${named(a.owner)} × ${named(b.owner)}`);
      }
    }
    return found;
  };
  const channels = (color) => {
    const parts = color.match(/[\d.]+/g).map(Number);
    return color.startsWith("color(srgb") ? [...parts.slice(0, 3).map((each) => each * 255), parts[3] ?? 1] : [...parts.slice(0, 3), parts[3] ?? 1];
  };
  const over = (front, back) => front.slice(0, 3).map((each, index) => each * front[3] + back[index] * (1 - front[3]));
  const behind = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) {
      layers.push(channels(getComputedStyle(at).backgroundColor));
      if (layers.at(-1)[3] === 1) break;
    }
    let color = layers.at(-1)[3] === 1 ? layers.pop().slice(0, 3) : [255, 255, 255];
    while (layers.length) color = over(layers.pop(), color);
    return color;
  };
  const luminance = (color) => {
    const [r, g, b] = color.map((each) => each / 255).map((each) => (each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ratio = (one, two) => {
    const [light, dark] = [luminance(one), luminance(two)].sort((a, b) => b - a);
    return (light + 0.05) / (dark + 0.05);
  };
  const faint = () => {
    const found = [];
    for (const node of textNodes()) {
      const element = node.parentElement;
      const style = getComputedStyle(element);
      const size = parseFloat(style.fontSize);
      const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
      const back = behind(element);
      const front = over(channels(element instanceof SVGElement ? style.fill : style.color), back);
      const measured = ratio(front, back);
      if (measured < (large ? 3 : 4.5)) found.push(`${measured.toFixed(2)}: ${named(element)}`);
    }
    // The edges of controls need 3 to 1 (WCAG 2.2, 1.4.11).
    for (const element of document.querySelectorAll("input:not([type=hidden], .hidden), select, textarea, button:not([aria-pressed]), .button")) {
      if (!shown(element)) continue;
      const style = getComputedStyle(element);
      const around = behind(element.parentElement);
      const edge = ratio(channels(style.borderTopColor).slice(0, 3), around);
      if (edge < 3 && ratio(behind(element), around) < 3 && !element.matches("[type=checkbox], [type=radio]")) found.push(`edge ${edge.toFixed(2)}: ${named(element)}`);
    }
    return found;
  };
  const characters = (element) => {
    const node = document.createTreeWalker(element, NodeFilter.SHOW_TEXT).nextNode();
    return [...node.data].map((_, index) => {
      const range = document.createRange();
      range.setStart(node, index);
      range.setEnd(node, index + 1);
      return range.getBoundingClientRect().left;
    });
  };
  window.measures = { overflowing, overlapping, faint, characters };
})();

// Runs in a page: looks at what a notebook shows there. Plain JavaScript, since the project's types are not a page's.

globalThis.cairnProbe = { outputs, texts, textsOf, contents, overflows, contrasts, hide };

/** Rich outputs wherever they are: in JupyterLab, in nbconvert's page, in a page of ours. */
const OUTPUTS = ".jp-RenderedHTMLCommon:is(.jp-OutputArea-output), .cairn-output";
/** Of WCAG 2.2, level AA: 4.5 for text, 3 for signs (1.4.3, 1.4.11). */
const TEXT_CONTRAST = 4.5;
const SIGN_CONTRAST = 3;
const SIGNS = /^[✓✗⚠+−~]$/;

/** For each code cell, the text of each of its outputs. */
function outputs() {
  return [...document.querySelectorAll(".jp-CodeCell")].map((cell) =>
    [...cell.querySelectorAll(".jp-OutputArea-output")].map((output) => output.textContent)
  );
}

/** The text of each rich output. */
function texts() {
  return shown().map((output) => output.textContent);
}

/** The text of HTML as it would be shown if it were shown whole. */
function textsOf(sources) {
  return sources.map((source) => new DOMParser().parseFromString(source, "text/html").body.textContent);
}

/** How many tables, charts and pictures there are, which elements and attributes, and where the images come from. */
function contents() {
  const all = shown().flatMap((output) => [...output.querySelectorAll("*")]);
  const count = (name) => all.filter((each) => each.localName === name).length;
  return {
    tables: count("table"),
    images: all.filter((each) => each.localName === "img" && each.naturalWidth > 0).length,
    elements: [...new Set(all.map((each) => each.localName))].sort(),
    attributes: [...new Set(all.flatMap((each) => each.getAttributeNames()))].sort(),
    addresses: [
      ...new Set(all.flatMap((each) => ["src", "href", "action", "data"].map((name) => each.getAttribute(name)))),
    ]
      .filter((address) => address !== null).map((address) => address.slice(0, 30)),
  };
}

/** What is wider than the place that it has: text and images that leave their cell, boxes that would have to scroll. */
function overflows() {
  const found = [];
  for (const output of shown()) {
    const right = output.getBoundingClientRect().right + 1;
    for (const element of output.querySelectorAll("*")) {
      if (!isSeen(element)) continue;
      const name = `<${element.localName}> "${element.textContent.slice(0, 60)}"`;
      if (element.getBoundingClientRect().right > right) found.push(`${name} leaves its output`);
      if (getComputedStyle(element).display !== "inline" && element.scrollWidth > element.clientWidth + 1) {
        found.push(`${name} is ${element.scrollWidth} wide in ${element.clientWidth}`);
      }
    }
    for (const { node, rectangle } of textsIn(output)) {
      const cell = node.parentElement.closest("td, th, summary, p, figcaption, pre, div");
      const room = cell.getBoundingClientRect();
      if (rectangle.right > room.right + 1 || rectangle.left < room.left - 1) {
        found.push(`"${node.data.slice(0, 60)}" leaves its <${cell.localName}>`);
      }
    }
  }
  return [...new Set(found)];
}

/** Texts and signs whose contrast with their ground is too low, and the lowest that there is. */
function contrasts() {
  const low = [];
  let [lowestText, lowestSign, texts] = [21, 21, 0];
  for (const output of shown()) {
    for (const { node } of textsIn(output)) {
      const isSign = SIGNS.test(node.data.trim());
      const ratio = contrastOf(node.parentElement);
      texts++;
      if (isSign) lowestSign = Math.min(lowestSign, ratio);
      else lowestText = Math.min(lowestText, ratio);
      if (ratio < (isSign ? SIGN_CONTRAST : TEXT_CONTRAST)) {
        low.push(`${ratio.toFixed(2)}: "${node.data.slice(0, 60)}"`);
      }
    }
  }
  return { low, lowestText, lowestSign, texts };
}

/** Leaves a text out wherever it is shown. */
function hide(text) {
  for (const output of shown()) {
    for (const { node } of textsIn(output)) node.data = node.data.replaceAll(text, "");
  }
}

function shown() {
  return [...document.querySelectorAll(OUTPUTS)];
}

/** Not what is only read aloud, and not what is folded. */
function isSeen(element) {
  if (!element.checkVisibility()) return false;
  for (let each = element; each !== null; each = each.parentElement) {
    if (getComputedStyle(each).clip !== "auto") return false;
  }
  return true;
}

function textsIn(output) {
  const found = [];
  const walker = document.createTreeWalker(output, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    if (node.data.trim() === "" || !isSeen(node.parentElement)) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    found.push({ node, rectangle: range.getBoundingClientRect() });
  }
  return found;
}

/** The ratio of WCAG 2.2; opacity counts as if it were the text's own. */
function contrastOf(element) {
  const chain = [];
  for (let each = element; each !== null; each = each.parentElement) chain.unshift(each);
  let ground = [255, 255, 255];
  let opacity = 1;
  for (const each of chain) {
    const style = getComputedStyle(each);
    opacity *= Number(style.opacity);
    ground = over(rgbaOf(style.backgroundColor), ground);
  }
  const [red, green, blue, alpha] = rgbaOf(getComputedStyle(element).color);
  const [a, b] = [luminance(over([red, green, blue, alpha * opacity], ground)), luminance(ground)];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}

function over([red, green, blue, alpha], ground) {
  return [red, green, blue].map((part, index) => part * alpha + ground[index] * (1 - alpha));
}

/** A computed colour: `rgb(1, 2, 3)`, `rgba(1, 2, 3, 0.5)`. */
function rgbaOf(colour) {
  const parts = /^rgba?\(([\d., ]+)\)$/.exec(colour)?.[1].split(",").map(Number);
  if (parts === undefined) throw new Error(`Cannot read the colour "${colour}"`);
  return parts.length === 4 ? parts : [...parts, 1];
}

function luminance(colour) {
  const [red, green, blue] = colour.map((part) => {
    const share = part / 255;
    return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

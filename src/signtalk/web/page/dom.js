// Making and finding elements.

export const byId = (id) => document.getElementById(id);

/** An element with properties, and children that are elements or strings. */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  const { data = {}, ...plain } = properties;
  Object.assign(element, plain);
  Object.assign(element.dataset, data);
  element.append(...children);
  return element;
}

/** A button that does something. */
export function button(label, onclick, className = "") {
  return make("button", { type: "button", className, onclick }, label);
}

/** A picture of icons.svg; the words beside it say the same. */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `icons.svg#${name}`);
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", "icon");
  svg.append(use);
  return svg;
}

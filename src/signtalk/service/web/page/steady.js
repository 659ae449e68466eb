// What a person points at stays under the finger: what changes above it meanwhile moves the page, not the place.

const POINTING_MS = 8000; // after a touch

/**
 * Hold a place while somebody points at it.
 *
 * @param {HTMLElement} place
 * @param {HTMLElement} above a card above it that grows; it does not shrink meanwhile
 */
export function holdSteady(place, above) {
  let timer = 0, height = 0;
  const release = () => {
    timer = 0;
    above.style.minHeight = "";
    document.documentElement.style.overflowAnchor = "";
  };
  const keep = () => {
    height = above.offsetHeight;
    above.style.minHeight = `${height}px`;
  };
  place.addEventListener("pointerdown", () => {
    clearTimeout(timer);
    timer = window.setTimeout(release, POINTING_MS);
    document.documentElement.style.overflowAnchor = "none"; // some browsers would move the page a second time
    keep();
  }, { capture: true });
  new ResizeObserver(() => {
    const grown = above.offsetHeight - height;
    if (!timer || grown <= 0) return;
    keep();
    const isAbove = above.getBoundingClientRect().bottom <= place.getBoundingClientRect().top;
    if (isAbove) window.scrollBy({ top: grown, behavior: "instant" });
  }).observe(above);
}

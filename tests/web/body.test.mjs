// The drawn body: `node --test body.test.mjs`.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import { HEIGHTS, neighbour, placesOf, WIDTH } from "../../src/signtalk/service/web/page/body.js";
import { pictureOf } from "../../src/signtalk/service/web/page/categories.js";

const VIEWS = /** @type {const} */ (["front", "back", "face"]);
const WEB = new URL("../../src/signtalk/service/web/", import.meta.url);
const texts = JSON.parse(await readFile(new URL("texts/en.json", WEB), "utf8"));

test("each place has a name of its own and lies in the picture", () => {
  for (const view of VIEWS) {
    const places = placesOf(view);
    assert.equal(new Set(places.map(({ name }) => name)).size, places.length);
    for (const { name, path } of places) {
      assert(texts[`body.${name}`], name);
      const numbers = (path.match(/[\d.]+/g) ?? []).map(Number);
      assert(numbers.every((value, i) => value >= 0 && value <= (i % 2 ? HEIGHTS[view] : WIDTH)), name);
    }
  }
});

test("the right hand lies at the left from the front, and at the right from behind", () => {
  const hand = (/** @type {"front" | "back"} */ view) => placesOf(view).find(({ name }) => name === "right_hand")?.x ?? NaN;
  assert(hand("front") < WIDTH / 2 && hand("back") > WIDTH / 2);
});

test("arrow keys reach every place, and go where they point", () => {
  for (const view of VIEWS) {
    const places = placesOf(view), reached = new Set([places[0]]);
    for (const place of reached) {
      for (const key of ["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight"]) {
        const next = neighbour(places, place, key);
        if (next) reached.add(next);
      }
    }
    assert.equal(reached.size, places.length, view);
  }
  const places = placesOf("front"), [head] = places;
  assert.equal(neighbour(places, head, "ArrowDown")?.name, "neck");
  assert.equal(neighbour(places, head, "ArrowUp"), undefined);
  assert.equal(neighbour(places, head, "Enter"), undefined);
});

test("categories have the picture of their words, others a bubble, and every picture is there", async () => {
  const icons = await readFile(new URL("icons.svg", WEB), "utf8");
  assert.equal(pictureOf("complaint"), "pain");
  assert.equal(pictureOf("Medicine"), "pill");
  assert.equal(pictureOf("xyzzy"), "talk");
  for (const name of ["complaint", "medicine", "food", "family", "greeting", "question", "time", "instruction", "body", "ward", "toilet", "devices", "x"]) {
    assert(icons.includes(`id="icon-${pictureOf(name)}"`), name);
  }
});

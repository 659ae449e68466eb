// Sentences with a star: `node --test favourites.test.mjs`.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Favourites } from "../../src/signtalk/service/web/page/favourites.js";
import { FORBIDDEN, storage } from "./made_up_storage.mjs";

test("a star outlives the page, and a second press takes it away", () => {
  const own = storage(), favourites = new Favourites(own);
  favourites.toggle("B");
  favourites.toggle("A");
  assert.deepEqual(new Favourites(own).sentences, ["B", "A"]);
  favourites.toggle("B");
  assert.deepEqual([favourites.has("B"), favourites.has("A")], [false, true]);
  favourites.toggle("A");
  assert.deepEqual(own.kept, {});
});

test("damaged and forbidden storage is nothing", () => {
  for (const value of ["{", "7", "null", "[3]"]) {
    assert.deepEqual(new Favourites(storage({ "signtalk-favourites": value })).sentences, []);
  }
  const favourites = new Favourites(FORBIDDEN);
  favourites.toggle("A");
  assert.deepEqual(favourites.sentences, ["A"]);
});

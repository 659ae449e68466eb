// Which sentence follows which: `node --test together.test.mjs`.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Together } from "../../src/signtalk/service/web/page/together.js";
import { FORBIDDEN, storage } from "./made_up_storage.mjs";

/** @param {{wanted?: boolean, own?: ReturnType<typeof storage>}} [options] */
const made = ({ wanted = true, own = storage() } = {}) => new Together({ wanted: () => wanted, storage: own });

/**
 * @param {Together} together
 * @param {string[]} sentences
 */
function use(together, ...sentences) {
  for (const each of sentences) together.use(each, true);
}

test("what followed most often is offered first", () => {
  const together = made();
  use(together, "A", "B", "A", "C", "A", "C", "A");
  assert.deepEqual(together.next, ["C", "B"]);
});

test("what staff shows leads to others, and is not offered", () => {
  const together = made();
  together.use("Where does it hurt?", false);
  together.use("My head hurts", true);
  together.use("Where does it hurt?", false);
  assert.deepEqual(together.next, ["My head hurts"]);
  together.use("My head hurts", true);
  assert.deepEqual(together.next, []);
});

test("another person's first sentence follows nothing", () => {
  const together = made();
  use(together, "A");
  together.begin();
  use(together, "B", "A");
  assert.deepEqual(together.next, []);
});

test("counts outlive the page only where counting is wanted, and can be erased", () => {
  const own = storage(), quiet = storage();
  use(made({ own }), "A", "B");
  use(made({ own: quiet, wanted: false }), "A", "B");
  assert.deepEqual(quiet.kept, {});
  const again = made({ own });
  use(again, "A");
  assert.deepEqual(again.next, ["B"]);
  again.clear();
  assert.deepEqual(own.kept, {});
  use(again, "A");
  assert.deepEqual(again.next, []);
});

test("a sentence may be named as what every object has", () => {
  const together = made();
  use(together, "constructor", "__proto__", "constructor");
  assert.deepEqual(together.next, ["__proto__"]);
});

test("damaged and forbidden storage is nothing", () => {
  for (const value of ["{", "7", "null", '{"A": 3, "C": {"B": "x"}}']) {
    const together = made({ own: storage({ "signtalk-together": value }) });
    use(together, "A");
    assert.deepEqual(together.next, []);
  }
  const together = new Together({ wanted: () => true, storage: FORBIDDEN });
  use(together, "A", "B", "A");
  assert.deepEqual(together.next, ["B"]);
});

test("what was not used for long is dropped", () => {
  const own = storage(), together = made({ own });
  for (let i = 0; i < 700; i += 1) use(together, `sentence ${i}`);
  assert.equal(Object.keys(JSON.parse(own.kept["signtalk-together"])).length, 300);
});

// What staff's device shows of the patient's, without a service: `node --test pair_view.test.mjs`.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { begin, byId } from "./made_up_page.mjs";

const { Conversation } = await import("../../src/signtalk/service/web/page/conversation.js");
const { Events } = await import("../../src/signtalk/service/web/page/events.js");
const { PairView } = await import("../../src/signtalk/service/web/page/pair_view.js");

beforeEach(begin);

/** Staff's device, which hears what the test says. */
function staffs() {
  const pairing = /** @type {any} */ (Object.assign(new Events(), { state: "together", role: "staff", tellTalk: () => {} }));
  const conversation = new Conversation(/** @type {any} */ ({}));
  const nurse = /** @type {any} */ ({ clear: () => {} });
  new PairView({ pairing, conversation, nurse, staffs: () => {} });
  pairing.emit("changed", { state: "together", role: "staff" });
  return { pairing, conversation };
}

const standing = () => [byId("partner-standing").textContent, byId("partner-standing").classList.contains("asking")];

test("it shows what stands on the patient's screen, and nothing where that was taken back", () => {
  const { pairing } = staffs();
  pairing.emit("standing", { kind: "confirm", words: ["I have a fever."] });
  assert.deepEqual(standing(), ["I have a fever?", true]);
  pairing.emit("standing", { kind: "said", words: ["I have a fever."] });
  assert.deepEqual(standing(), ["I have a fever.", false]);
  pairing.emit("standing", { kind: "help", words: [] });
  assert.deepEqual(standing(), ["", false]);
});

test("the talk's last line does not stand there as said: it may be what was not meant", () => {
  const { pairing, conversation } = staffs();
  pairing.emit("standing", { kind: "again", words: [] });
  pairing.emit("talk", { lines: [{ who: "patient", words: "I have a fever?", how: "declined", at: 0 }] });
  assert.deepEqual(standing(), ["", false]);
  assert.equal(conversation.lines.length, 1);
});

test("nothing of the patient's stays when the pair ends", () => {
  const { pairing, conversation } = staffs();
  pairing.emit("standing", { kind: "ask", words: ["A.", "B."] });
  pairing.emit("talk", { lines: [{ who: "patient", words: "A.", how: "signed", at: 0 }] });
  pairing.emit("changed", { state: "off", role: null });
  assert.deepEqual([standing(), conversation.lines], [["", false], []]);
});

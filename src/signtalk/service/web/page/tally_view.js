// The card that shows what was counted, saves it as a table and erases it.

import { today } from "../engine/day.js";
import { buttonById, byId, inputById, make, saveFile } from "./dom.js";
import { COUNTED } from "./tally.js";
import { text } from "./texts.js";

/** @import { Tally } from "./tally.js" */

const MOST_SHOWN = 50;

export class TallyView {
  /**
   * @param {Tally} tally
   * @param {() => void} erased called where all counts are to be forgotten
   */
  constructor(tally, erased) {
    this.tally = tally;
    const wanted = inputById("tally-wanted");
    wanted.checked = tally.wanted;
    wanted.onchange = () => { tally.wanted = wanted.checked; };
    byId("tally-save").onclick = () => {
      saveFile(new Blob([tally.toText()], { type: "text/csv" }), `signtalk-counts-${today()}.csv`);
    };
    byId("tally-erase").onclick = () => {
      tally.clear();
      erased();
      this.refresh();
      byId("tally-title").focus(); // the button itself is of no use now
    };
  }

  /** Show what is counted by now. */
  refresh() {
    const rows = this.tally.rows();
    byId("tally-rows").replaceChildren(...rows.slice(0, MOST_SHOWN).map((row) => make(
      "tr", {},
      make("td", {}, row.day),
      make("th", { scope: "row", dir: "auto" }, row.sentence || text("tally.no_sentence")),
      ...COUNTED.map((what) => make("td", {}, String(row[what]))),
    )));
    byId("tally-table").hidden = !rows.length;
    byId("tally-empty").hidden = rows.length > 0;
    for (const id of ["tally-save", "tally-erase"]) buttonById(id).disabled = !rows.length;
  }
}

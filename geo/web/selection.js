/* What a choice of filters shows, worked out in the browser by the rules of the Python side:
 * `selection.apply`, `dataset.statuses` and `marks.visible`. A test holds the two together.
 *
 * A choice is { source, confidence, status, theme, layer: arrays of codes, as_of: day or null };
 * a code is a position in `data.ledger.options`, a day counts from 1 January 1970.
 */
window.claimSelection = (() => {
  "use strict";

  const FACETS = ["source", "confidence", "status", "theme"];
  const orders = new WeakMap();

  /** Statements by claim, speaker and day, undated first; on one day as the table has them. */
  function order({ statements }) {
    if (!orders.has(statements)) {
      const { claim, speaker, day } = statements;
      const time = (i) => day[i] === null ? -Infinity : day[i];
      orders.set(statements, Uint32Array.from(claim.keys()).sort((a, b) =>
        claim[a] - claim[b] || speaker[a] - speaker[b] || (time(a) < time(b) ? -1 : time(a) > time(b) ? 1 : a - b)));
    }
    return orders.get(statements);
  }

  /** Which statements the day and the sources keep: by a chosen source, or repeating one. */
  function keptStatements({ statements }, { source, as_of }) {
    const { speaker, origin, day } = statements;
    const wanted = new Set(source);
    return speaker.map((who, i) =>
      (as_of === null || (day[i] !== null && day[i] <= as_of)) &&
      (!wanted.size || wanted.has(who) || wanted.has(origin[i])));
  }

  /** Which kept statements nobody took back since: a retraction undoes its speaker's earlier ones. */
  function standing(ledger, kept) {
    const { claim, speaker, stance } = ledger.statements;
    const retracts = ledger.stances.indexOf("retracts");
    const stands = new Uint8Array(claim.length);
    const sorted = order(ledger);
    let undone = false;
    for (let n = sorted.length - 1; n >= 0; n--) { // the last one first
      const i = sorted[n], next = sorted[n + 1];
      if (next === undefined || claim[next] !== claim[i] || speaker[next] !== speaker[i]) undone = false;
      if (!kept[i]) continue;
      undone = undone || stance[i] === retracts;
      stands[i] = undone ? 0 : 1;
    }
    return stands;
  }

  /** The status code of each claim, -1 where the choice hides it; and the statements that stand. */
  function apply(ledger, choice) {
    const { claim, stance, direct } = ledger.statements;
    const kept = keptStatements(ledger, choice);
    const stands = standing(ledger, kept);
    const [asserts, denies] = ["asserts", "denies"].map((name) => ledger.stances.indexOf(name));
    const [SPOKEN, ONCE, ASSERTED, DENIED, DIRECT] = [1, 2, 4, 8, 16];
    const said = new Uint8Array(ledger.confidence.length);
    for (let i = 0; i < claim.length; i++) {
      if (!kept[i]) continue;
      said[claim[i]] |= SPOKEN;
      if (stance[i] === asserts) said[claim[i]] |= stands[i] ? ASSERTED | ONCE : ONCE;
      if (stance[i] === denies && stands[i]) said[claim[i]] |= direct[i] ? DENIED | DIRECT : DENIED;
    }
    const code = (name) => ledger.options.status.indexOf(name);
    const [sourced, contested, denied, withdrawn, declined] =
      ["sourced", "contested", "denied", "withdrawn", "declined"].map(code);
    const passes = (key, value) => !choice[key].length || choice[key].includes(value);
    const status = Int8Array.from(said, (bits, n) => {
      if (!(bits & SPOKEN)) return -1;
      const found = bits & ASSERTED ? (bits & DENIED ? contested : sourced)
        : bits & ONCE ? withdrawn : bits & DENIED ? denied : declined;
      const shown = passes("status", found) && passes("confidence", ledger.confidence[n]) && passes("theme", ledger.theme[n]);
      return shown ? found : -1;
    });
    return { status, stands, kept, direct: said.map((bits) => bits & DIRECT ? 1 : 0) };
  }

  /** Which marks of the data a choice shows, 1 or 0 for each. */
  function visible({ ledger, marks }, choice) {
    const { status, stands, direct } = apply(ledger, choice);
    const named = (code) => code < 0 ? "hidden" : ledger.options.status[code];
    const names = Array.from(status, named);
    const on = (layer) => choice.layer.includes(ledger.options.layer.indexOf(layer));
    const [sourced, denied] = [on("sourced"), on("denied")];
    return Uint8Array.from(marks, (mark) => {
      const now = names[mark.claim];
      if (now === "hidden") return 0;
      const isDenied = now === "denied" || now === "contested";
      const asserted = now === "sourced" || now === "contested";
      let inState = mark.said < 0 || stands[mark.said] === 1;
      if (mark.when === "standing") inState = asserted;
      else if (mark.when === "withdrawn") inState = now === "withdrawn";
      else if (mark.when === "direct") inState = isDenied && direct[mark.claim] === 1;
      else if (mark.when === "implied") inState = isDenied && !direct[mark.claim];
      const open = now === "declined";
      const either = (sourced && (asserted || now === "withdrawn" || open)) || (denied && (isDenied || open));
      return inState && (mark.layer === "sourced" ? sourced : mark.layer === "denied" ? denied : either) ? 1 : 0;
    });
  }

  return { FACETS, apply, visible };
})();

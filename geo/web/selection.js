/* What a choice of filters shows, worked out in the browser by the rules of the Python side:
 * `selection.apply`, `dataset.statuses` and `marks.visible`. A test holds the two together.
 *
 * A choice is { source, confidence, status, theme, layer: arrays of codes, as_of: day or null };
 * a code is a position in `data.ledger.options`, a day counts from 1 January 1970. Statements
 * stand in the order of claim, speaker and day (undated first, on one day as the table has them).
 */
window.claimSelection = (() => {
  "use strict";

  const FACETS = ["source", "confidence", "status", "theme"];

  /** 1 for each code that a filter lets through, out of so many. */
  function wanted(chosen, count) {
    const found = new Uint8Array(count).fill(chosen.length ? 0 : 1);
    for (const code of chosen) found[code] = 1;
    return found;
  }

  /** Which statements the day and the sources keep: by a chosen source, or repeating one. */
  function keptStatements({ statements, options, undated }, { source, as_of }) {
    const { speaker, origin, day } = statements;
    const ours = wanted(source, options.source.length);
    const kept = new Uint8Array(day.length);
    for (let i = 0; i < day.length; i++) {
      if (as_of !== null && (day[i] === undated || day[i] > as_of)) continue;
      if (!source.length || ours[speaker[i]] || (origin[i] >= 0 && ours[origin[i]])) kept[i] = 1;
    }
    return kept;
  }

  /** Which kept statements nobody took back since: a retraction undoes its speaker's earlier ones. */
  function standing({ statements, stances }, kept) {
    const { claim, speaker, stance } = statements;
    const retracts = stances.indexOf("retracts");
    const stands = new Uint8Array(claim.length);
    let undone = false;
    for (let i = claim.length - 1; i >= 0; i--) { // the last one first
      if (claim[i + 1] !== claim[i] || speaker[i + 1] !== speaker[i]) undone = false;
      if (!kept[i]) continue;
      undone = undone || stance[i] === retracts;
      stands[i] = undone ? 0 : 1;
    }
    return stands;
  }

  /** The status code of each claim, -1 where the choice hides it; and the statements that stand. */
  function apply(ledger, choice) {
    const { claim, stance, direct } = ledger.statements;
    const { options } = ledger;
    const kept = keptStatements(ledger, choice);
    const stands = standing(ledger, kept);
    const [asserts, denies] = ["asserts", "denies"].map((name) => ledger.stances.indexOf(name));
    const [SPOKEN, ONCE, ASSERTED, DENIED, DIRECT] = [1, 2, 4, 8, 16];
    const count = ledger.confidence.length;
    const said = new Uint8Array(count), status = new Int8Array(count), named = new Uint8Array(count);
    for (let i = 0; i < claim.length; i++) {
      if (!kept[i]) continue;
      said[claim[i]] |= SPOKEN;
      if (stance[i] === asserts) said[claim[i]] |= stands[i] ? ASSERTED | ONCE : ONCE;
      if (stance[i] === denies && stands[i]) said[claim[i]] |= direct[i] ? DENIED | DIRECT : DENIED;
    }
    const code = (name) => options.status.indexOf(name);
    const [sourced, contested, denied, withdrawn, declined] =
      ["sourced", "contested", "denied", "withdrawn", "declined"].map(code);
    const [byStatus, byConfidence, byTheme] = ["status", "confidence", "theme"]
      .map((key) => wanted(choice[key], options[key].length));
    for (let n = 0; n < count; n++) {
      const bits = said[n];
      const found = bits & ASSERTED ? (bits & DENIED ? contested : sourced)
        : bits & ONCE ? withdrawn : bits & DENIED ? denied : declined;
      const shown = bits & SPOKEN && byStatus[found] && byConfidence[ledger.confidence[n]] && byTheme[ledger.theme[n]];
      status[n] = shown ? found : -1;
      named[n] = bits & DIRECT ? 1 : 0;
    }
    return { status, stands, kept, direct: named };
  }

  /** Whether a kind of mark shows with a claim of some status, denied by name or not. */
  function shows({ when, layer }, now, isDirect, [sourced, denied]) {
    const isDenied = now === "denied" || now === "contested";
    const asserted = now === "sourced" || now === "contested";
    let inState = true;
    if (when === "standing") inState = asserted;
    else if (when === "withdrawn") inState = now === "withdrawn";
    else if (when === "direct") inState = isDenied && isDirect;
    else if (when === "implied") inState = isDenied && !isDirect;
    const open = now === "declined";
    const either = (sourced && (asserted || now === "withdrawn" || open)) || (denied && (isDenied || open));
    return inState && (layer === "sourced" ? sourced : layer === "denied" ? denied : either);
  }

  /** Which marks of the data (`claimMarks.read`) a choice shows, 1 or 0 for each. */
  function visible(data, choice) {
    const { ledger, kinds } = data;
    const { options } = ledger;
    const { status, stands, direct } = apply(ledger, choice);
    const layers = ["sourced", "denied"].map((layer) => choice.layer.includes(options.layer.indexOf(layer)));
    // Few kinds of marks and few states of claims: each pair is decided once.
    const states = 2 * options.status.length;
    const table = new Uint8Array(kinds.length * states);
    kinds.forEach((kind, k) => options.status.forEach((name, code) => [0, 1].forEach((named) => {
      table[k * states + 2 * code + named] = shows(kind, name, named === 1, layers) ? 1 : 0;
    })));
    const spoken = Uint8Array.from(kinds, ({ part }) => part === "spoken" ? 1 : 0);
    const on = new Uint8Array(data.count);
    for (let n = 0; n < data.count; n++) {
      const claim = data.claim[n], kind = data.kind[n];
      if (status[claim] < 0) continue;
      if (spoken[kind] && !stands[data.said[data.feature[n]]]) continue;
      on[n] = table[kind * states + 2 * status[claim] + direct[claim]];
    }
    return on;
  }

  return { FACETS, apply, visible };
})();

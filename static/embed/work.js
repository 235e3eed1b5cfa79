// @ts-check
// A computation instead of a picture, as ALTCHA's protocol (version 2) poses it: count until the derived key begins as
// told. The browser derives keys in threads of its own, so the page stays quick and needs no worker, which a blog's
// policy might forbid.

const MAX_AT_ONCE = 8;

/** @typedef {{parameters: {nonce: string, salt: string, cost: number, keyLength: number, keyPrefix: string}, signature: string}} Problem */

/** Solve what a challenge poses, and say so in its form. @param {import("./challenge.js").Challenge} challenge @param {AbortSignal} signal */
export async function compute(challenge, signal) {
  try {
    const { token, work } = await challenge.withWork();
    const solved = await solve(work, signal);
    if (signal.aborted || !challenge.form || challenge.token !== token) return;
    challenge.field("challenge_work").value = solved;
    celebrate(challenge);
  } catch (problem) {
    if (!signal.aborted) throw problem;
  }
}

/** Say that nothing else is asked; who was among the puzzle's buttons goes on from there. @param {import("./challenge.js").Challenge} challenge */
function celebrate(challenge) {
  const { activeElement } = /** @type {ShadowRoot} */ (challenge.form.getRootNode());
  const puzzle = challenge.place(".puzzle");
  const hadFocus = puzzle.contains(activeElement);
  puzzle.hidden = true;
  const notice = challenge.place(".notice.good");
  notice.hidden = false;
  notice.tabIndex = -1;
  if (hadFocus) notice.focus();
}

/** What the server takes as the answer. @param {Problem} problem @param {AbortSignal} signal @returns {Promise<string>} */
async function solve(problem, signal) {
  const { keyPrefix } = problem.parameters;
  const atOnce = Math.min(MAX_AT_ONCE, navigator.hardwareConcurrency || 1);
  for (let first = 0; ; first += atOnce) {
    signal.throwIfAborted();
    const keys = await Promise.all(Array.from({ length: atOnce }, (_, lane) => derive(problem, first + lane)));
    const lane = keys.findIndex((key) => key.startsWith(keyPrefix));
    if (lane >= 0) return btoa(JSON.stringify({ challenge: problem, solution: { counter: first + lane, derivedKey: keys[lane] } }));
  }
}

/** The key for one number, as hex. @param {Problem} problem @param {number} counter */
async function derive({ parameters }, counter) {
  const nonce = bytes(parameters.nonce);
  const password = new Uint8Array(nonce.length + 4);
  password.set(nonce);
  new DataView(password.buffer).setUint32(nonce.length, counter);
  const key = await crypto.subtle.importKey("raw", password, "PBKDF2", false, ["deriveBits"]);
  const how = { name: "PBKDF2", hash: "SHA-256", salt: bytes(parameters.salt), iterations: parameters.cost };
  const derived = await crypto.subtle.deriveBits(how, key, parameters.keyLength * 8);
  return Array.from(new Uint8Array(derived), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @param {string} hex */
function bytes(hex) {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

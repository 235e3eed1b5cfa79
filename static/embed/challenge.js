// @ts-check
// The challenge of a form: asked for when somebody begins to write, renewed before it is too old, solved by what the
// picture shows, by what the sound says, or by this device itself.

import { VISITOR_HEADER, recall } from "../../embed.js";

/** @typedef {import("./composer.js").Composer} Composer */

const SPARE = 20_000; // milliseconds before it expires

export class Challenge {
  /** The signed token of who writes. */
  visitor = recall().visitor ?? "";
  /** Why there is none; asked for again when somebody sends, and not before. */
  refused = "";
  /** @type {Promise<void> | undefined} */
  #asked;
  /** What the server posed last, and for which article. @type {any} */
  #given;
  /** When the form was shown first, which may be before this challenge came. */
  #shownSince = 0;
  #expires = Infinity;
  #computing = new AbortController();
  /** @type {Promise<void> | undefined} */
  #solving;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #later;

  /** @param {Composer} composer */
  constructor(composer) {
    this.composer = composer;
  }

  get form() {
    return this.composer.form;
  }

  /** @param {string} name */
  field(name) {
    return this.composer.field(name);
  }

  /** @param {string} selector */
  place(selector) {
    return /** @type {HTMLElement} */ (this.form.querySelector(`.challenge ${selector}`));
  }

  get token() {
    return this.field("challenge_token").value;
  }

  get #isAnswered() {
    return this.place(".puzzle").hidden || Boolean(this.field("challenge_answer").value);
  }

  /** @returns {Record<string, string>} */
  get headers() {
    return this.visitor ? { [VISITOR_HEADER]: this.visitor } : {};
  }

  /** Get one, once for each form that is shown. */
  async ask() {
    if (this.form && !this.token && !this.refused) this.#asked ??= this.#new().finally(() => (this.#asked = undefined));
    await this.#asked;
  }

  async another() {
    this.#forget();
    await this.ask();
    if (this.form) this.field("challenge_answer").focus();
  }

  /** Wait as long as a person takes to write so much, and for what is being computed. @param {string} text */
  async ready(text) {
    await this.ask();
    await this.#solving;
    if (!this.form) return; // the reader has gone on to another article
    if (Date.now() > this.#expires && !this.#isAnswered) this.#forget();
    await this.ask();
    if (!this.#given) return;
    const { least, each_character: each, most } = this.#given.wait;
    const seconds = Math.min(most, least + each * [...text].length);
    await new Promise((resolve) => setTimeout(resolve, this.#shownSince + seconds * 1_000 - Date.now()));
    await this.ask(); // it may have been renewed meanwhile
  }

  async #new() {
    const { site, key, path } = this.composer.thread;
    const earlier = this.#given?.path === path ? this.#given.token : "";
    const isAsked = Boolean(this.field("challenge_asked").value);
    const query = new URLSearchParams({ site, lang: this.composer.thread.language });
    const answer = await fetch(this.composer.thread.server(`/api/v1/challenges?${query}`), {
      method: "POST",
      credentials: "include",
      headers: { "Content-Type": "application/json", ...this.headers },
      body: JSON.stringify({ site, key, instead_of: earlier, asked: isAsked }),
    });
    const given = await answer.json();
    if (!this.form || this.composer.thread.path !== path) return; // gone on meanwhile
    if (!answer.ok) {
      this.refused = given.title;
      return;
    }
    if (!earlier) this.#shownSince = Date.now();
    this.#given = { ...given, path };
    this.visitor = given.visitor;
    this.field("challenge_token").value = given.token;
    this.#show();
    this.#renewBefore(given.expires_in);
  }

  #show() {
    const { image, audio, waits } = this.#given;
    const form = this.form;
    /** @type {HTMLElement} */ (form.querySelector(".challenge")).hidden = !image;
    this.place(".notice.bad")?.remove();
    this.place(".notice.good").hidden = true;
    this.place(".puzzle").hidden = false;
    this.#offerToCompute();
    if (image) /** @type {HTMLImageElement} */ (this.place("img")).src = image;
    if (audio) /** @type {HTMLAudioElement} */ (this.place("audio")).src = audio;
    const send = /** @type {HTMLElement} */ (form.querySelector(".send button"));
    send.textContent = waits ? this.composer.strings.send : this.composer.strings.post;
  }

  /** Where the browser can: deriving keys is for secure pages only. */
  #offerToCompute() {
    this.place(".compute").hidden = !globalThis.crypto?.subtle;
    this.place(".compute [role=status]").textContent = "";
  }

  /** The server showed the form again, with a challenge of its own in it. */
  adopt() {
    this.#computing.abort();
    this.#offerToCompute();
    if (this.#given && this.token !== this.#given.token) this.#given = { ...this.#given, token: this.token, work: null };
    this.#renewBefore(Number(this.form.dataset.expires));
  }

  /** @param {number} seconds from now, until it expires */
  #renewBefore(seconds) {
    clearTimeout(this.#later);
    this.#expires = Date.now() + seconds * 1_000;
    this.#later = setTimeout(() => this.#renew().catch(() => {}), seconds * 1_000 - SPARE);
  }

  /** Nobody notices: a new one while nothing is answered to the old one; what was computed is computed again. */
  async #renew() {
    if (!this.form?.isConnected || this.#given?.token !== this.token) return;
    const isComputed = Boolean(this.field("challenge_work").value);
    if (this.#isAnswered && !isComputed) return;
    this.#forget();
    await this.ask();
    if (isComputed) await this.compute();
  }

  #forget() {
    this.#computing.abort();
    for (const name of ["challenge_token", "challenge_answer", "challenge_work"]) this.field(name).value = "";
  }

  /** The posted form is empty again, and asks for a new one when somebody begins anew. */
  done() {
    this.#forget();
    this.field("challenge_asked").value = "";
    this.#given = undefined;
    clearTimeout(this.#later);
    /** @type {HTMLElement} */ (this.form.querySelector(".challenge")).hidden = true;
  }

  /** Solve it by computing; its writer goes on writing meanwhile. */
  async compute() {
    if (!this.form) return;
    this.#computing.abort();
    this.#computing = new AbortController();
    const { signal } = this.#computing;
    const status = this.place(".compute [role=status]");
    status.textContent = this.composer.strings.computing;
    const computed = import(this.form.dataset.work ?? "").then(({ compute }) => compute(this, signal));
    this.#solving = computed.finally(() => {
      status.textContent = this.refused;
      if (!signal.aborted) this.#solving = undefined;
    });
    await this.#solving;
  }

  /** A challenge that holds a computation, and its token. */
  async withWork() {
    if (!this.#given?.work) this.field("challenge_token").value = "";
    await this.ask();
    return this.#given ?? {};
  }
}

// @ts-check
// <comment-latest site="blog" count="5"> lists the newest comments of a blog: the server's HTML, in the page's own style.

const SERVER = new URL("../..", import.meta.url).href;

class CommentLatestElement extends HTMLElement {
  static observedAttributes = ["site", "count", "lang"];
  #isDue = false;

  connectedCallback() {
    if (this.#isDue || !this.getAttribute("site")) return;
    this.#isDue = true; // several attributes may change at once
    this.style.overflowWrap = "anywhere"; // readers chose their names
    queueMicrotask(() => this.#load());
  }

  attributeChangedCallback() {
    if (this.isConnected) this.connectedCallback();
  }

  async #load() {
    this.#isDue = false;
    const asked = new URLSearchParams({ lang: this.lang || document.documentElement.lang });
    if (this.getAttribute("count")) asked.set("count", this.getAttribute("count") ?? "");
    const site = encodeURIComponent(this.getAttribute("site") ?? "");
    const answer = await fetch(`${SERVER}latest/${site}?${asked}`, { credentials: "omit" }).catch(() => undefined);
    if (!answer?.ok) return; // what stands inside the element stays
    const page = /** @type {any} */ (window); // the policy of embed.js, whichever comes first: none may be made twice
    page.commentsvcPolicy ??= page.trustedTypes?.createPolicy("commentsvc", { createHTML: (/** @type {string} */ given) => given });
    const html = await answer.text();
    this.innerHTML = page.commentsvcPolicy ? page.commentsvcPolicy.createHTML(html) : html;
  }
}

if (!customElements.get("comment-latest")) customElements.define("comment-latest", CommentLatestElement);

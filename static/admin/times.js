// @ts-check
// Times in the moderator's own time zone; the server writes them in UTC.

const lang = document.documentElement.lang;
const short = new Intl.DateTimeFormat(lang, { dateStyle: "medium", timeStyle: "short" });
const exact = new Intl.DateTimeFormat(lang, { dateStyle: "full", timeStyle: "long" });
for (const time of /** @type {NodeListOf<HTMLTimeElement>} */ (document.querySelectorAll("time[datetime]"))) {
  const when = new Date(time.dateTime);
  if (Number.isNaN(when.valueOf())) continue;
  time.title = exact.format(when);
  if (time.matches(".moment")) time.textContent = short.format(when);
}

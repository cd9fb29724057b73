"use strict";
(() => {
  const { candidates, examples, classes } = JSON.parse(document.getElementById("candidates").textContent);
  const byId = id => document.getElementById(id);
  const store = "schane-labels:" + location.pathname;

  // Answers by image: the class it is given, or "" to leave it out. An image without one has not been looked at; its own label keeps it.
  const answers = new Map();
  try {
    for (const [image, answer] of JSON.parse(localStorage.getItem(store) ?? "[]"))
      if (candidates.some(one => one.image === image) && (answer === "" || classes.includes(answer)))
        answers.set(image, answer);
  } catch { /* nothing is kept where the browser allows nothing */ }

  let at = Math.max(0, candidates.findIndex(one => !answers.has(one.image)));

  const pictures = (place, name) => {
    byId(place).replaceChildren(...(examples[name] ?? []).map(source => Object.assign(new Image(), { src: source, alt: name })));
  };

  const show = () => {
    const one = candidates[at], answer = answers.get(one.image);
    byId("subject").src = one.picture;
    byId("subject").alt = one.image;
    byId("file").textContent = one.image;
    byId("place").textContent = `${at + 1} of ${candidates.length}, score ${one.score.toFixed(2)}`;
    byId("label").textContent = one.label;
    byId("suggested").textContent = one.suggested;
    pictures("label-examples", one.label);
    pictures("suggested-examples", one.suggested);
    byId("other").value = answer && answer !== one.label && answer !== one.suggested ? answer : "";
    for (const [id, value] of [["take", one.suggested], ["keep", one.label], ["leave", ""]])
      byId(id).setAttribute("aria-pressed", String(answer === value));
    byId("previous").disabled = at === 0;
    byId("next").disabled = at === candidates.length - 1;
    const { relabelled, left } = sorted();
    byId("done").textContent = `${answers.size} of ${candidates.length} looked at: ${relabelled.length} with another label, ` +
      `${left.length} left out, ${answers.size - relabelled.length - left.length} kept.`;
    byId("save-relabel").disabled = relabelled.length === 0;
    byId("save-exclude").disabled = left.length === 0;
  };

  const sorted = () => ({
    relabelled: candidates.filter(one => answers.get(one.image) && answers.get(one.image) !== one.label),
    left: candidates.filter(one => answers.get(one.image) === ""),
  });

  const move = by => {
    at = Math.min(candidates.length - 1, Math.max(0, at + by));
    show();
  };

  const answer = value => {
    answers.set(candidates[at].image, value);
    try {
      localStorage.setItem(store, JSON.stringify([...answers]));
    } catch { /* as above */ }
    at + 1 < candidates.length ? move(1) : show();
  };

  const quoted = field => /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;

  const save = (name, heading, rows) => {
    const text = [heading, ...rows].map(row => row.map(quoted).join(",") + "\n").join("");
    const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(new Blob([text], { type: "text/csv" })), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  };

  byId("other").append(new Option("another class", ""), ...classes.map(name => new Option(name, name)));
  byId("other").addEventListener("change", event => event.target.value && answer(event.target.value));
  byId("take").addEventListener("click", () => answer(candidates[at].suggested));
  byId("keep").addEventListener("click", () => answer(candidates[at].label));
  byId("leave").addEventListener("click", () => answer(""));
  byId("previous").addEventListener("click", () => move(-1));
  byId("next").addEventListener("click", () => move(1));
  byId("save-relabel").addEventListener("click", () => save("relabel.csv", ["path", "label", "suggested"],
    sorted().relabelled.map(one => [one.image, one.label, answers.get(one.image)])));
  byId("save-exclude").addEventListener("click", () => save("exclude.csv", ["path", "label"],
    sorted().left.map(one => [one.image, one.label])));
  addEventListener("keydown", event => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.target instanceof HTMLSelectElement)
      return;
    const id = { s: "take", k: "keep", x: "leave", ArrowLeft: "previous", ArrowRight: "next" }[event.key];
    if (id) {
      event.preventDefault();
      byId(id).click();
    }
  });
  show();
})();

'use strict';
const at = id => document.getElementById(id);
const percent = share => (100 * share).toFixed(1) + ' %';
let explains = false;
const headers = () => at('key').value ? { 'X-API-Key': at('key').value } : {};

function item(parent, tag, text) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;                        // names are text, whatever is in them
  return parent.appendChild(made);
}

function show(answer, file) {
  URL.revokeObjectURL(at('image').src);
  at('image').src = URL.createObjectURL(file);
  at('class').textContent = answer.unknown || !answer.classes ? answer.class ?? 'Unknown'
    : answer.classes.map(guess => guess.class).join(', ') || 'None of the classes';
  at('unknown').hidden = !answer.unknown;
  at('unknown').textContent = answer.unknown
    ? `Unlike every image that the model knows (cosine distance ${answer.distance.toFixed(3)}). If it had to choose:` : '';
  at('answer').classList.toggle('is-unknown', answer.unknown);
  at('seen').hidden = !answer.why;
  if (answer.why) {
    at('why').src = `data:image/webp;base64,${answer.why}`;
    at('why').alt = `Where the model saw ${answer.top[0].class}`;
    at('seen-class').textContent = answer.top[0].class;
  }
  at('top').replaceChildren();
  for (const guess of answer.top) {
    const row = item(at('top'), 'li');
    item(row, 'span', guess.class);
    item(row, 'span', percent(guess.probability));
    item(row, 'i').style.width = `${100 * guess.probability}%`;
  }
  at('neighbours').replaceChildren();
  for (const near of answer.neighbours ?? []) {
    const card = item(at('neighbours'), 'li');
    showImage(card, near.index);
    item(card, 'span', near.class);
    item(card, 'small', `${near.similarity.toFixed(3)} · ${near.image}`);
  }
  at('near').hidden = !(answer.neighbours ?? []).length;
  at('answer').hidden = false;
}

async function showImage(card, index) {                                     // fetched, since an <img> can't send the key
  const image = document.createElement('img');
  image.alt = '';
  card.prepend(image);
  const response = await fetch(`examples/${index}`, { headers: headers() });
  if (response.ok) image.src = URL.createObjectURL(await response.blob());
  else image.remove();                                                    // its data are not on the server any more
}

async function ask(file) {
  if (!file) return;
  at('problem').textContent = '';
  try {
    const response = await fetch(`predict?top=5&neighbours=6&why=${explains}`, { method: 'POST', body: file, headers: { ...headers(), 'Content-Type': file.type || 'application/octet-stream' } });
    const answer = await response.json();
    if (response.ok) show(answer.predictions[0], file);
    else at('problem').textContent = answer.detail;
  } catch (error) {
    at('problem').textContent = `The server can't be reached (${error.message}).`;
  }
}

at('file').addEventListener('change', event => ask(event.target.files[0]));
for (const name of ['dragover', 'dragleave', 'drop'])
  document.addEventListener(name, event => {
    event.preventDefault();
    at('drop').classList.toggle('over', name === 'dragover');
    if (name === 'drop') ask(event.dataTransfer.files[0]);
  });
document.addEventListener('paste', event => ask(event.clipboardData.files[0]));
fetch('healthz').then(response => response.json()).then(health => {
  at('model').textContent = `${health.model}, ${health.classes} classes`;
  at('key-field').hidden = !health.needs_key;
  explains = health.explains;
});

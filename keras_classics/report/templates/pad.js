
// The pad of the page: strokes in, and what the run's network makes of them out.
(() => {
  // The colours of the page's other maps, and of the bitmaps of digits.
  const [NEGATIVE, ZERO, POSITIVE] = [[35, 94, 168], [250, 250, 247], [208, 90, 30]];
  const STEP = 1 / 28; // of the pad's side, by a key
  const NEAREST = 0.004; // of the pad's side: points nearer than this to the last one tell nothing

  const section = document.getElementById("draw");
  const find = (selector) => section.querySelector(selector);
  const network = readNetwork(JSON.parse(find("[type='application/json']").textContent));
  const [paper, clear, answer, reason] = [".paper", "button", "output strong", "output span"].map(find);
  const items = [...section.querySelectorAll(".scores li")];
  const stages = [...section.querySelectorAll(".stage")];
  const scratch = document.createElement("canvas");
  const centers = network.steps.at(-1).weights.centers; // of RBF units, else undefined

  let strokes = [];
  let open = null; // the stroke that is being drawn
  let pointer = null; // the mouse, finger or pen that draws it
  let pen = [0.5, 0.5]; // that of the keys
  let hasKeys = false; // whether they were used last
  let isDue = false;

  /** Draws and computes everything once before the screen is next painted. */
  function changed() {
    if (!isDue) requestAnimationFrame(update);
    isDue = true;
  }

  function update() {
    const start = performance.now();
    isDue = false;
    drawPaper();
    const pixels = picture(strokes, network.shape);
    const layers = forward(network, pixels);
    const scores = layers.pop().data;
    const best = scores.indexOf(Math.max(...scores));
    drawStages(pixels, layers, best);
    if (strokes.length) say(scores, best);
    else saysNothing();
    performance.clearMeasures("stroke");
    performance.measure("stroke", { start }); // browsers show it among their timings
  }

  function drawPaper() {
    const context = paper.getContext("2d");
    const side = paper.width;
    context.clearRect(0, 0, side, side);
    context.strokeStyle = context.fillStyle = getComputedStyle(paper).color;
    context.lineWidth = PEN * side;
    context.lineCap = context.lineJoin = "round";
    for (const stroke of strokes) {
      const points = stroke.map((point) => point.map((x) => x * side));
      context.beginPath();
      context.arc(...points[0], context.lineWidth / 2, 0, 2 * Math.PI);
      context.fill(); // a point alone makes no line
      context.beginPath();
      for (const point of points) context.lineTo(...point);
      context.stroke();
    }
    if (hasKeys) {
      context.lineWidth = 2;
      context.beginPath();
      context.arc(pen[0] * side, pen[1] * side, (PEN * side) / 2 + 5, 0, 2 * Math.PI);
      context.stroke();
    }
  }

  function drawStages(pixels, layers, best) {
    const grey = [Array.from(pixels, (value) => (2 * value) / 255 - 1)];
    draw(stages[0], grey, network.shape, inked);
    layers.forEach(({ shape, data }, i) => {
      const stage = stages[i + 1];
      if (network.bitmap && i === layers.length - 1) {
        const bitmap = centers.subarray(best * data.length, (best + 1) * data.length);
        draw(stage, strokes.length ? [data, bitmap] : [data], network.bitmap, inked);
        stage.querySelector("span:last-of-type").textContent = strokes.length
          ? `beside the bitmap of ${network.classes[best]}`
          : "";
        return;
      }
      const limit = data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      draw(stage, mapsOf(shape, data), shape.length > 1 ? shape : [1, 1], (value) =>
        signed(value, limit),
      );
      stage.querySelector("span:last-of-type").textContent = `full colour: ±${limit.toPrecision(2)}`;
    });
  }

  /** Returns each map by itself; of values, each value. */
  function mapsOf(shape, data) {
    const count = shape.at(-1);
    const size = { length: data.length / count };
    return Array.from({ length: count }, (_, map) => Array.from(size, (_, i) => data[i * count + map]));
  }

  /** Draws cells of one size side by side, as large as fits on 700 by 250 pixels. */
  function draw(stage, cells, [rows, columns], color) {
    const canvas = stage.querySelector("canvas");
    const context = canvas.getContext("2d");
    const { scale, perLine } = layout(cells.length, rows, columns);
    const [wide, high] = [columns * scale + 6, rows * scale + 6];
    const image = new ImageData(columns, rows);
    [scratch.width, scratch.height] = [columns, rows];
    canvas.width = perLine * wide - 4;
    canvas.height = Math.ceil(cells.length / perLine) * high - 4;
    context.imageSmoothingEnabled = false;
    context.fillStyle = "rgb(205 205 200)";
    cells.forEach((cell, i) => {
      const [left, top] = [(i % perLine) * wide, Math.floor(i / perLine) * high];
      cell.forEach((value, place) => image.data.set([...color(value), 255], 4 * place));
      scratch.getContext("2d").putImageData(image, 0, 0);
      context.fillRect(left, top, wide - 4, high - 4); // of which a border stays to be seen
      context.drawImage(scratch, left + 1, top + 1, wide - 6, high - 6);
    });
  }

  function layout(count, rows, columns) {
    for (let scale = Math.max(1, Math.floor(110 / columns)); ; scale--) {
      const fit = Math.max(1, Math.floor(700 / (columns * scale + 6)));
      const lines = Math.ceil(count / fit);
      if (scale === 1 || lines * (rows * scale + 6) <= 250) {
        return { scale, perLine: Math.ceil(count / lines) };
      }
    }
  }

  /** Blue below zero, white at zero, orange above. */
  function signed(value, limit) {
    const share = limit ? value / limit : 0;
    const end = share < 0 ? NEGATIVE : POSITIVE;
    return ZERO.map((zero, i) => zero + (end[i] - zero) * Math.abs(share));
  }

  /** −1 as paper, +1 as ink. */
  function inked(value) {
    return Array(3).fill((255 * (1 - within(value, -1, 1))) / 2);
  }

  function say(scores, best) {
    const shares = softmax(scores);
    items.forEach((item, i) => {
      item.classList.toggle("best", i === best);
      item.querySelector("span").textContent = centers
        ? (-scores[i]).toFixed(1)
        : `${(100 * shares[i]).toFixed(1)} %`;
      const bar = item.querySelector(".bar i");
      if (bar) bar.style.height = `${100 * shares[i]}%`;
    });
    const name = network.classes[best];
    const penalty = -scores[best];
    if (!centers) {
      const share = shares[best] > 0.999 ? "more than 99.9" : (100 * shares[best]).toFixed(1);
      put(name, `${share} % sure`);
    } else if (network.usual_penalty !== null && penalty > network.usual_penalty) {
      put(
        "Unlike any digit",
        `The nearest is ${name}, with a penalty of ${penalty.toFixed(1)}. Where the network was ` +
          "measured, 999 in 1,000 of the digits that it read right stayed below " +
          `${network.usual_penalty.toFixed(1)}.`,
      );
    } else {
      put(name, `with a penalty of ${penalty.toFixed(1)}`);
    }
  }

  function saysNothing() {
    for (const item of items) {
      item.classList.remove("best");
      item.querySelector("span").textContent = "–";
      const bar = item.querySelector(".bar i");
      if (bar) bar.style.height = 0;
    }
    put("", "Nothing is drawn yet.");
  }

  /** Puts words only where they are others, since they are read aloud each time. */
  function put(title, text) {
    if (answer.textContent !== title) answer.textContent = title;
    if (reason.textContent !== text) reason.textContent = text;
  }

  function begin(point) {
    open = [point];
    strokes.push(open);
    changed();
  }

  function add(point) {
    const [x, y] = open.at(-1);
    if (Math.hypot(point[0] - x, point[1] - y) < NEAREST) return;
    open.push(point);
    changed();
  }

  /** Returns where on the pad an event was, from 0 to 1. */
  function place(event) {
    const { left, top, width, height } = paper.getBoundingClientRect();
    const [x, y] = [(event.clientX - left) / width, (event.clientY - top) / height];
    return [within(x, 0, 1), within(y, 0, 1)];
  }

  function wipe() {
    [strokes, open, pointer] = [[], null, null];
    changed();
  }

  paper.addEventListener("pointerdown", (event) => {
    if (pointer !== null || event.button !== 0) return;
    paper.setPointerCapture(event.pointerId);
    [pointer, hasKeys] = [event.pointerId, false];
    begin(place(event));
  });
  paper.addEventListener("pointermove", (event) => {
    if (event.pointerId !== pointer) return;
    const between = event.getCoalescedEvents?.() ?? [];
    for (const one of between.length ? between : [event]) add(place(one));
  });
  for (const kind of ["pointerup", "pointercancel"]) {
    paper.addEventListener(kind, (event) => {
      if (event.pointerId === pointer) [pointer, open] = [null, null];
    });
  }

  const MOVES = {
    ArrowLeft: [-STEP, 0],
    ArrowRight: [STEP, 0],
    ArrowUp: [0, -STEP],
    ArrowDown: [0, STEP],
  };
  paper.addEventListener("keydown", (event) => {
    if (pointer !== null || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in MOVES) {
      pen = pen.map((x, i) => within(x + MOVES[event.key][i], 0, 1));
      if (open) add(pen);
    } else if (event.key === " ") {
      if (open) open = null;
      else begin(pen);
    } else if (event.key === "Delete" || event.key === "Backspace") {
      wipe();
    } else {
      return;
    }
    event.preventDefault(); // the page would scroll
    hasKeys = true;
    changed();
  });
  paper.addEventListener("blur", () => {
    if (pointer === null) open = null;
    hasKeys = false;
    changed();
  });
  clear.addEventListener("click", wipe);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);

  items.forEach((item, i) => {
    const canvas = item.querySelector("canvas");
    if (!canvas) return;
    const size = centers.length / items.length;
    const image = new ImageData(canvas.width, canvas.height);
    const values = centers.subarray(i * size, (i + 1) * size);
    values.forEach((value, j) => image.data.set([...inked(value), 255], 4 * j));
    canvas.getContext("2d").putImageData(image, 0, 0);
  });
  find(".off").hidden = true;
  find(".live").hidden = false;
  changed();
})();

"use strict";

// What the page computes: a picture from the strokes of a pen, and the run's network on it.
//
// Nothing here knows of a page, so that anything that runs JavaScript can compute the same. Maps
// are { shape: [rows, columns, channels], data }, values { shape: [units], data }; the numbers lie
// row by row, those of one pixel side by side, as with Keras' "channels_last". As in Keras they
// have 32 bits; sums are taken in 64.

/** Returns the numbers in a text: base64 of float32, the first byte the least, as processors do. */
function decoded(text) {
  const letters = atob(text);
  const bytes = new Uint8Array(letters.length);
  for (let i = 0; i < letters.length; i++) bytes[i] = letters.charCodeAt(i);
  return new Float32Array(bytes.buffer);
}

/**
 * Returns a network that can compute: the description that the page holds, with numbers for texts.
 *
 * A description is { shape, steps, … }; a step { operation, weights: { name: text }, … } does one
 * of OPERATIONS, and ends the layer `layer` if it has one.
 */
function readNetwork(description) {
  const steps = description.steps.map((step) => {
    const weights = Object.entries(step.weights ?? {});
    return { ...step, weights: Object.fromEntries(weights.map(([k, v]) => [k, decoded(v)])) };
  });
  return { ...description, steps };
}

/** Returns what each layer makes of a picture, [{ name, shape, data }, …]; the last one answers. */
function forward(network, pixels) {
  let maps = { shape: network.shape, data: Float32Array.from(pixels) };
  const layers = [];
  for (const step of network.steps) {
    maps = OPERATIONS[step.operation](maps, step);
    if (step.layer) layers.push({ name: step.layer, ...maps });
  }
  return layers;
}

const OPERATIONS = { pad, affine, convolution, pool, dense, rbf, activation };

const ACTIVATIONS = {
  relu: (x) => Math.max(x, 0),
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  tanh: Math.tanh,
  scaled_tanh: (x) => 1.7159 * Math.tanh((2 * x) / 3), // LeCun et al. 1998, appendix A
};

function activation({ shape, data }, step) {
  return { shape, data: data.map(ACTIVATIONS[step.function]) };
}

/** Zeros around the maps. */
function pad({ shape: [rows, columns, channels], data }, step) {
  const [top, bottom, left, right] = step.padding;
  const shape = [top + rows + bottom, left + columns + right, channels];
  const padded = new Float32Array(shape[0] * shape[1] * channels);
  const length = columns * channels;
  for (let row = 0; row < rows; row++) {
    const start = ((top + row) * shape[1] + left) * channels;
    padded.set(data.subarray(row * length, (row + 1) * length), start);
  }
  return { shape, data: padded };
}

/** scale · x + offset, with one number of each for all values, for each channel, or each value. */
function affine({ shape, data }, { weights: { scale, offset } }) {
  const apply = (x, i) => x * scale[i % scale.length] + offset[i % offset.length];
  return { shape, data: data.map(apply) };
}

/** How many places a window has along the rows and along the columns. */
function places([rows, columns], [high, wide], [down, across]) {
  return [Math.floor((rows - high) / down) + 1, Math.floor((columns - wide) / across) + 1];
}

/** A convolution without padding; the kernel has Keras' order: rows, columns, inputs, filters. */
function convolution({ shape, data }, step) {
  const { kernel_size: [high, wide], strides: [down, across], weights: { kernel, bias } } = step;
  const [, columns, channels] = shape;
  const filters = bias.length;
  const [newRows, newColumns] = places(shape, [high, wide], [down, across]);
  const output = new Float32Array(newRows * newColumns * filters);
  const sums = new Float64Array(filters);
  for (let place = 0; place < newRows * newColumns; place++) {
    const column = (place % newColumns) * across;
    const row = Math.floor(place / newColumns) * down;
    sums.set(bias);
    for (let y = 0; y < high; y++) {
      for (let x = 0; x < wide; x++) {
        const pixel = ((row + y) * columns + column + x) * channels;
        const weight = (y * wide + x) * channels * filters;
        for (let channel = 0; channel < channels; channel++) {
          const value = data[pixel + channel];
          const start = weight + channel * filters;
          for (let filter = 0; filter < filters; filter++) {
            sums[filter] += value * kernel[start + filter];
          }
        }
      }
    }
    output.set(sums, place * filters);
  }
  return { shape: [newRows, newColumns, filters], data: output };
}

/** The mean or the largest value under each place of a window. */
function pool({ shape, data }, { size: [high, wide], strides: [down, across], kind }) {
  const [, columns, channels] = shape;
  const [newRows, newColumns] = places(shape, [high, wide], [down, across]);
  const output = new Float32Array(newRows * newColumns * channels);
  for (let place = 0; place < output.length; place++) {
    const channel = place % channels;
    const column = Math.floor(place / channels) % newColumns;
    const row = Math.floor(place / channels / newColumns);
    let [sum, most] = [0, -Infinity];
    for (let y = 0; y < high; y++) {
      for (let x = 0; x < wide; x++) {
        const value = data[((row * down + y) * columns + column * across + x) * channels + channel];
        sum += value;
        most = Math.max(most, value);
      }
    }
    output[place] = kind === "max" ? most : sum / (high * wide);
  }
  return { shape: [newRows, newColumns, channels], data: output };
}

/** A full connection; the kernel has a row for each input. */
function dense({ data }, { weights: { kernel, bias } }) {
  const sums = Float64Array.from(bias);
  for (let input = 0; input < data.length; input++) {
    for (let unit = 0; unit < sums.length; unit++) {
      sums[unit] += data[input] * kernel[input * sums.length + unit];
    }
  }
  return { shape: [sums.length], data: Float32Array.from(sums) };
}

/** −‖x − c‖² for each centre c: the penalties of LeNet-5 with their sign changed (eq. 7). */
function rbf({ data }, { weights: { centers } }) {
  const scores = new Float32Array(centers.length / data.length);
  for (let unit = 0; unit < scores.length; unit++) {
    const centre = centers.subarray(unit * data.length, (unit + 1) * data.length);
    scores[unit] = -data.reduce((sum, x, i) => sum + (x - centre[i]) ** 2, 0);
  }
  return { shape: [scores.length], data: scores };
}

/** Returns the probabilities that belong to scores. */
function softmax(scores) {
  const most = Math.max(...scores);
  const powers = Array.from(scores, (score) => Math.exp(score - most));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}

// MNIST's own preparation (LeCun et al. 1998, section III-A): the digit fits a box of 20×20 pixels
// in a field of 28×28, and its centre of mass lies at the centre of the field.
const BOX = 20 / 28;
// The width of the pen: that of a stroke in MNIST, in pixels of 28. It is the same for every size
// that one draws in, as nothing tells how large the paper was meant to be.
const PEN = 2.5 / 28;
// Of the pad's side: what is smaller, as a dot is, stays small in the box.
const SMALLEST = 0.1;

/**
 * Returns the picture that strokes make, brought to the form of MNIST's digits.
 *
 * Each stroke is a list of points [x, y], from 0 to 1 of the pad's side to the right and down; the
 * picture has `shape` [rows, columns, 1], of whole numbers from 0, the ground, to 255, the ink.
 */
function picture(strokes, [rows, columns]) {
  const points = strokes.flat();
  if (!points.length) return new Float32Array(rows * columns);
  const pen = PEN * Math.min(rows, columns);
  const [left, width] = extent(points.map(([x]) => x));
  const [top, height] = extent(points.map(([, y]) => y));
  const scale = Math.min(
    (BOX * columns - pen) / Math.max(width, SMALLEST),
    (BOX * rows - pen) / Math.max(height, SMALLEST),
  );
  const at = (right, down) =>
    strokes.map((stroke) =>
      stroke.map(([x, y]) => [
        (x - left) * scale + pen / 2 + right,
        (y - top) * scale + pen / 2 + down,
      ]),
    );
  // Where its mass lies is known once it is drawn, in a corner; then it is drawn again.
  const [x, y] = centreOfMass(ink(at(0, 0), [rows, columns], pen), columns);
  const right = within(columns / 2 - x, 0, columns - width * scale - pen);
  const down = within(rows / 2 - y, 0, rows - height * scale - pen);
  return ink(at(right, down), [rows, columns], pen).map((cover) => Math.round(255 * cover));
}

/** Returns the least of some numbers, and how far the others reach. */
function extent(numbers) {
  const least = numbers.reduce((a, b) => Math.min(a, b));
  return [least, numbers.reduce((a, b) => Math.max(a, b)) - least];
}

function within(value, least, most) {
  return Math.min(Math.max(value, least), most);
}

/** Returns [x, y], counted from 0 at the middle of the first pixel, as MNIST's authors did. */
function centreOfMass(cover, columns) {
  let [mass, x, y] = [0, 0, 0];
  cover.forEach((value, i) => {
    mass += value;
    x += value * (i % columns);
    y += value * Math.floor(i / columns);
  });
  return [x / mass, y / mass];
}

/** Returns which share of each pixel a round pen covers; strokes are in pixels. */
function ink(strokes, [rows, columns], pen) {
  const cover = new Float32Array(rows * columns);
  const reach = pen / 2 + 0.5; // from the pen's middle to that of a pixel it just misses
  for (const stroke of strokes) {
    for (let i = 0; i < stroke.length; i++) {
      const [from, to] = [stroke[Math.max(i - 1, 0)], stroke[i]]; // first a dot, then lines
      const [left, width] = extent([from[0], to[0]]);
      const [top, height] = extent([from[1], to[1]]);
      const lastRow = Math.min(rows - 1, Math.floor(top + height + reach));
      const lastColumn = Math.min(columns - 1, Math.floor(left + width + reach));
      for (let row = Math.max(0, Math.floor(top - reach)); row <= lastRow; row++) {
        for (let column = Math.max(0, Math.floor(left - reach)); column <= lastColumn; column++) {
          const share = within(reach - distance([column + 0.5, row + 0.5], from, to), 0, 1);
          const place = row * columns + column;
          cover[place] = Math.max(cover[place], share);
        }
      }
    }
  }
  return cover;
}

/** Returns how far a point lies from a line between two others. */
function distance([x, y], [x0, y0], [x1, y1]) {
  const [dx, dy] = [x1 - x0, y1 - y0];
  const length = dx * dx + dy * dy;
  const along = length ? within(((x - x0) * dx + (y - y0) * dy) / length, 0, 1) : 0;
  return Math.sqrt((x - x0 - along * dx) ** 2 + (y - y0 - along * dy) ** 2);
}

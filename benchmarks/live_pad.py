"""What a stroke on the report's pad costs: the picture of it and the network on that, in node.

    python -m benchmarks.live_pad [--repeats 200]

The JavaScript of the page, run by node, on the networks for digits that come trained; drawing the
maps is left out. The first time, before node has compiled the code, stands apart, as the page has
it while it opens. The bar is 50 ms a stroke.
"""

import json
import shutil
import subprocess
import sys
from importlib import resources

from benchmarks import machine

# A 3 of 200 points, as somebody draws it who takes their time.
PROBE = """
const { network, repeats } = JSON.parse(require("fs").readFileSync(0));
const curve = (i) => [0.5 + 0.25 * Math.sin(i / 32 + 3.6), 0.15 + 0.0035 * i];
const strokes = [Array.from({ length: 200 }, (_, i) => curve(i))];
const start = performance.now();
const ready = readNetwork(network);
const reading = performance.now() - start;
const times = [];
for (let i = 0; i <= repeats; i++) {
  const start = performance.now();
  forward(ready, picture(strokes, ready.shape));
  times.push(performance.now() - start);
}
const [first, ...others] = times;
others.sort((a, b) => a - b);
console.log(JSON.stringify([reading, first, others[others.length >> 1], others.at(-1)]));
"""


def measure(node, network, repeats):
    """Milliseconds of decoding the weights, of the first stroke, the median and the longest."""
    from keras_classics import shipped
    from keras_classics.report.live import describe
    from keras_classics.trained_model import load_model

    model = load_model(shipped.folder(network, "mnist") / "model.keras")
    description = {"shape": list(model.input_shape[1:]), "steps": describe(model)}
    templates = resources.files("keras_classics.report") / "templates"
    code = (templates / "network.js").read_text("utf-8") + PROBE
    given = json.dumps({"network": description, "repeats": repeats})
    done = subprocess.run([node, "-e", code], input=given, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout)


def main():
    """Prints one row per network."""
    parser = machine.parser(__doc__)
    parser.add_argument("--repeats", type=int, default=200, help="strokes behind the first")
    options = parser.parse_args()
    node = shutil.which("node")
    if node is None:
        print("node is not installed; it runs the JavaScript of the page.")
        return
    print("| network | weights decoded, ms | first stroke | median stroke | longest |")
    print("|---|---|---|---|---|")
    for network in ("lenet5", "mnist_cnn"):
        figures = measure(node, network, 3 if options.smoke else options.repeats)
        print(f"| `{network}` | {' | '.join(f'{one:.1f}' for one in figures)} |", flush=True)


if __name__ == "__main__":
    main()

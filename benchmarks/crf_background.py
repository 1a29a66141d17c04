"""The background from which a CRF starts, on photographs: mIoU of masks with and without the CRF.

python benchmarks/crf_background.py FOLDER --weights FILE [--iterations 300] [--store DIR]

FOLDER has the layout of VOC, with saliency maps, and images about half as large as those of VOC, so
the CRF's widths are halved. CAM stands for scores that are relative within an image, as SEAM's are,
and has the CRF of psa; EPS has the CRF that its authors name. DIR keeps the suite and its stages.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from wsss_harness.system.files import configs, write_text

CONSTANTS = (0.1, 0.2, 0.26, 0.3)
ALPHAS = (1, 2, 4, 8, 16, 32)
CRFS = {"CAM": "psa", "EPS": "deeplab"}
BASE = configs() / "suites" / "voc_folder.toml"


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--weights", type=Path, required=True, help="MobileNetV2 of torchvision")
    parser.add_argument("--iterations", type=int, default=300)
    parser.add_argument("--crop", type=int, default=224)
    parser.add_argument("--store", type=Path, default=Path("runs/crf_background"))
    options = parser.parse_args()
    suite = options.store / "suite.toml"
    write_text(suite, suite_text(options))
    wsss = [sys.executable, "-m", "wsss_harness"]
    shown = [str(suite), "--store", str(options.store)]
    subprocess.run([*wsss, "run", *shown], check=True, stdout=sys.stderr)
    subprocess.run([*wsss, "table", *shown, "--format", "markdown"], check=True)


def suite_text(options):
    """The suite voc_folder with other rows: constants without a CRF, all backgrounds with one."""
    return "\n".join([before_refiners(options), *(part for name in CRFS for part in parts(name))])


def before_refiners(options):
    """The dataset, initial weights and generators of voc_folder for these options."""
    text = BASE.read_text(encoding="utf-8").partition("# For images of about half")[0]
    changes = {
        'root = "data/VOC2012"': f'root = "{options.folder.resolve()}"',
        'file = "data/mobilenet_v2.pth"': f'file = "{options.weights.resolve()}"',
        "iterations = 600": f"iterations = {options.iterations}",
        "crop = 224": f"crop = {options.crop}",
    }
    for old, new in changes.items():
        if old not in text:
            raise SystemExit(f"{BASE} has no line {old!r}; adapt this script to it")
        text = text.replace(old, new)
    return text


def parts(name):
    """The tables of the suite for one generator: its refiners and its rows."""
    for threshold in CONSTANTS:
        rule = f'{{ name = "constant", threshold = {threshold} }}'
        yield row(f"{name}, constant {threshold}", name, "[]", rule)
    kinds = [("constant", "threshold", value) for value in CONSTANTS]
    kinds += [("power", "alpha", value) for value in ALPHAS]
    for kind, option, value in kinds:
        label = f"{name} CRF {kind} {value}"
        yield f"""[refiners."{label}"]
name = "crf"
parameters = "{CRFS[name]}"
scale = 2.0
background = {{ kind = "{kind}", {option} = {value} }}
"""
        method = f"{name} + CRF, {kind} {value}"
        yield row(method, name, f'["{label}"]', '{ name = "explicit" }')


def row(method, generator, refiners, rule):
    return f"""[[rows]]
method = "{method}"
generator = "{generator}"
refiners = {refiners}
rule = {rule}
"""


if __name__ == "__main__":
    sys.exit(main())

"""Which networks a file of weights fits."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from wsss_harness.contract.errors import MissingExtra
from wsss_harness.networks import backbones
from wsss_harness.networks.backbones import weights
from wsss_harness.networks.backbones.params_file import is_params
from wsss_harness.networks.backbones.weights import HEADS, Misfit, State
from wsss_harness.plugins.registry import Plugins
from wsss_harness.system.digests import digest_once

FORMATS = {".npz": "arrays of numpy", ".safetensors": "safetensors"}
CLASSES = (20, 80)  # of PASCAL VOC and of MS-COCO


@dataclass(frozen=True)
class Network:
    """A network that weights may be for; ``fit`` gives the tensors of a file their names in it."""

    name: str
    build: Callable[[], nn.Module]
    fit: Callable[[State], State]


def networks(plugins: Plugins, classes: int) -> Iterator[Network]:
    """All methods that know the names of a released network, then all backbones."""
    for kind in ("generator", "refiner"):
        for name, offer in plugins.offers[kind].items():
            if hasattr(offer.announced, "released"):
                for label, method in _forms(name, offer.announced):
                    yield _of_method(label, method, classes)
    for name in filter(_is_installed, sorted(backbones.NAMES)):
        yield Network(name, lambda name=name: backbones.build(name), _without_heads)  # type: ignore[misc]


def _is_installed(backbone: str) -> bool:
    try:
        backbones.require(backbone)
    except MissingExtra:
        return False
    return True


def _forms(name: str, method: Any) -> Iterator[tuple[str, Any]]:
    """A method with its defaults, one of several forms in each; none whose backbone is missing."""
    with contextlib.suppress(MissingExtra):
        for form in getattr(method, "forms", ("",)):
            yield (f"{name}:{form}", method(form=form)) if form else (name, method())


def _of_method(name: str, method: Any, classes: int) -> Network:
    def fit(state: State) -> State:
        if weights.has_our_names(state):
            return state
        adapted: State = method.adapt(weights.renamed(state, method.released))
        return adapted

    return Network(name, lambda: method.network(classes), fit)


def _without_heads(state: State) -> State:
    own = weights.of_backbone(state)
    return {name: value for name, value in own.items() if name.split(".")[0] not in HEADS}


def skeleton(network: Network) -> dict[str, Any]:
    """Names and shapes of a network's tensors, without memory for them."""
    try:
        with torch.device("meta"):
            return network.build().state_dict()
    except NotImplementedError:  # mmengine looks at its initial weights
        return network.build().state_dict()


def compare(state: State, plugins: Plugins) -> dict[str, Misfit]:
    """What each network's tensors differ in from a file's, nearest first."""
    generators = plugins.offers["generator"]
    misfits = {}
    for classes in CLASSES:
        for network in networks(plugins, classes):
            suffix = f", {classes} classes" if network.name in generators else ""
            name = f"{network.name}{suffix}"
            if name not in misfits:
                misfits[name] = weights.misfit(network.fit(state), skeleton(network))
    return dict(sorted(misfits.items(), key=lambda item: item[1].size))


@dataclass(frozen=True)
class Inspection:
    """What a file holds; ``fits`` names the networks that have just these tensors.

    ``misfit`` is what differs from the ``nearest`` network.
    """

    format: str
    digest: str
    tensors: int
    numbers: int
    types: tuple[str, ...]
    fits: tuple[str, ...]
    nearest: str
    misfit: Misfit


def inspect(path: Path, plugins: Plugins) -> Inspection:
    state = weights.read_weights(path)
    misfits = compare(state, plugins)
    nearest, misfit = next(iter(misfits.items()))
    return Inspection(
        "params of MXNet" if is_params(path) else FORMATS.get(path.suffix, "state dict of torch"),
        digest_once(path),
        len(state),
        sum(value.numel() for value in state.values()),
        tuple(sorted({str(value.dtype).removeprefix("torch.") for value in state.values()})),
        tuple(name for name, misfit in misfits.items() if not misfit.size),
        nearest,
        misfit,
    )

"""What runs on a GPU makes nothing on another device than that of its arguments.

No GPU is needed: arithmetic between tensors of the device "meta", which has no numbers, and tensors
of the CPU is an error as it is between a GPU and the CPU.
"""

import pytest
import torch

from wsss_affinity import AffinityNet
from wsss_affinity.affinities import affinities, affinity_maps
from wsss_affinity.labels import sure_labels
from wsss_cam_baselines import Cam, Seam
from wsss_eps import Eps
from wsss_harness.networks.affinity import walk
from wsss_harness.networks.affinity.pairs import affinity_losses, pair_kinds
from wsss_harness.networks.classmaps.inference import NORMALISATIONS, merge
from wsss_harness.networks.segmentors.networks import multi_scale
from wsss_icd import Icd
from wsss_icd.direction import direction_loss
from wsss_icd.loss import label_loss, top_down_loss
from wsss_icd.settings import vgg16
from wsss_icd.superpixels import smoothed
from wsss_irn.paths import walled_affinities
from wsss_mcis import Mcis
from wsss_mcis.loss import losses
from wsss_sgan import Sgan
from wsss_sgan.loss import losses as sgan_losses

META = torch.device("meta")
TINY = {"name": "resnet38", "width": 0.0625}


def maps(*shape):
    return torch.empty(shape, device=META)


@pytest.mark.parametrize(
    "generator",
    [Cam(backbone=TINY), Eps(backbone=TINY), Seam(backbone=TINY, widths=(4, 8))],
    ids=lambda generator: type(generator).__name__,
)
def test_training_and_inference_of_a_generator(generator):
    network = generator.network(2).to(META).train()
    batch = {"image": maps(2, 3, 32, 32), "present": maps(2, 2), "saliency": maps(2, 1, 32, 32)}
    losses = generator.loss(("cat", "dog"))(network, batch)
    assert {loss.device for loss in losses.values()} == {META}
    sum(losses.values()).backward()
    actual = generator.inference().read(network.eval(), batch["image"], [0, 1])
    total = merge([actual], [0, 1], (32, 32))
    assert all(normalise(total).device == META for normalise in NORMALISATIONS.values())


def test_training_of_mcis():
    network = Mcis(backbone={**Mcis().backbone, "width": 0.0625}).network(2).to(META)
    first, second = (network(maps(2, 3, 32, 32)) for _ in range(2))
    pair, copy = (network.logits(first, second, rest) for rest in (True, False))
    named = losses(pair, [copy], maps(2, 2), maps(2, 2))
    assert {loss.device for loss in named.values()} == {META}
    sum(named.values()).backward()


def test_training_of_affinitynet():
    features = AffinityNet(backbone=TINY, widths=(4, 8, 16)).network(2).to(META)(maps(2, 3, 64, 64))
    labels = sure_labels(maps(2, 3, 64, 64), maps(2, 3, 64, 64), 8)
    losses = affinity_losses(affinities(features, 2), pair_kinds(labels, 2))
    assert {loss.device for loss in losses.values()} == {META}


@pytest.mark.parametrize("border", ["released", "linked"])
def test_links_of_a_walk(border):
    links = affinity_maps(maps(16, 12, 16), 5, border=border)
    assert links.device == walled_affinities(maps(12, 16), 5).device == META
    assert walk._both_ways(links, 5).device == META
    assert {part.device for part in walk._structure((12, 16), 5, META)} == {META}


def test_the_scales_of_a_segmentor():
    actual = multi_scale(torch.nn.Conv2d(3, 2, 3, 4, 1).to(META), maps(1, 3, 32, 32), (0.5, 0.75))
    assert {logits.device for logits in actual} == {META}


def test_training_of_icd():
    network = Icd(backbone={**vgg16(), "width": 0.0625}).network(2).to(META).train()
    outputs, present = network(maps(2, 3, 33, 33)), maps(2, 2)
    teacher = smoothed(network.signed(outputs, present), maps(2, 4, 5, 5), present)
    losses = (
        label_loss(outputs.pooled, present),
        direction_loss(outputs.scores, present),
        top_down_loss(outputs.logits, teacher, present),
    )
    assert {loss.device for loss in losses} == {META}
    sum(losses).backward()


def test_training_of_sgan():
    network = Sgan(backbone=TINY).network(2).to(META).train()
    outputs = network(maps(2, 3, 32, 32), maps(2, 4, 4))
    batch = {"present": maps(2, 2), "seeds": maps(2, 4, 4).long()}
    losses = sgan_losses(outputs.pooled, outputs.seeds, batch, 0.15)
    assert {loss.device for loss in losses.values()} == {META}
    sum(losses.values()).backward()

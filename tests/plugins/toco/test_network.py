"""The networks of ToCo and SeCo against the released numbers."""

from functools import cache

import pytest
import torch
from golden_files import close, fill, fill_value, golden

from wsss_harness.networks import backbones
from wsss_toco.maps import class_maps, of_pair, pairs_at
from wsss_toco.network import SecoNetwork, TocoNetwork

GAIN = 1.4
NAMES = {  # ours and those of the released programs
    "backbone.": "encoder.",
    "second.": "encoder_k.",
    "middle_head.": "aux_classifier.",
    "head.": "classifier.",
    "projection.": "proj_head.",
    "teacher.": "proj_head_t.",
    ".directions": ".last_layer.weight_v",
}
SECO_DECODER = {f"decoder.{n}.": f"decoder.c{n}." for n in range(4)}


def released(name):
    for ours, theirs in (NAMES | SECO_DECODER).items():
        if name.startswith(ours) or (ours[0] == "." and name.endswith(ours)):
            name = name.replace(ours, theirs, 1)
    return name


def backbone_of(file):
    dim, depth, heads, grid, layer = golden(file)["net_config_dim_depth_heads_grid_aux"].tolist()
    options = {"name": "vit_small", "dim": dim, "depth": depth, "heads": heads, "grid": grid}
    return backbones.build(**options), layer


def filled(network, file):
    names = set(golden(file)["net_names"].tolist())
    state = network.state_dict()
    for name, value in state.items():
        if released(name) in names:
            state[name] = fill_value(released(name), value, GAIN)
    network.load_state_dict(state)
    return network.eval()


@cache
def toco():
    backbone, layer = backbone_of("toco.npz")
    return filled(TocoNetwork(backbone, 20, layer, momentum=0.9), "toco.npz")


def numbers(name, file="toco.npz"):
    return torch.from_numpy(golden(file)[name])


def images(file):
    count, *size = golden(file)["net_image_size"].tolist()
    return fill(f"{file[:4]}.image", -2, 2, (count, 3, *size))


def every(values, step):
    return values.detach()[..., ::step]


@pytest.mark.parametrize("file", ["toco.npz", "seco.npz"])
def test_every_released_tensor_that_is_used_has_its_place(file):
    network = toco() if file == "toco.npz" else seco()
    ours = {released(name) for name in network.state_dict()}
    unused = {name for name in golden(file)["net_names"] if name not in ours}
    assert all(
        "weight_g" in n or ".head." in n or n in RENAMED or "last_layer" in n for n in unused
    )


RENAMED = {"queue", "queue_label_flag", "queue_ptr"}


@torch.no_grad()
def test_tokens_and_heads_of_toco_are_the_released_ones():
    network = toco()
    features = network.features(images("toco.npz"))
    tokens = features.last.flatten(2).transpose(1, 2)
    middle = features.middle.flatten(2).transpose(1, 2)
    assert close(features.token, numbers("net_class_token"), 1e-4)
    assert close(every(tokens, 4), numbers("net_patch_tokens_every4"), 1e-4)
    assert close(every(middle, 4), numbers("net_aux_tokens_every4"), 1e-4)
    last, middle = network.logits(features)
    assert close(last, numbers("net_cls"), 1e-4)
    assert close(middle, numbers("net_cls_aux"), 1e-4)
    assert close(network(images("toco.npz")), numbers("net_seg"), 1e-4)


def views(file, name, count, side, images):
    parts = [fill(f"{file}.{name}{i}", -2, 2, (images, 3, side, side)) for i in range(count)]
    return torch.stack(parts, 1)


@torch.no_grad()
def test_projections_of_toco_are_the_released_ones():
    network = filled(TocoNetwork(*_toco_parts(), momentum=0.9), "toco.npz")
    count = int(numbers("net_image_size")[0])
    side = 16 * network.backbone.grid
    local = len(numbers("net_proj_student_every16")) // count - 2
    student, teacher = network.project(
        views("toco", "global", 2, side, count), views("toco", "local", local, 32, count)
    )
    by_crop = student.transpose(0, 1).flatten(0, 1)
    assert close(every(by_crop, 16), numbers("net_proj_student_every16"), 1e-4)
    by_view = teacher.transpose(0, 1).flatten(0, 1)
    assert close(every(by_view, 16), numbers("net_proj_teacher_every16"), 1e-4)
    bias = network.teacher.mlp[0].bias[:16]
    assert close(bias, numbers("net_teacher_after_first_bias"), 1e-4)


def _toco_parts():
    backbone, layer = backbone_of("toco.npz")
    return backbone, 20, layer


def test_parameters_learn_in_the_released_groups():
    groups = dict(
        zip(
            golden("toco.npz")["net_param_names"].tolist(),
            golden("toco.npz")["net_param_group"].tolist(),
            strict=True,
        )
    )
    network = toco()
    for name, parameter in network.named_parameters():
        group = groups[released(name)]
        in_heads = name.split(".")[0] in network.heads
        assert (group in (2, 3)) == in_heads
        if name != "backbone.pos_embed":  # listed, but frozen
            assert parameter.requires_grad == (group != -1)


@torch.no_grad()
def test_maps_of_several_scales_are_the_released_ones():
    network, image = toco(), images("toco.npz")
    scales = numbers("ms_scales").tolist()
    for number, scale in enumerate(scales):
        last, middle = network.maps(network.features(pairs_at(image, scale)))
        assert close(last, numbers(f"ms_raw_last{number}"), 1e-4)
        assert close(middle, numbers(f"ms_raw_aux{number}"), 1e-4)
    last, middle = class_maps(network, image, scales)
    assert close(last[:, :, ::4, ::4], numbers("ms_cam_every4"), 1e-4)
    assert close(middle[:, :, ::4, ::4], numbers("ms_cam_aux_every4"), 1e-4)


def test_mirror_images_count_where_they_are_larger():
    maps = torch.tensor([[1.0, 0, 0]]).reshape(1, 1, 1, 3)
    pair = of_pair(torch.cat((maps, maps)), (1, 3))
    assert pair.flatten().tolist() == [1, 0, 1]


@cache
def seco():
    backbone, layer = backbone_of("seco.npz")
    second, _ = backbone_of("seco.npz")
    length = int(numbers("net_n_images_crops_queue", "seco.npz")[2])
    width = 768
    network = SecoNetwork(backbone, second, 20, layer, 0.999, length, 0, width)
    network = filled(network, "seco.npz")
    network.prototypes.copy_(fill("seco.prototypes", -1, 1, network.prototypes.shape))
    return network


@torch.no_grad()
def test_seco_remembers_as_released():
    network, image = seco(), images("seco.npz")
    queue = network.queue
    queue.keys.copy_(fill_value("queue", queue.keys, GAIN))
    queue.tags.copy_(numbers("net_queue_labels_before", "seco.npz"))
    queue.place.copy_(numbers("net_queue_ptr_before", "seco.npz"))
    features = network.features(image)
    assert close(features.token, numbers("net_class_token", "seco.npz"), 1e-4)
    last, middle = network.logits(features)
    assert close(last, numbers("net_cls", "seco.npz"), 1e-4)
    assert close(middle, numbers("net_cls_aux", "seco.npz"), 1e-4)
    assert close(network(image), numbers("net_seg", "seco.npz"), 1e-4)
    assert close(network.prototypes, numbers("net_prototypes_before", "seco.npz"), 1e-6)
    network.move_prototypes(features.token, numbers("net_image_class", "seco.npz"))
    assert close(network.prototypes, numbers("net_prototypes_after", "seco.npz"), 1e-4)
    tags = numbers("net_flags", "seco.npz")
    count, looks = tags.shape
    queries, kept, kept_tags = network.remember(
        views("seco", "global", 2, 16 * network.backbone.grid, count),
        views("seco", "localq", looks - 2, 32, count),
        views("seco", "localk", looks - 2, 32, count),
        tags,
    )
    assert close(every(queries, 32), numbers("net_out_q_every32", "seco.npz"), 1e-4)
    assert close(every(kept, 32), numbers("net_queue_all_every32", "seco.npz"), 1e-4)
    assert torch.equal(kept_tags, numbers("net_queue_flags_all", "seco.npz"))
    assert torch.equal(queue.place, numbers("net_queue_ptr_after", "seco.npz"))

"""Drawing functions, by name, of things that are not classes of RailScenes."""

from wsss_harness.datasets.railscenes import indoors, outdoors
from wsss_harness.datasets.railscenes.canvas import Draw

DISTRACTORS: dict[str, Draw] = {
    "ball": indoors.ball,
    "balloon": outdoors.balloon,
    "bin": indoors.waste_bin,
    "books": indoors.books,
    "boulder": outdoors.boulder,
    "building": outdoors.building,
    "bush": outdoors.bush,
    "container": outdoors.container,
    "cushion": indoors.cushion,
    "fence": outdoors.fence,
    "hay bale": outdoors.hay_bale,
    "lamp post": outdoors.lamp_post,
    "picture": indoors.picture,
    "plant": indoors.plant,
    "tree": outdoors.tree,
    "vase": indoors.vase,
}

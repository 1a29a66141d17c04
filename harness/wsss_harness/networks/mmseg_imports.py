"""The networks of mmsegmentation, without their output on the terminal.

On import they warn about compiled operators that DeepLab does not need, and they log how they drew
each initial weight.
"""

import io
import warnings
from contextlib import redirect_stdout

with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
    warnings.simplefilter("ignore")
    from mmseg.models.backbones import ResNet as ResNet
    from mmseg.models.backbones import ResNetV1c as ResNetV1c
    from mmseg.models.decode_heads.decode_head import BaseDecodeHead as BaseDecodeHead
    from mmseg.models.segmentors import EncoderDecoder as EncoderDecoder
    from mmseg.registry import MODELS as MODELS
    from mmseg.structures import SegDataSample as SegDataSample
from mmengine.model import BaseModule

from wsss_harness.networks.mmengine_globals import silent

# Every image of a new size would say so; the released networks of DeepLab V1 have such sizes.
warnings.filterwarnings("ignore", "When align_corners=True, the output would more aligned")


def initialise(module: BaseModule) -> None:
    """Draw the initial weights that the module's configuration asks for."""
    with silent():
        module.init_weights()

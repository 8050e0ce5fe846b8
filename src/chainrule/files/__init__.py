"""Files that hold a trained model, or a run under way, whole, and run no code when they are read."""

from chainrule.files.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from chainrule.files.model_file import load_model, save_model

__all__ = ["Checkpoint", "load_checkpoint", "load_model", "save_checkpoint", "save_model"]

"""The model file: one file that holds a trained model whole, and runs no code when it is read."""

from chainrule.files.model_file import load_model, save_model

__all__ = ["load_model", "save_model"]

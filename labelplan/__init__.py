"""labelplan: plan, review, apply and undo the cleaning of image training sets."""

__version__ = "0.1.0"

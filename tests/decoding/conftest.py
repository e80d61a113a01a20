from speech import alone

__all__ = ["alone"]

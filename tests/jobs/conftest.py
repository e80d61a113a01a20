from speech import alone, no_process_for_memory

__all__ = ["alone", "no_process_for_memory"]

"""Tasks from documents as an environment of `verifiers`, scored by the verifiers that were certified with them."""

try:
    from verifiers import SingleTurnEnv as _BeforeTasksets
except ImportError:
    _BeforeTasksets = None

if _BeforeTasksets is None:
    from .taskset import Tasks

    __all__ = ["Tasks"]
else:
    from .single_turn import load_environment

    __all__ = ["load_environment"]

"""Values of parameters as papermill writes them into a lesson."""

from papermill.translators import PythonTranslator


class LiteralTranslator(PythonTranslator):
    """Python's own literals: papermill's translator would write a tuple, and each key of a dict, as text."""

    @classmethod
    def translate(cls, value: object) -> str:
        """Source code of a value, such as ``{20: (3, 5)}``."""
        return super().translate(value) if isinstance(value, float) else repr(value)  # float: nan has no literal

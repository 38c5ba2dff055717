"""The refusal of an answer with which what has to be done cannot be done."""


class UnfitAnswerError(Exception):
    """An answer cannot be read in one way only, or is of a kind that nothing can be done to.

    Attributes:
        code: a fixed word for the record; never a part of the answer.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code

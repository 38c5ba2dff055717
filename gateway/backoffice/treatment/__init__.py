"""What is done to an answer of the back office before anybody sees it: pure, bytes to bytes.

Whatever cannot be read in one way is refused (`UnfitAnswerError`), never passed on as it came.
"""

"""Made-up people for tests of how they move."""

from signtalk.synthetic.signers import Habits, Signer, make_signer


def nobody_in_particular() -> Signer:
    """A person without habits of their own."""
    return make_signer(0, "A", Habits(difficulty=0.0))

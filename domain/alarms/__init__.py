"""What somebody should look at: a source that is silent, calls sold below cost.

Words: an alarm's *kind* says what is wrong, its *subject* with what; *raising* it says that it is so now.
Invariants: of one kind and subject one alarm is not closed; raised again it counts up, keeps its state, and tells what
is newest; a closed one stays as it was, and the next raising begins another.
It does not decide when something is wrong: whoever sees it raises it.
"""
